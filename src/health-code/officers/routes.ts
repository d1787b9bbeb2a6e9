import Router from '@koa/router';
import { departmentName } from '../../departments/department-name.ts';
import { bodyParser } from '../../platform/http/forms.ts';
import { liveActivation } from '../activation.ts';
import { activationRoutes } from '../activations/routes.ts';
import { appealOfficerRoutes } from '../appeals/officer-routes.ts';
import { countOpen } from '../appeals/store.ts';
import { exchangeOfficerRoutes } from '../exchange/officer-routes.ts';
import { openAlarms } from '../orders/alarm.ts';
import { orderRoutes } from '../orders/routes.ts';
import { outageRoutes } from '../outages/routes.ts';
import { ruleSetRoutes } from '../rule-sets/routes.ts';
import { type OfficerDeps, officerGate } from './gate.ts';
import { mayOpen, OFFICER_PAGES, officerNav } from './nav.ts';
import { ROLES } from './roles.ts';
import { venuesRoutes } from './venues-routes.ts';
import { visitsRoutes } from './visits-routes.ts';

/** The officers' pages of the health code, `/health/officer…`. */
export function officerRoutes(deps: OfficerDeps): Router {
  const { db, pages } = deps;
  const router = new Router();
  router.use('/health/officer', bodyParser());
  const gate = officerGate(deps);

  router.get(
    '/health/officer',
    gate.look(ROLES, async (ctx, officer) => {
      pages.render(ctx, 'health-code/officer/home', {
        nav: officerNav(pages, ctx, officer, 'home'),
        roles: [...officer.roles],
        organisation: await departmentName(
          db,
          officer.as(...officer.roles)?.organisation ?? '',
          ctx.state.locale,
        ),
        pagesOpen: Object.keys(OFFICER_PAGES).filter((page) => mayOpen(officer, page)),
        appeals: mayOpen(officer, 'appeals') ? await countOpen(db, officer.now) : undefined,
        alarms: mayOpen(officer, 'orders') ? await openAlarms(db) : [],
        activation: await liveActivation(db, officer.now),
      });
    }),
  );
  appealOfficerRoutes(router, deps);
  orderRoutes(router, deps);
  venuesRoutes(router, deps);
  visitsRoutes(router, deps);
  outageRoutes(router, deps);
  exchangeOfficerRoutes(router, deps);
  ruleSetRoutes(router, deps);
  activationRoutes(router, deps);
  return router;
}
