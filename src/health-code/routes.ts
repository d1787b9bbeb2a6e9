import Router from '@koa/router';
import { bodyParser } from '../platform/http/forms.ts';
import { appealRoutes } from './appeals/routes.ts';
import type { HealthDeps } from './citizen-page.ts';
import { doorRoutes } from './door/routes.ts';
import type { Visitors } from './door/visitor.ts';
import { openHealthKeys } from './show/keys.ts';
import { showRoutes } from './show/routes.ts';
import { statementRoutes } from './statements.ts';

/** The citizen's pages of the health code: `/health/code`, `/health/declare`, `/health/checkin`. */
export function healthRoutes(deps: HealthDeps & { visitors?: Visitors }): Router {
  const { db, cipher } = deps;
  const router = new Router();

  router.use('/health', bodyParser());
  router.get('/health', (ctx) => ctx.redirect('/health/code'));

  const keys = openHealthKeys(db, cipher);
  showRoutes(router, { ...deps, keys });
  doorRoutes(router, { ...deps, keys });
  appealRoutes(router, deps);

  statementRoutes(router, deps);
  return router;
}
