import { createHash } from 'node:crypto';
import type Router from '@koa/router';
import type { Context } from 'koa';
import { z } from 'zod';
import { adjudicate } from '../assurance/proofing/adjudicate.ts';
import type { Answer } from '../assurance/proofing/answer.ts';
import { createMethods } from '../assurance/proofing/method.ts';
import { redeemReference } from '../assurance/proofing/store.ts';
import { record } from '../audit/log.ts';
import { AuthorityUnavailable } from '../authorities/ask.ts';
import { findByIdentifier, readCitizen } from '../citizens/store.ts';
import { type FormState, formOf } from '../platform/http/forms.ts';
import { lifetimes } from '../platform/lifetimes.ts';
import { Problem } from '../platform/problem.ts';
import { barTo } from './account-bars.ts';
import type { FrontDoorDeps } from './deps.ts';
import { maskName } from './masked.ts';
import { seeOther } from './paths.ts';
import type { Recovery } from './recoveries.ts';
import { recoveryKeeper, START_AGAIN } from './recovery-browser.ts';
import {
  isFreshSim,
  nextRecoveryStep,
  offeredMethods,
  RECOVERY_METHODS,
  type RecoveryMethod,
} from './recovery-steps.ts';
import { showStop } from './stop.ts';
import { newToken } from './ticket.ts';

const Choice = z.object({
  method: z.enum(RECOVERY_METHODS),
  card_number: z.string().max(100).optional(),
  phone: z.string().max(100).optional(),
});

const OTHER_WAY = { label: 'frontDoor.recover.otherWay', href: '/recover/prove' };

