import type Router from '@koa/router';
import type { HealthDeps } from '../citizen-page.ts';
import { appFiles } from './app-files.ts';
import { codePage } from './code-page.ts';
import type { HealthKeys } from './keys.ts';
import { offlineRoutes } from './offline-routes.ts';
import { paperRoutes } from './paper-routes.ts';

export type ShowDeps = HealthDeps & { keys: HealthKeys };

/** Everything with which citizens show their colour. None of it asks an outside source. */
export function showRoutes(router: Router, deps: ShowDeps): void {
  codePage(router, deps);
  offlineRoutes(router, deps);
  paperRoutes(router, deps);
  appFiles(router, deps);
}
