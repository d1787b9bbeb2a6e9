import type Router from '@koa/router';
import type { Context } from 'koa';
import { z } from 'zod';
import { record } from '../audit/log.ts';
import { listCredentials } from '../citizens/credentials.ts';
import type { Citizen } from '../citizens/store.ts';
import { confirmTotp, pendingTotp, startTotp, TOTP_MAX } from '../citizens/totp.ts';
import { type FormState, formOf } from '../platform/http/forms.ts';
import { Problem } from '../platform/problem.ts';
import { qrSvg } from '../platform/qr.ts';
import type { AccountDeps } from './deps.ts';
import type { Gate } from './gate.ts';
import { countAttempt } from './limit.ts';
import { tell } from './notify.ts';
import { backToSecurity } from './security.ts';

const ADD = '/account/security/totp/add';
const Name = z.object({ label: z.string().trim().min(1, 'account.totp.labelMissing').max(40) });
const Code = z.object({ code: z.string().trim().min(1, 'account.totp.codeMissing').max(20) });
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Adding an authenticator app: a name, then the QR code and the first code of the app. */
export function totpRoutes(router: Router, deps: AccountDeps, gate: Gate): void {
  const { db, cipher, clock, pages } = deps;
  const shownAs = (ctx: Context, citizen: Citizen) => ({
    issuer: pages.t(ctx)('platform.name'),
    account: citizen.username ?? citizen.id.slice(-6),
  });

  router.get(ADD, async (ctx) => {
    if (await gate.fresh(ctx, ADD)) pages.render(ctx, 'account/totp-add');
  });

  router.post(ADD, async (ctx) => {
    const me = await gate.fresh(ctx, ADD);
    if (!me) return;
    const posted = formOf(ctx, Name);
    if (!posted.ok) return pages.render(ctx, 'account/totp-add', { form: posted.form });
    const { totp } = await listCredentials(db, me.citizen.id);
    if (totp.length >= TOTP_MAX) throw new Problem('too_many_credentials', 409, { max: TOTP_MAX });
    const pending = await startTotp(db, cipher, {
      citizenId: me.citizen.id,
      label: posted.data.label,
      ...shownAs(ctx, me.citizen),
      now: clock(),
    });
    ctx.status = 303;
    ctx.redirect(`/account/security/totp/${pending.id}`);
  });

  async function show(ctx: Context, citizen: Citizen, form?: FormState): Promise<void> {
    const id: string = ctx.params.id ?? '';
    const pending = UUID.test(id)
      ? await pendingTotp(db, cipher, { citizenId: citizen.id, id, ...shownAs(ctx, citizen) })
      : undefined;
    // Confirmed already (Back, a second click) or purged: the list says how it stands.
    if (!pending) return ctx.redirect('/account/security');
    pages.render(ctx, 'account/totp-confirm', {
      label: pending.label,
      secret: pending.secret.replace(/(.{4})(?=.)/g, '$1 '),
      uri: pending.uri,
      qr: qrSvg(pending.uri),
      ...(form && { form }),
    });
  }

  router.get('/account/security/totp/:id', async (ctx) => {
    const me = await gate.fresh(ctx, ctx.path);
    if (me) await show(ctx, me.citizen);
  });

  router.post('/account/security/totp/:id', async (ctx) => {
    const me = await gate.fresh(ctx, ctx.path);
    if (!me) return;
    const { citizen, level } = me;
    const posted = formOf(ctx, Code);
    if (!posted.ok) return show(ctx, citizen, posted.form);
    const id: string = ctx.params.id ?? '';
    if (!UUID.test(id)) return ctx.redirect('/account/security');
    await countAttempt(deps, citizen, 'code', `totp ${id}`);
    const confirmed = await db.transaction(async (tx) => {
      await gate.hold(tx, me);
      const now = clock();
      const citizenId = citizen.id;
      const { code } = posted.data;
      if (!(await confirmTotp(tx, cipher, { citizenId, id, code, boundLevel: level, now }))) return false;
      await record(tx, { type: 'credential.added', citizenId, detail: { kind: 'totp', level }, at: now });
      await tell(deps, tx, ctx, { phone: citizen.phone, what: 'totpAdded' });
      return true;
    });
    if (confirmed) return backToSecurity(ctx, 'totpAdded');
    posted.form.errors.code = 'account.totp.codeWrong';
    await show(ctx, citizen, posted.form);
  });
}
