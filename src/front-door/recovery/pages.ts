import type Router from '@koa/router';
import type { Context } from 'koa';
import { z } from 'zod';
import { hasFreshSim } from '../../assurance/fresh-sim.ts';
import { record } from '../../audit/log.ts';
import { AuthorityUnavailable } from '../../authorities/ask.ts';
import { listCredentials } from '../../citizens/credentials.ts';
import { parseMobile } from '../../citizens/identifiers.ts';
import { parseName } from '../../citizens/names.ts';
import { acceptable, hashPassword } from '../../citizens/password.ts';
import { readCitizen } from '../../citizens/store.ts';
import { type FormState, formOf } from '../../platform/http/forms.ts';
import { lifetimes } from '../../platform/lifetimes.ts';
import { Problem } from '../../platform/problem.ts';
import { type CodePlace, seeToCode, takeCode } from '../code-by-sms.ts';
import type { FrontDoorDeps } from '../deps.ts';
import { hoursOf } from '../hours.ts';
import { isLifted } from '../lifted.ts';
import { maskName } from '../masked.ts';
import { seeOther } from '../paths.ts';
import { readDocument } from '../registration/form.ts';
import { showStop } from '../stop.ts';
import { recoveryKeeper, toolsOf } from './browser.ts';
import { recoveryProofRoutes } from './prove.ts';
import { applyNewPassword, beginWait } from './recover.ts';
import { recoveryStatusRoutes } from './status.ts';
import type { RecoveryFile } from './steps.ts';
import { type Recovery, startRecovery } from './store.ts';

const text = z.string().max(300).default('');
const Person = z.object({
  lost: z.enum(['password', 'phone']).default('password'),
  name: text,
  document_type: text,
  id_number: text,
});
const Phone = z.object({ phone: text });
const Code = z.object({
  action: z.enum(['continue', 'resend', 'prove']).default('continue'),
  code: z.string().default(''),
});
const Keep = z.object({
  keep_passkeys: z.string().default(''),
  /** Which the page showed: one that came since is nobody's whom the citizen has vouched for. */
  passkeys_shown: z.string().max(40_000).default(''),
});
const Password = Keep.extend({ password: z.string().max(1000).default('') });

const keptOf = ({ keep_passkeys, passkeys_shown }: z.infer<typeof Keep>): string[] =>
  keep_passkeys === 'yes' && passkeys_shown !== '' ? passkeys_shown.split(' ') : [];

const draftHours = () => ({ hours: hoursOf('draft') });
const OTHER_PHONE = { label: 'frontDoor.register.otherPhone', href: '/recover/phone?other=1' };
const BACK_TO_CODE = { label: 'frontDoor.register.retry', href: '/recover/code' };
const RETRY_CARRIER = { label: 'frontDoor.register.retry', href: '/recover/carrier', post: 'continue' };

