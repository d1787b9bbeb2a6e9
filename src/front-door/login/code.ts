import type Router from '@koa/router';
import type { Context } from 'koa';
import { z } from 'zod';
import type { ProofMethod } from '../../assurance/policy.ts';
import { recordProof } from '../../assurance/store.ts';
import type { EventDetail } from '../../audit/events.ts';
import { record } from '../../audit/log.ts';
import { listCredentials } from '../../citizens/credentials.ts';
import { usePhone } from '../../citizens/phone.ts';
import { type Citizen, readCitizen } from '../../citizens/store.ts';
import { verifyTotp } from '../../citizens/totp.ts';
import type { Queryable } from '../../platform/database.ts';
import { type FormState, formOf } from '../../platform/http/forms.ts';
import { Problem } from '../../platform/problem.ts';
import { barTo } from '../account-bars.ts';
import { type CodePlace, type CodeState, seeToCode, takeCode } from '../code-by-sms.ts';
import type { FrontDoorDeps } from '../deps.ts';
import type { Interaction } from '../door.ts';
import { maskName } from '../masked.ts';
import { backToLogin, interactionPath, seeOther } from '../paths.ts';
import { showStop, switchAction } from '../stop.ts';
import { completeAttempt, readAttempt } from './attempts.ts';

const Answer = z.object({
  action: z.enum(['continue', 'resend']).default('continue'),
  factor: z.enum(['sms', 'totp']).default('sms'),
  code: z.string().default(''),
});

type Factor = 'sms' | 'totp';

/** What the log says of a code by SMS that was refused. */
const SMS_REASONS: Record<string, 'code_wrong' | 'code_expired' | 'code_spent' | undefined> = {
  'frontDoor.code.wrong': 'code_wrong',
  'frontDoor.code.expired': 'code_expired',
  'frontDoor.code.spent': 'code_spent',
};

const SPENT = 'frontDoor.code.spent';

interface Pending {
  interaction: Interaction;
  citizen: Citizen;
  totp: boolean;
  passkey: boolean;
  base: string;
}

