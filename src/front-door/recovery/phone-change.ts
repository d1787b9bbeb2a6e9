import Router from '@koa/router';
import type { Context } from 'koa';
import { bodyParser } from '../../platform/http/forms.ts';
import type { FrontDoorDeps } from '../deps.ts';
import { seeOther } from '../paths.ts';
import { toolsOf } from './browser.ts';
import { cancelRecovery } from './recover.ts';
import { waitingRecoveries } from './store.ts';

export interface PhoneChangeDeps extends FrontDoorDeps {
  /** The citizen, or `undefined` when the browser was sent to log in first. */
  signedIn(ctx: Context, backTo: string): Promise<{ citizen: { id: string } } | undefined>;
  /** Renders with the navigation of the citizen's own pages. */
  render(ctx: Context, view: string, data: Record<string, unknown>): void;
}

const PATH = '/account/phone-change';

/** A change of phone that waits, as the citizen sees it who is logged in, and stopping it. */
export function phoneChangeRoutes(deps: PhoneChangeDeps): Router {
  const { db, clock } = deps;
  const router = new Router();
  router.use(bodyParser());

  router.get(PATH, async (ctx) => {
    const me = await deps.signedIn(ctx, PATH);
    if (!me) return;
    const [waiting] = await waitingRecoveries(db, me.citizen.id);
    deps.render(ctx, 'front-door/phone-change', { applyAt: waiting?.applyAt });
  });

  router.post(PATH, async (ctx) => {
    const me = await deps.signedIn(ctx, PATH);
    if (!me) return;
    const now = clock();
    for (const { id: recoveryId } of await waitingRecoveries(db, me.citizen.id)) {
      await db.transaction((tx) => cancelRecovery(tx, toolsOf(deps), { recoveryId, now }));
    }
    seeOther(ctx, PATH);
  });
  return router;
}