/** Recovery of a forgotten password or a lost phone. */
export function recoveryRoutes(router: Router, deps: FrontDoorDeps): void {
  const { db, cipher, clock, pages, limits } = deps;
  const { at, goOn, find, change, identify, newTicket, askSim } = recoveryKeeper(deps);
  recoveryProofRoutes(router, deps);
  recoveryStatusRoutes(router, deps);

  const showForm = (ctx: Context, form: FormState) =>
    pages.render(ctx, 'front-door/recover', { form, hours: hoursOf('lostPhoneWait') });

  router.get('/recover', (ctx) => {
    const lost = ctx.query.lost === 'phone' ? 'phone' : 'password';
    showForm(ctx, { values: { lost }, errors: {} });
  });

  router.post('/recover', async (ctx) => {
    const { form, ...parsed } = formOf(ctx, Person);
    const fields = parsed.ok ? parsed.data : undefined;
    const now = clock();
    const rules = { now, extraProvinces: deps.extraProvinces };
    const name = parseName(fields?.name ?? '');
    const document = readDocument(fields?.document_type ?? '', fields?.id_number ?? '', rules);
    if (!name.ok) form.errors.name = `frontDoor.entry.name.${name.reason}`;
    if (!document.ok) form.errors.id_number = `frontDoor.entry.document.${document.reason}`;
    if (!fields || !name.ok || !document.ok) return showForm(ctx, form);
    if (!(await isLifted(deps, document.value))) {
      await limits.consume('recovery_network', ctx.ip);
      // With the address, so that nobody can keep somebody else from recovering.
      const person = cipher.blindIndex('id_number', document.value).toString('hex');
      await limits.consume('recovery', `${ctx.ip} ${person}`);
    }
    await startRecovery(db, cipher, {
      ticket: newTicket(ctx),
      kind: fields.lost,
      file: {
        name: name.value,
        documentType: document.documentType,
        idNumber: document.value,
        locale: ctx.state.locale === 'en' ? 'en' : 'zh-CN',
        proofs: [],
        failures: {},
      },
      expiresAt: new Date(now.getTime() + lifetimes.draft * 1000),
    });
    await record(db, { type: 'recovery.started', detail: { kind: fields.lost }, at: now });
    seeOther(ctx, '/recover/prove');
  });

  router.get('/recover/phone', async (ctx) => {
    const recovery = await at(ctx, 'phone', 'code');
    if (!recovery) return;
    if (recovery.kind === 'password') return goOn(ctx, recovery);
    pages.render(ctx, 'front-door/recover-phone', {});
  });

  router.post('/recover/phone', async (ctx) => {
    const recovery = await at(ctx, 'phone', 'code');
    if (!recovery) return;
    if (recovery.kind === 'password') return goOn(ctx, recovery);
    const { form, ...parsed } = formOf(ctx, Phone);
    const phone = parseMobile(parsed.ok ? parsed.data.phone : '');
    if (!phone.ok) {
      form.errors.phone = `frontDoor.entry.phone.${phone.reason}`;
      return pages.render(ctx, 'front-door/recover-phone', { form });
    }
    return keep(ctx, recovery, ({ phoneConfirmedAt: _1, carrier: _2, freshSim: _3, ...file }) => ({
      ...file,
      phone: phone.value,
    }));
  });

  /** Keeps a change, and goes on from there. */
  async function keep(
    ctx: Context,
    recovery: Recovery,
    changed: (file: RecoveryFile) => RecoveryFile | undefined,
  ): Promise<void> {
    goOn(ctx, (await change(recovery, async (_tx, { file }) => changed(file))) ?? recovery);
  }

  const placeOf = ({ id, kind, file }: Recovery): CodePlace => ({
    // A new phone is whatever somebody typed: it has a quota of its own.
    purpose: kind === 'phone' ? 'new_phone' : 'recovery',
    context: `recovery ${id}`,
    phone: file.phone ?? '',
  });

  async function showCode(
    ctx: Context,
    recovery: Recovery,
    how: 'open' | 'again' | 'stay',
    form?: FormState,
  ): Promise<void> {
    const sms = await seeToCode(deps, ctx, placeOf(recovery), how);
    pages.render(ctx, 'front-door/recover-code', { sms, kind: recovery.kind, form });
  }

  router.get('/recover/code', async (ctx) => {
    const recovery = await at(ctx, 'code');
    if (recovery) await showCode(ctx, recovery, 'open');
  });

  router.post('/recover/code', async (ctx) => {
    const recovery = await at(ctx, 'code');
    if (!recovery) return;
    const parsed = formOf(ctx, Code);
    if (!parsed.ok) return showCode(ctx, recovery, 'stay', parsed.form);
    const { action } = parsed.data;
    if (action === 'prove' && recovery.kind === 'password') {
      // Whoever could still be sent a code has to show it.
      const { limited } = await seeToCode(deps, ctx, placeOf(recovery), 'open');
      if (limited) return keep(ctx, recovery, (file) => ({ ...file, withoutCode: true }));
    }
    if (action !== 'continue') return showCode(ctx, recovery, action === 'resend' ? 'again' : 'stay');
    if (recovery.kind === 'password') {
      // Asked before the code was sent, too; a SIM changed since then has brought the code to somebody else.
      const freshSim = await askSim(recovery.file.phone ?? '');
      if (freshSim === undefined) {
        return showStop(deps, ctx, new Problem('carrier_unavailable', 503, draftHours()), [BACK_TO_CODE]);
      }
      if (freshSim) return keep(ctx, recovery, (file) => ({ ...file, freshSim }));
    }
    const { errors } = parsed.form;
    const confirmed = await change(recovery, async (tx, { file }) => {
      if (file.phone !== recovery.file.phone) return undefined;
      // The button was pressed twice: the other press has used the code up.
      if (file.phoneConfirmedAt) return file;
      const wrong = await takeCode(tx, deps, { ...placeOf(recovery), code: parsed.data.code });
      if (wrong) errors.code = wrong;
      return wrong ? undefined : { ...file, phoneConfirmedAt: clock().toISOString() };
    });
    if (errors.code) return showCode(ctx, recovery, 'stay', parsed.form);
    return confirmed?.kind === 'phone' ? askCarrier(ctx, confirmed) : goOn(ctx, confirmed ?? recovery);
  });

  /** A new phone counts when the carrier says whose it is, and how long its SIM has been. */
  async function askCarrier(ctx: Context, recovery: Recovery): Promise<void> {
    const { name, idNumber, phone = '' } = recovery.file;
    const now = clock();
    try {
      const { outcome, source, reference } = await deps.carrier.owner({ phone, name, idNumber });
      if (outcome !== 'match') {
        const code = outcome === 'other_owner' ? 'phone_not_yours' : 'phone_unknown';
        return showStop(deps, ctx, new Problem(code, 422), [OTHER_PHONE]);
      }
      const freshSim = await hasFreshSim(deps.carrier, phone, now);
      const confirmed = { source, reference, at: now.toISOString() };
      // Of another phone that was typed meanwhile it says nothing.
      await keep(ctx, recovery, (file) =>
        file.phone === phone ? { ...file, carrier: confirmed, freshSim } : undefined,
      );
    } catch (error) {
      if (!(error instanceof AuthorityUnavailable)) throw error;
      showStop(deps, ctx, new Problem('carrier_unavailable', 503, draftHours(), { cause: error }), [
        RETRY_CARRIER,
      ]);
    }
  }

  router.get('/recover/carrier', (ctx) => seeOther(ctx, '/recover/phone'));

  router.post('/recover/carrier', async (ctx) => {
    const recovery = await at(ctx, 'phone');
    if (!recovery) return;
    if (recovery.kind === 'phone' && recovery.file.phoneConfirmedAt) await askCarrier(ctx, recovery);
    else goOn(ctx, recovery);
  });

  /** What a recovery will do to the account, for the page that decides it. */
  async function effectOf({ file, citizenId = '' }: Recovery) {
    const { passkeys } = await listCredentials(db, citizenId);
    return {
      who: maskName(file.name),
      capHours: hoursOf('recoveryCap'),
      passkeys: passkeys.map(({ label, createdAt }) => ({ label, createdAt })),
      shown: passkeys.map(({ id }) => id).join(' '),
    };
  }

  /** How it ended; or, where the account is another by now than it was when the page was read, what that changes. */
  async function decided(ctx: Context): Promise<void> {
    const recovery = await find(ctx);
    if (recovery?.state === 'proved') return identify(ctx, recovery);
    seeOther(ctx, '/recover/status');
  }

  async function showPassword(ctx: Context, recovery: Recovery, form?: FormState): Promise<void> {
    pages.render(ctx, 'front-door/recover-password', { ...(await effectOf(recovery)), form });
  }

  router.get('/recover/password', async (ctx) => {
    const recovery = await at(ctx, 'password');
    if (recovery) await showPassword(ctx, recovery);
  });

  router.post('/recover/password', async (ctx) => {
    const recovery = await at(ctx, 'password');
    if (!recovery?.citizenId) return;
    const { form, ...parsed } = formOf(ctx, Password);
    const { password = '', ...kept } = parsed.ok ? parsed.data : Password.parse({});
    const citizen = await readCitizen(db, cipher, recovery.citizenId);
    const refusal = acceptable(password, citizen);
    if (refusal !== undefined) {
      form.errors.password = `frontDoor.entry.password.${refusal}`;
      return showPassword(ctx, recovery, form);
    }
    const passwordHash = await hashPassword(password);
    const wish = { recoveryId: recovery.id, passwordHash, keepPasskeys: keptOf(kept), now: clock() };
    await db.transaction((tx) => applyNewPassword(tx, toolsOf(deps), wish));
    return decided(ctx);
  });

  router.get('/recover/confirm', async (ctx) => {
    const recovery = await at(ctx, 'confirm');
    if (!recovery) return;
    const hours = hoursOf('lostPhoneWait');
    pages.render(ctx, 'front-door/recover-confirm', { ...(await effectOf(recovery)), hours });
  });

  router.post('/recover/confirm', async (ctx) => {
    const recovery = await at(ctx, 'confirm');
    if (!recovery) return;
    const parsed = formOf(ctx, Keep);
    const keepPasskeys = parsed.ok ? keptOf(parsed.data) : [];
    const begun = { recoveryId: recovery.id, keepPasskeys, now: clock() };
    await db.transaction((tx) => beginWait(tx, toolsOf(deps), begun));
    return decided(ctx);
  });
}
