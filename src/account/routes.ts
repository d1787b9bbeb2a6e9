import Router from '@koa/router';
import type { Context } from 'koa';
import { bodyParser } from '../platform/http/forms.ts';
import type { Pages } from '../platform/pages.ts';
import { accessRoutes } from './access-page.ts';
import { consentRoutes } from './consents-page.ts';
import { dataRoutes } from './data-pages.ts';
import type { AccountDeps } from './deps.ts';
import { createGate, type Gate } from './gate.ts';
import { overviewRoutes } from './overview.ts';
import { passkeyRoutes } from './passkey-pages.ts';
import { passwordRoutes } from './password-pages.ts';
import { phoneRoutes } from './phone-pages.ts';
import { securityRoutes } from './security.ts';
import { createSignInPages } from './sign-in.ts';
import { totpRoutes } from './totp-pages.ts';

const NAV = {
  overview: '/account',
  security: '/account/security',
  access: '/account/access',
  consents: '/account/consents',
  data: '/account/data',
};

/** Every page of the room shows where the others are. */
function withNavigation(pages: Pages): Pages {
  const nav = (ctx: Context) =>
    Object.entries(NAV).map(([name, href]) => ({
      href,
      label: pages.t(ctx)(`account.nav.${name}`),
      current: href === ctx.path,
    }));
  return {
    ...pages,
    render: (ctx, view, data, options) => pages.render(ctx, view, { nav: nav(ctx), ...data }, options),
  };
}

/** The citizen's own pages, `/account…`. They answer to nobody else: nothing in them may be cached. */
export const accountRoutes = (given: AccountDeps): Router => openAccount(given).router;

/** The same, with the gate for other rooms whose pages are the citizen's too. */
export function openAccount(given: AccountDeps): {
  router: Router;
  gate: Gate;
  /** Renders with the navigation of these pages. */
  render: Pages['render'];
} {
  const deps = { ...given, pages: withNavigation(given.pages) };
  const router = new Router();
  router.use(async (ctx, next) => {
    ctx.set('cache-control', 'no-store');
    await next();
  });
  router.use(bodyParser());
  const signIn = createSignInPages(deps);
  const gate = createGate(deps, signIn);
  signIn.routes(router);
  overviewRoutes(router, deps, gate);
  securityRoutes(router, deps, gate);
  passwordRoutes(router, deps, gate);
  phoneRoutes(router, deps, gate);
  passkeyRoutes(router, deps, gate);
  totpRoutes(router, deps, gate);
  accessRoutes(router, deps, gate);
  consentRoutes(router, deps, gate);
  dataRoutes(router, deps, gate);
  return { router, gate, render: deps.pages.render };
}
