import type Router from '@koa/router';
import { z } from 'zod';
import { record } from '../audit/log.ts';
import { acceptable, changePassword, hashPassword } from '../citizens/password.ts';
import { formOf } from '../platform/http/forms.ts';
import type { AccountDeps } from './deps.ts';
import type { Gate } from './gate.ts';
import { tell } from './notify.ts';
import { backToSecurity } from './security.ts';

const PATH = '/account/security/password';
const NewPassword = z.object({ password: z.string().max(1000, 'account.password.too_long').default('') });

/** Another password. The old one is not asked for: the citizen has just logged in. */
export function passwordRoutes(router: Router, deps: AccountDeps, gate: Gate): void {
  const { db, clock, pages } = deps;

  router.get(PATH, async (ctx) => {
    const me = await gate.fresh(ctx, PATH);
    if (me) pages.render(ctx, 'account/password', { username: me.citizen.username ?? '' });
  });

  router.post(PATH, async (ctx) => {
    const me = await gate.fresh(ctx, PATH);
    if (!me) return;
    const { citizen, session, level } = me;
    const posted = formOf(ctx, NewPassword);
    if (posted.ok) {
      const refusal = acceptable(posted.data.password, citizen);
      if (refusal) posted.form.errors.password = `account.password.${refusal}`;
    }
    if (!posted.ok || posted.form.errors.password) {
      return pages.render(ctx, 'account/password', { username: citizen.username ?? '', form: posted.form });
    }
    const passwordHash = await hashPassword(posted.data.password);
    await db.transaction(async (tx) => {
      const now = clock();
      const citizenId = citizen.id;
      await gate.hold(tx, me);
      await changePassword(tx, { citizenId, passwordHash, boundLevel: level, now });
      // Whoever knew the old one must not stay logged in somewhere.
      await deps.endSessions(tx, { citizenId, except: session.sessionUid, reason: 'elsewhere', now });
      await record(tx, { type: 'password.changed', citizenId, at: now });
      await tell(deps, tx, ctx, { phone: citizen.phone, what: 'passwordChanged' });
    });
    backToSecurity(ctx, 'passwordChanged');
  });
}
