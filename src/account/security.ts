import type Router from '@koa/router';
import type { Context } from 'koa';
import { record } from '../audit/log.ts';
import { canLogIn, listCredentials, removeCredential, without } from '../citizens/credentials.ts';
import { localeOf } from '../platform/http/preferences.ts';
import { Problem } from '../platform/problem.ts';
import { listSessions } from '../sessions/session-store.ts';
import type { AccountDeps } from './deps.ts';
import type { Gate } from './gate.ts';
import { describeAgent, maskPhone } from './masked.ts';
import { tell } from './notify.ts';

/** What the page says after an act: `?done=`, each with a text `account.done.<what>`. */
export const DONE = [
  'passkeyAdded',
  'passkeyRemoved',
  'totpAdded',
  'totpRemoved',
  'passwordChanged',
  'phoneChanged',
  'sessionsEnded',
] as const;
export type Done = (typeof DONE)[number];

export function backToSecurity(ctx: Context, done: Done): void {
  ctx.status = 303;
  ctx.redirect(`/account/security?done=${done}`);
}

/** Name of a relying party in the language of the page, or its id when it is no longer in the catalogue. */
export async function clientName(deps: AccountDeps, ctx: Context, clientId: string): Promise<string> {
  const client = await deps.catalogue.client(clientId);
  const name = (localeOf(ctx) === 'en' && client?.['client_name#en']) || client?.client_name;
  return typeof name === 'string' ? name : clientId;
}

const KINDS = { passkeys: 'passkey', totp: 'totp' } as const;

/** The list of ways to log in and of open sessions, and taking either away. */
export function securityRoutes(router: Router, deps: AccountDeps, gate: Gate): void {
  const { db, clock, pages } = deps;

  router.get('/account/security', async (ctx) => {
    const me = await gate.signedIn(ctx);
    if (!me) return;
    const { citizen, session } = me;
    const held = await listCredentials(db, citizen.id);
    const sessions = await listSessions(db, citizen.id, clock());
    const shown = await Promise.all(
      sessions.map(async ({ uid, clientIds, userAgent, loginAt, createdAt }) => ({
        here: uid === session.sessionUid,
        device: describeAgent(userAgent),
        at: loginAt ?? createdAt,
        clients: await Promise.all(clientIds.map((id) => clientName(deps, ctx, id))),
      })),
    );
    const removable = (kind: 'totp' | 'passkey', id: string) => canLogIn(without(held, { kind, id }));
    pages.render(ctx, 'account/security', {
      held,
      phone: citizen.phone && maskPhone(citizen.phone),
      totp: held.totp.map((each) => ({ ...each, removable: removable('totp', each.id) })),
      passkeys: held.passkeys.map((each) => ({ ...each, removable: removable('passkey', each.id) })),
      sessions: shown,
      done: DONE.find((what) => what === ctx.query.done),
    });
  });

  for (const [list, kind] of Object.entries(KINDS)) {
    const path = `/account/security/${list}/:id/remove`;

    /** The passkey or app that an address names, if it can go. */
    async function removable(ctx: Context, citizenId: string) {
      const held = await listCredentials(db, citizenId);
      const each = (kind === 'totp' ? held.totp : held.passkeys).find(({ id }) => id === ctx.params.id);
      if (!each) throw new Problem('credential_gone', 404);
      if (!canLogIn(without(held, { kind, id: each.id }))) throw new Problem('last_way_to_log_in', 409);
      return each;
    }

    router.get(path, async (ctx) => {
      const me = await gate.fresh(ctx, ctx.path);
      if (me) pages.render(ctx, 'account/remove', { kind, each: await removable(ctx, me.citizen.id) });
    });

    router.post(path, async (ctx) => {
      const me = await gate.fresh(ctx, ctx.path);
      if (!me) return;
      const citizenId = me.citizen.id;
      const { id } = await removable(ctx, citizenId);
      const what = kind === 'totp' ? 'totpRemoved' : 'passkeyRemoved';
      await db.transaction(async (tx) => {
        await gate.hold(tx, me);
        const removed = await removeCredential(tx, { citizenId, kind, id });
        // Somebody pressed twice: it was told the first time.
        if (removed === undefined) return;
        await record(tx, { type: 'credential.removed', citizenId, detail: { kind }, at: clock() });
        await tell(deps, tx, ctx, { phone: me.citizen.phone, what });
      });
      backToSecurity(ctx, what);
    });
  }

  router.post('/account/security/sessions/end', async (ctx) => {
    const me = await gate.signedIn(ctx);
    if (!me) return;
    const citizenId = me.citizen.id;
    await db.transaction(async (tx) => {
      const now = clock();
      await deps.endSessions(tx, { citizenId, except: me.session.sessionUid, reason: 'elsewhere', now });
      await tell(deps, tx, ctx, { phone: me.citizen.phone, what: 'sessionsEnded' });
    });
    backToSecurity(ctx, 'sessionsEnded');
  });
}
