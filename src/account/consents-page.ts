import type Router from '@koa/router';
import { z } from 'zod';
import { record } from '../audit/log.ts';
import { CLAIM_SETS, LEAST_LEVEL } from '../consents/claim-set.ts';
import { readConsents, withdrawConsents } from '../consents/store.ts';
import { formOf } from '../platform/http/forms.ts';
import { withdrawClientGrants } from '../sessions/revoke.ts';
import type { AccountDeps } from './deps.ts';
import type { Gate } from './gate.ts';
import { clientName } from './security.ts';

const PATH = '/account/consents';
const Withdrawal = z.object({ client: z.string().min(1).max(200), set: z.enum(CLAIM_SETS) });

/** What a citizen agreed to give, to whom, and taking it back. */
export function consentRoutes(router: Router, deps: AccountDeps, gate: Gate): void {
  const { db, clock, pages } = deps;

  router.get(PATH, async (ctx) => {
    const me = await gate.signedIn(ctx, PATH);
    if (!me) return;
    const given = (await readConsents(db, me.citizen.id)).filter(({ withdrawnAt }) => !withdrawnAt);
    const consents = given.map(async ({ clientId, claimSet, givenAt }) => ({
      clientId,
      client: await clientName(deps, ctx, clientId),
      claimSet,
      givenAt,
    }));
    pages.render(ctx, 'account/consents', {
      consents: await Promise.all(consents),
      leastLevel: LEAST_LEVEL,
    });
  });

  router.post(PATH, async (ctx) => {
    const me = await gate.signedIn(ctx, PATH);
    if (!me) return;
    const posted = formOf(ctx, Withdrawal);
    if (posted.ok) {
      const { client: clientId, set: claimSet } = posted.data;
      const citizenId = me.citizen.id;
      const now = clock();
      await db.transaction(async (tx) => {
        const gone = await withdrawConsents(tx, { citizenId, clientId, claimSet, now });
        if (gone.length === 0) return;
        await record(tx, { type: 'consent.withdrawn', citizenId, clientId, detail: { claimSet }, at: now });
        // Without the consent to sign in there is nothing left that the site may hold.
        if (claimSet === 'openid') {
          await withdrawClientGrants(tx, { accountId: citizenId, clientId, reason: 'requested', now });
        }
      });
    }
    ctx.status = 303;
    ctx.redirect(PATH);
  });
}