/** Page 2 of the login: the code from the phone, or from an authenticator app. */
export function codeRoutes(router: Router, deps: FrontDoorDeps): void {
  const { db, cipher, clock, pages, door, limits } = deps;

  /** Who has answered page 1 in this interaction. Sends the browser on when there is no such person. */
  async function pending(ctx: Context): Promise<Pending | undefined> {
    const interaction = await door.details(ctx);
    const base = interactionPath(interaction.uid);
    const attempt = await readAttempt(db, interaction.uid, clock());
    if (attempt?.finishedAt) {
      // A second click, or Back after the login: it is done, go the same way again.
      await door.loggedIn(ctx, { citizenId: attempt.citizenId });
      return undefined;
    }
    if (!attempt?.passwordAt) {
      seeOther(ctx, `${base}/login`);
      return undefined;
    }
    const citizen = await readCitizen(db, cipher, attempt.citizenId);
    const bar = barTo(citizen);
    if (bar || !citizen) {
      showStop(deps, ctx, bar ?? new Problem('account_closed', 403), [switchAction(base)]);
      return undefined;
    }
    const { totp, passkeys } = await listCredentials(db, citizen.id);
    return { interaction, citizen, base, totp: totp.length > 0, passkey: passkeys.length > 0 };
  }

  const placeOf = (uid: string, citizenId: string, phone: string): CodePlace => ({
    purpose: 'login',
    context: `login ${uid} ${citizenId}`,
    phone,
  });

  async function show(
    ctx: Context,
    { interaction, citizen, totp, passkey, base }: Pending,
    asked: Factor,
    { form, how = 'stay' }: { form?: FormState; how?: 'open' | 'again' | 'stay' } = {},
  ): Promise<void> {
    const { phone } = citizen;
    if (phone === undefined && !totp) {
      return showStop(deps, ctx, new Problem('no_second_factor', 403), noFactorActions(base));
    }
    let sms: CodeState | undefined;
    if (asked === 'sms' && phone !== undefined) {
      sms = await seeToCode(deps, ctx, placeOf(interaction.uid, citizen.id, phone), how);
    }
    const others = { sms: totp ? 'totp' : undefined, totp: phone === undefined ? undefined : 'sms' };
    const factor = sms ? 'sms' : 'totp';
    pages.render(ctx, 'front-door/code', {
      interaction,
      base,
      who: maskName(citizen.name),
      factor,
      other: others[factor],
      passkey,
      sms,
      form,
    });
  }

  router.get('/interaction/:uid/code', async (ctx) => {
    const waiting = await pending(ctx);
    if (!waiting) return;
    await show(ctx, waiting, ctx.query.with === 'totp' && waiting.totp ? 'totp' : 'sms', { how: 'open' });
  });

  /**
   * Writes the second proof and ends the attempt, in the transaction that consumed the code.
   *
   * @returns what the page says: the attempt was ended from elsewhere while it was open.
   */
  async function prove(
    tx: Queryable,
    { interaction, citizen }: Pending,
    proof: ProofOf,
  ): Promise<string | undefined> {
    const now = clock();
    const { uid, client } = interaction;
    if (!(await completeAttempt(tx, { interactionUid: uid, citizenId: citizen.id, now }))) return SPENT;
    await recordProof(tx, { citizenId: citizen.id, interactionUid: uid, at: now, ...proof });
    await record(tx, {
      type: 'proof.recorded',
      citizenId: citizen.id,
      clientId: client.id,
      detail: { method: proof.method },
      at: now,
    });
    return undefined;
  }

  /** Writes that the second factor was wrong, in the transaction that counts it. @returns what the page says */
  async function refuse(
    tx: Queryable,
    { interaction, citizen }: Pending,
    sentence: string,
    detail: EventDetail<'login.failed'>,
  ): Promise<string> {
    const { id: clientId } = interaction.client;
    // An empty field is no attempt.
    if (detail.reason)
      await record(tx, { type: 'login.failed', citizenId: citizen.id, clientId, detail, at: clock() });
    return sentence;
  }

  router.post('/interaction/:uid/code', async (ctx) => {
    const waiting = await pending(ctx);
    if (!waiting) return;
    const { interaction, citizen } = waiting;
    const parsed = formOf(ctx, Answer);
    if (!parsed.ok) return show(ctx, waiting, 'sms', { form: parsed.form });
    const { action, code, factor } = parsed.data;
    if (action === 'resend') return show(ctx, waiting, 'sms', { how: 'again' });
    const lifted = citizen.phone !== undefined && deps.fixedCode?.(citizen.phone) !== undefined;
    backToLogin(ctx, `${waiting.base}/code`);
    if (!lifted) await limits.consume('code', `${ctx.ip} ${citizen.id}`);
    // A code by SMS ends after a few wrong entries; one of an app never does, so guesses from everywhere are
    // counted together. Who can use this up has typed the password, and an SMS or a passkey still works.
    if (!lifted && factor === 'totp') await limits.consume('totp', citizen.id);
    const wrong = await db.transaction(async (tx) => {
      if (factor === 'totp') {
        const used = await verifyTotp(tx, cipher, { citizenId: citizen.id, code, now: clock() });
        if (!used) return refuse(tx, waiting, 'frontDoor.code.totpWrong', { factor, reason: 'code_wrong' });
        return prove(tx, waiting, { method: 'totp', boundLevel: used.boundLevel, credentialId: used.id });
      }
      if (citizen.phone === undefined) return SPENT;
      const place = placeOf(interaction.uid, citizen.id, citizen.phone);
      const refusal = await takeCode(tx, deps, { ...place, code });
      if (refusal) return refuse(tx, waiting, refusal, { factor, reason: SMS_REASONS[refusal] });
      const phone = await usePhone(tx, { citizenId: citizen.id, now: clock() });
      // The carrier gave the number to somebody else while the page was open.
      if (!phone) return SPENT;
      return prove(tx, waiting, { method: 'sms', boundLevel: phone.boundLevel });
    });
    if (wrong === undefined) return door.loggedIn(ctx, { citizenId: citizen.id });
    // Ended from elsewhere, or the same button pressed twice: the other press has used the code up, and is the login.
    const still = await pending(ctx);
    if (!still) return;
    parsed.form.errors.code = wrong;
    return show(ctx, still, factor, { form: parsed.form });
  });
}

type ProofOf = {
  method: Extract<ProofMethod, 'sms' | 'totp'>;
  boundLevel: Citizen['phoneBoundLevel'] & string;
  credentialId?: string;
};

const noFactorActions = (base: string) => [
  { label: 'frontDoor.recover.start', href: '/recover' },
  switchAction(base),
];