/** How somebody who cannot log in proves who they are: the same for everybody, account or not. */
export function recoveryProofRoutes(router: Router, deps: FrontDoorDeps): void {
  const { db, cipher, clock, pages, limits } = deps;
  const methods = createMethods(deps);
  const { at, find, keep, goOn } = recoveryKeeper(deps);

  function show(ctx: Context, recovery: Recovery, failed?: RecoveryMethod): void {
    ctx.state.formActions = [...deps.checkOrigins];
    pages.render(
      ctx,
      'front-door/recover-prove',
      {
        who: maskName(recovery.file.name),
        again: nextRecoveryStep(recovery.kind, recovery.file) === 'prove_again',
        failed,
        ...offeredMethods(recovery.file),
      },
      { status: failed ? 422 : 200 },
    );
  }

  router.get('/recover/prove', async (ctx) => {
    const recovery = await at(ctx, 'prove', 'prove_again');
    if (recovery) show(ctx, recovery);
  });

  function showCard(ctx: Context, method: RecoveryMethod, form?: FormState): void {
    pages.render(ctx, 'front-door/recover-card', { method, fields: methods[method].fields, form });
  }

  router.post('/recover/prove', async (ctx) => {
    const recovery = await at(ctx, 'prove', 'prove_again');
    if (!recovery) return;
    const { form, ...parsed } = formOf(ctx, Choice);
    if (!parsed.ok) return show(ctx, recovery);
    const { method, ...typed } = parsed.data;
    const { lead, rest } = offeredMethods(recovery.file);
    if (![...lead, ...rest].includes(method)) return show(ctx, recovery);
    const { fields } = methods[method];
    if (fields.length > 0 && typed.card_number === undefined) {
      return showCard(ctx, method, { values: {}, errors: {} });
    }
    await limits.consume('proofing', recovery.id);
    const now = clock();
    const state = newToken();
    const { name, idNumber } = recovery.file;
    const returnTo = `${deps.origin}/recover/callback`;
    try {
      const started = await methods[method].start({
        subject: { name, idNumber },
        state,
        returnTo,
        form: typed,
        now,
      });
      if (started.kind === 'invalid') {
        for (const [field, refusal] of Object.entries(started.fields)) {
          form.errors[field] = `frontDoor.entry.card.${refusal}`;
        }
        return showCard(ctx, method, form);
      }
      if (started.kind === 'answer') return await judge(ctx, recovery, method, started.answer, now);
      const { reference } = started;
      await keep(recovery, { pending: { method, reference, state, startedAt: now.toISOString() } });
      return seeOther(ctx, started.redirectTo);
    } catch (error) {
      return unavailable(ctx, error);
    }
  });

  function unavailable(ctx: Context, error: unknown): void {
    if (!(error instanceof AuthorityUnavailable)) throw error;
    showStop(deps, ctx, new Problem('proof_unavailable', 503, {}, { cause: error }), [OTHER_WAY]);
  }

  /** Asks the authority how a check went, and goes on from there. */
  async function settle(ctx: Context, recovery: Recovery): Promise<void> {
    const { pending } = recovery.file;
    if (!pending) return goOn(ctx, recovery);
    try {
      const answer = await methods[pending.method].result(pending.reference);
      return await judge(ctx, recovery, pending.method, answer, new Date(pending.startedAt));
    } catch (error) {
      return unavailable(ctx, error);
    }
  }

  async function judge(
    ctx: Context,
    recovery: Recovery,
    method: RecoveryMethod,
    answer: Answer,
    startedAt: Date,
  ): Promise<void> {
    const now = clock();
    const { file, kind } = recovery;
    const verdict = adjudicate({ method, answer, citizen: file, startedAt, now });
    if (!verdict.accepted && verdict.pending) return seeOther(ctx, '/recover/waiting');
    const { pending: _done, ...settled } = file;
    const accepted =
      verdict.accepted &&
      (await redeemReference(db, {
        source: verdict.evidence.source,
        reference: verdict.evidence.transactionId,
        at: now,
      }));
    if (!accepted) {
      const failures = { ...file.failures, [method]: (file.failures[method] ?? 0) + 1 };
      const kept = await keep({ ...recovery, file: settled }, { failures });
      await record(db, { type: 'recovery.refused', detail: { kind, reason: 'failed' }, at: now });
      return show(ctx, kept, method);
    }
    const { source, transactionId } = verdict.evidence;
    const proofs = [...file.proofs, { method, source, reference: transactionId, at: now.toISOString() }];
    return proved(ctx, await keep({ ...recovery, file: settled }, { proofs }));
  }

  /** The person is who they say. Only now is it looked up whether they have an account. */
  async function proved(ctx: Context, recovery: Recovery): Promise<void> {
    const { file, kind } = recovery;
    const found = await findByIdentifier(db, cipher, file.idNumber);
    const citizen = found && (await readCitizen(db, cipher, found.citizenId));
    if (!citizen?.accountState) {
      return showStop(deps, ctx, new Problem('no_account', 404), [
        { label: 'frontDoor.register.start', href: '/register' },
        START_AGAIN,
      ]);
    }
    const bar = barTo(citizen);
    if (bar) return showStop(deps, ctx, bar, []);
    let known = await keep(recovery, {}, citizen.id);
    if (kind === 'password' && citizen.phone !== undefined && file.freshSim === undefined) {
      try {
        const changedAt = await deps.carrier.simChangedAt(citizen.phone);
        const freshSim = isFreshSim(changedAt, clock(), lifetimes.freshSim);
        known = await keep(known, { phone: citizen.phone, freshSim });
      } catch (error) {
        if (!(error instanceof AuthorityUnavailable)) throw error;
        // Nobody can say that the code proves anything; another proof always can.
        known = await keep(known, { phone: citizen.phone, freshSim: true });
      }
    }
    return goOn(ctx, known);
  }

  router.get('/recover/callback', async (ctx) => {
    const recovery = await find(ctx);
    const pending = recovery?.file.pending;
    const undecided = recovery?.state === 'started' || recovery?.state === 'proved';
    if (!recovery || !undecided || !pending || !sameText(pending.state, String(ctx.query.state))) {
      // Another browser, or an old tab: what was proved waits where it was begun.
      return pages.render(ctx, 'front-door/recover-elsewhere', {});
    }
    return settle(ctx, recovery);
  });

  router.get('/recover/waiting', async (ctx) => {
    const recovery = await at(ctx, 'prove', 'prove_again');
    if (!recovery) return;
    const method = recovery.file.pending?.method;
    if (!method) return goOn(ctx, recovery);
    pages.render(ctx, 'front-door/recover-waiting', { method, who: maskName(recovery.file.name) });
  });

  router.post('/recover/waiting', async (ctx) => {
    const recovery = await at(ctx, 'prove', 'prove_again');
    if (recovery) await settle(ctx, recovery);
  });
}

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');
const sameText = (one: string, other: string): boolean => digest(one) === digest(other);
