import type Router from '@koa/router';
import type { Context } from 'koa';
import { z } from 'zod';
import { hasFreshSim } from '../assurance/fresh-sim.ts';
import { noteLevelChange, voidEvidence } from '../assurance/level-change.ts';
import { endEvidence, recordEvidence } from '../assurance/store.ts';
import { record } from '../audit/log.ts';
import { AuthorityUnavailable } from '../authorities/ask.ts';
import { parseMobile } from '../citizens/identifiers.ts';
import { type CodeSent, codeRules, currentCode, redeemCode, sendCode } from '../citizens/one-time-code.ts';
import { changePhone, transferPhone } from '../citizens/phone.ts';
import type { Queryable } from '../platform/database.ts';
import { type FieldError, type FormState, formOf } from '../platform/http/forms.ts';
import { localeOf } from '../platform/http/preferences.ts';
import { lifetimes } from '../platform/lifetimes.ts';
import { Problem } from '../platform/problem.ts';
import type { AccountDeps } from './deps.ts';
import type { FreshMe, Gate } from './gate.ts';
import { countAttempt } from './limit.ts';
import { maskPhone } from './masked.ts';
import { tell } from './notify.ts';
import { backToSecurity } from './security.ts';
import { keepPendingPhone } from './session-store.ts';

const PATH = '/account/security/phone';
const CODE = `${PATH}/code`;
const PURPOSE = 'account-phone';

const Phone = z.object({ phone: z.string().trim().min(1, 'account.phone.empty').max(40) });
const Code = z.object({
  action: z.enum(['continue', 'resend']).default('continue'),
  sms_code: z.string().max(20).default(''),
});

/** A number that the carrier has confirmed and whose code is awaited. */
interface Pending {
  phone: string;
  /** ISO 8601: when it was typed. */
  at: string;
}

/** For how long it is awaited, in milliseconds; whoever comes back later types the number again. */
const PENDING_MS = 30 * 60 * 1000;

