import Router from '@koa/router';
import type { Context } from 'koa';
import { z } from 'zod';
import { record } from '../audit/log.ts';
import type { Catalogue } from '../departments/catalogue.ts';
import { bodyParser, formOf } from '../platform/http/forms.ts';
import { localeOf } from '../platform/http/preferences.ts';
import { readConsents, withdrawConsents } from './consents.ts';
import type { FrontDoorDeps } from './deps.ts';
import { CLAIM_SETS } from './door.ts';
import { seeOther } from './paths.ts';
import { waitingRecoveries } from './recoveries.ts';
import { cancelRecovery } from './recovery.ts';
import { toolsOf } from './recovery-browser.ts';

export interface CitizenPagesDeps extends FrontDoorDeps {
  catalogue: Pick<Catalogue, 'client'>;
  /** The citizen, or `undefined` when the browser was sent to log in first. */
  signedIn(ctx: Context, backTo: string): Promise<{ citizen: { id: string } } | undefined>;
  /** Renders with the navigation of the citizen's own pages. */
  render(ctx: Context, view: string, data: Record<string, unknown>): void;
}

const Withdrawal = z.object({ client: z.string().min(1).max(200), set: z.enum(CLAIM_SETS) });
const CONSENTS = '/account/consents';
const PHONE_CHANGE = '/account/phone-change';

/** What a citizen can take back: consents that were given, and a change of phone that waits. */
export function citizenRoutes(deps: CitizenPagesDeps): Router {
  const { db, clock } = deps;
  const router = new Router();
  router.use(bodyParser());

  async function clientName(ctx: Context, clientId: string): Promise<string> {
    const client = await deps.catalogue.client(clientId);
    const name = (localeOf(ctx) === 'en' && client?.['client_name#en']) || client?.client_name;
    return typeof name === 'string' ? name : clientId;
  }

  router.get(CONSENTS, async (ctx) => {
    const me = await deps.signedIn(ctx, CONSENTS);
    if (!me) return;
    const given = (await readConsents(db, me.citizen.id)).filter((consent) => !consent.withdrawnAt);
    const consents = given.map(async ({ clientId, claimSet, givenAt }) => ({
      clientId,
      client: await clientName(ctx, clientId),
      claimSet,
      givenAt,
    }));
    deps.render(ctx, 'front-door/consents', { consents: await Promise.all(consents) });
  });

  router.post(CONSENTS, async (ctx) => {
    const me = await deps.signedIn(ctx, CONSENTS);
    if (!me) return;
    const parsed = formOf(ctx, Withdrawal);
    if (!parsed.ok) return seeOther(ctx, CONSENTS);
    const { client: clientId, set: claimSet } = parsed.data;
    const citizenId = me.citizen.id;
    const now = clock();
    await db.transaction(async (tx) => {
      const gone = await withdrawConsents(tx, { citizenId, clientId, claimSet, now });
      if (gone.length === 0) return;
      await record(tx, { type: 'consent.withdrawn', citizenId, clientId, detail: { claimSet }, at: now });
    });
    seeOther(ctx, CONSENTS);
  });

  router.get(PHONE_CHANGE, async (ctx) => {
    const me = await deps.signedIn(ctx, PHONE_CHANGE);
    if (!me) return;
    const [waiting] = await waitingRecoveries(db, me.citizen.id);
    deps.render(ctx, 'front-door/phone-change', { applyAt: waiting?.applyAt });
  });

  router.post(PHONE_CHANGE, async (ctx) => {
    const me = await deps.signedIn(ctx, PHONE_CHANGE);
    if (!me) return;
    const now = clock();
    for (const { id: recoveryId } of await waitingRecoveries(db, me.citizen.id)) {
      await db.transaction((tx) => cancelRecovery(tx, toolsOf(deps), { recoveryId, now }));
    }
    seeOther(ctx, PHONE_CHANGE);
  });
  return router;
}
