import Router from '@koa/router';
import type { Context } from 'koa';
import { bodyParser } from '../platform/http/forms.ts';
import { consentRoutes } from './consent/consent.ts';
import type { FrontDoorDeps } from './deps.ts';
import { codeRoutes } from './login/code.ts';
import { loginRoutes } from './login/login.ts';
import { passkeyRoutes } from './login/passkey.ts';
import { seeOther } from './paths.ts';
import { recoveryRoutes } from './recovery/pages.ts';
import { registrationRoutes } from './registration/pages.ts';

/** The first page of a prompt; shows it, or sends the browser to it. */
export type FirstPage = (ctx: Context) => Promise<void>;

/**
 * The pages of an interaction, `/interaction/:uid…`, and of registration and recovery, which need none.
 *
 * @param stepUp first page of a step-up; its routes are in `step-up.ts`.
 */
export function frontDoorRoutes(deps: FrontDoorDeps, { stepUp }: { stepUp: FirstPage }): Router {
  const router = new Router();
  router.use(bodyParser());
  const login = loginRoutes(router, deps);
  codeRoutes(router, deps);
  passkeyRoutes(router, deps);
  const consent = consentRoutes(router, deps);
  const registration = registrationRoutes(router, deps);
  recoveryRoutes(router, deps);
  const first = { login, consent, step_up: stepUp };

  router.get('/interaction/:uid', async (ctx) => {
    const { prompt, uid, wantsAccount } = await deps.door.details(ctx);
    const toRegister = prompt === 'login' && wantsAccount && !(await registration.begunIn(ctx, uid));
    return toRegister ? seeOther(ctx, `/register?interaction=${uid}`) : first[prompt](ctx);
  });
  return router;
}