/** Another phone: the carrier confirms the owner, a code proves possession. */
export function phoneRoutes(router: Router, deps: AccountDeps, gate: Gate): void {
  const { db, cipher, clock, pages, carrier, fixedCode, codeRules: rules } = deps;
  const ownerOf = ({ session }: FreshMe) => session.key.toString('hex');

  function pendingOf(me: FreshMe): Pending | undefined {
    const sealed = me.session.pendingPhone;
    const pending = sealed && (JSON.parse(cipher.unsealShared(PURPOSE, ownerOf(me), sealed)) as Pending);
    return pending && clock().getTime() - Date.parse(pending.at) < PENDING_MS ? pending : undefined;
  }

  const form = (ctx: Context, me: FreshMe, state?: FormState) =>
    pages.render(ctx, 'account/phone', {
      current: me.citizen.phone && maskPhone(me.citizen.phone),
      ...(state && { form: state }),
    });

  router.get(PATH, async (ctx) => {
    const me = await gate.fresh(ctx, PATH);
    if (me) form(ctx, me);
  });

  const simIsNew = async (phone: string | undefined): Promise<boolean> =>
    phone !== undefined && hasFreshSim(carrier, phone, clock());

  /** Asks the carrier. @returns its reference, or the text of what stands in the way. */
  async function checked(
    { citizen, withoutSms }: FreshMe,
    phone: string,
  ): Promise<{ reference: string } | { refusal: FieldError }> {
    if (phone === citizen.phone) return { refusal: 'account.phone.same' };
    try {
      const owner = await carrier.owner({ phone, name: citizen.name, idNumber: citizen.idNumber });
      if (owner.outcome !== 'match') return { refusal: 'account.phone.notYours' };
      // A login by SMS and a code by SMS are worth what the two SIM cards are worth.
      if (!withoutSms && ((await simIsNew(citizen.phone)) || (await simIsNew(phone)))) {
        const hours = Math.round(lifetimes.freshSim / 3600);
        return { refusal: { key: 'account.phone.newSim', params: { hours } } };
      }
      return { reference: owner.reference };
    } catch (error) {
      if (!(error instanceof AuthorityUnavailable)) throw error;
      throw new Problem('carrier_silent', 503, {}, { cause: error });
    }
  }

  router.post(PATH, async (ctx) => {
    const me = await gate.fresh(ctx, PATH);
    if (!me) return;
    const posted = formOf(ctx, Phone);
    if (!posted.ok) return form(ctx, me, posted.form);
    const phone = parseMobile(posted.data.phone);
    if (!phone.ok) {
      posted.form.errors.phone = 'account.phone.wrong';
      return form(ctx, me, posted.form);
    }
    await countAttempt(deps, me.citizen, 'proofing', `phone ${me.citizen.id}`);
    const answer = await checked(me, phone.value);
    if ('refusal' in answer) {
      posted.form.errors.phone = answer.refusal;
      return form(ctx, me, posted.form);
    }
    const pending: Pending = { phone: phone.value, at: clock().toISOString() };
    await keepPendingPhone(
      db,
      me.session.key,
      cipher.sealShared(PURPOSE, ownerOf(me), JSON.stringify(pending)),
    );
    ctx.status = 303;
    ctx.redirect(CODE);
  });

  const codeOf = (me: FreshMe, { phone }: Pending) => ({
    phone,
    purpose: 'change_phone' as const,
    context: `account ${ownerOf(me)}`,
    now: clock(),
  });

  /**
   * Sees to the code of the page.
   *
   * @param how `open`: sends one, unless the page was only loaded again and an earlier one is still good; `again`:
   *   another; `stay`: none.
   */
  async function askCode(
    ctx: Context,
    me: FreshMe,
    pending: Pending,
    how: 'open' | 'again' | 'stay',
  ): Promise<CodeSent> {
    const request = { ...codeOf(me, pending), locale: localeOf(ctx) };
    const current = how === 'again' ? undefined : await currentCode(db, cipher, request);
    if (current || how === 'stay') {
      const wait = fixedCode?.(pending.phone) === undefined ? (rules ?? codeRules()).resend : 0;
      const resendAt = current ? new Date(current.sentAt.getTime() + wait * 1000) : request.now;
      return { ...current, sent: false, resendAt };
    }
    return db.transaction(async (tx) => {
      const sent = await sendCode({ tx, cipher, fixedCode, rules }, request);
      if (sent.sent) {
        const at = request.now;
        await record(tx, { type: 'code.sent', citizenId: me.citizen.id, detail: { purpose: 'phone' }, at });
      }
      return sent;
    });
  }

  async function showCode(
    ctx: Context,
    me: FreshMe,
    pending: Pending,
    { how = 'stay', state }: { how?: 'open' | 'again' | 'stay'; state?: FormState } = {},
  ): Promise<void> {
    const { resendAt, expiresAt, reason, delivery } = await askCode(ctx, me, pending, how);
    const seconds = (until: Date) => Math.max(0, Math.ceil((until.getTime() - clock().getTime()) / 1000));
    pages.render(ctx, 'account/phone-code', {
      ending: pending.phone.slice(-4),
      wait: seconds(resendAt),
      limited: reason === 'daily_limit' && expiresAt === undefined,
      delivery,
      left: expiresAt ? Math.ceil(seconds(expiresAt) / 60) : 0,
      ...(state && { form: state }),
    });
  }

  router.get(CODE, async (ctx) => {
    const me = await gate.fresh(ctx, PATH);
    if (!me) return;
    const pending = pendingOf(me);
    if (!pending) return ctx.redirect(PATH);
    await showCode(ctx, me, pending, { how: 'open' });
  });

  router.post(CODE, async (ctx) => {
    const me = await gate.fresh(ctx, PATH);
    if (!me) return;
    const pending = pendingOf(me);
    if (!pending) return ctx.redirect(PATH);
    const posted = formOf(ctx, Code);
    if (!posted.ok) return showCode(ctx, me, pending, { state: posted.form });
    if (posted.data.action === 'resend') return showCode(ctx, me, pending, { how: 'again' });
    await countAttempt(deps, me.citizen, 'code', `phone ${ownerOf(me)}`);
    // Asked before the code was sent, too; in between a number or its SIM can have changed hands.
    const said = await checked(me, pending.phone);
    if ('refusal' in said) {
      await keepPendingPhone(db, me.session.key, null);
      return form(ctx, me, { values: {}, errors: { phone: said.refusal } });
    }
    const outcome = await db.transaction(async (tx) => {
      await gate.hold(tx, me);
      const answer = { ...codeOf(me, pending), code: posted.data.sms_code };
      const redeemed = await redeemCode({ tx, cipher }, answer);
      if (redeemed === 'ok') await change(tx, ctx, me, { ...pending, ...said });
      return redeemed;
    });
    if (outcome !== 'ok') {
      posted.form.errors.sms_code = `account.phone.code_${outcome}`;
      return showCode(ctx, me, pending, { state: posted.form });
    }
    backToSecurity(ctx, 'phoneChanged');
  });

  async function change(
    tx: Queryable,
    ctx: Context,
    me: FreshMe,
    { phone, reference }: { phone: string; reference: string },
  ): Promise<void> {
    const citizenId = me.citizen.id;
    const now = clock();
    const { fromCitizenId } = await transferPhone(tx, cipher, { phone, toCitizenId: citizenId });
    const carrier = { method: 'carrier', at: now } as const;
    if (fromCitizenId !== undefined) {
      await voidEvidence(tx, { citizenId: fromCitizenId, reason: 'new_owner', ...carrier });
    }
    await changePhone(tx, cipher, { citizenId, phone, boundLevel: me.level, now });
    await noteLevelChange(tx, { citizenId, at: now }, async () => {
      await endEvidence(tx, { citizenId, reason: 'phone_changed', ...carrier });
      await recordEvidence(tx, { citizenId, source: 'carrier', transactionId: reference, ...carrier });
    });
    await keepPendingPhone(tx, me.session.key, null);
    await record(tx, { type: 'phone.changed', citizenId, at: now });
    // The old number first: if this was not the citizen, it is the one that still reaches them.
    await tell(deps, tx, ctx, { phone: me.citizen.phone, what: 'phoneChanged' });
    await tell(deps, tx, ctx, { phone, what: 'phoneChanged' });
  }
}
