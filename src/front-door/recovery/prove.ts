import type Router from '@koa/router';
import type { Context } from 'koa';
import { z } from 'zod';
import { PROOFING_METHODS, type ProofingMethodId } from '../../assurance/proofing/policy.ts';
import { record } from '../../audit/log.ts';
import { AuthorityUnavailable } from '../../authorities/ask.ts';
import { findByIdentifier, readCitizen } from '../../citizens/store.ts';
import { type FormState, formOf } from '../../platform/http/forms.ts';
import { Problem } from '../../platform/problem.ts';
import { barTo } from '../account-bars.ts';
import type { FrontDoorDeps } from '../deps.ts';
import { isLifted } from '../lifted.ts';
import { maskName } from '../masked.ts';
import { seeOther } from '../paths.ts';
import { type SideOutcome, sideChecks } from '../side-checks.ts';
import { showStop } from '../stop.ts';
import { recoveryKeeper, START_AGAIN } from './browser.ts';
import { nextRecoveryStep, recoveryWays } from './steps.ts';
import type { Recovery } from './store.ts';

const Choice = z.object({
  method: z.enum(PROOFING_METHODS),
  card_number: z.string().max(100).optional(),
  phone: z.string().max(100).optional(),
});

const OTHER_WAY = { label: 'frontDoor.recover.otherWay', href: '/recover/prove' };

/** How somebody who cannot log in proves who they are: the same for everybody, account or not. */
export function recoveryProofRoutes(router: Router, deps: FrontDoorDeps): void {
  const { db, cipher, clock, pages, limits } = deps;
  const checks = sideChecks(deps);
  const { at, find, keep, goOn, askSim } = recoveryKeeper(deps);

  function show(ctx: Context, recovery: Recovery, failed?: ProofingMethodId): void {
    ctx.state.formActions = [...deps.checkOrigins];
    pages.render(
      ctx,
      'front-door/recover-prove',
      {
        who: maskName(recovery.file.name),
        again: nextRecoveryStep(recovery.kind, recovery.file) === 'prove_again',
        failed,
        ...recoveryWays(recovery.kind, recovery.file),
      },
      { status: failed ? 422 : 200 },
    );
  }

  router.get('/recover/prove', async (ctx) => {
    const recovery = await at(ctx, 'prove', 'prove_again');
    if (recovery) show(ctx, recovery);
  });

  function showCard(ctx: Context, method: ProofingMethodId, form?: FormState): void {
    const fields = checks.fieldsOf(method);
    pages.render(ctx, 'front-door/side-card', { base: '/recover', method, fields, form });
  }

  router.post('/recover/prove', async (ctx) => {
    const recovery = await at(ctx, 'prove', 'prove_again');
    if (!recovery) return;
    const { form, ...parsed } = formOf(ctx, Choice);
    if (!parsed.ok) return show(ctx, recovery);
    const { method, ...typed } = parsed.data;
    const { lead, rest } = recoveryWays(recovery.kind, recovery.file);
    if (![...lead, ...rest].includes(method)) return show(ctx, recovery);
    if (checks.fieldsOf(method).length > 0 && typed.card_number === undefined) {
      return showCard(ctx, method, { values: {}, errors: {} });
    }
    const { file } = recovery;
    if (!(await isLifted(deps, file.idNumber))) await limits.consume('proofing', recovery.id);
    const returnTo = `${deps.origin}/recover/callback`;
    const how = { method, purpose: 'recovery', returnTo, form: typed } as const;
    try {
      const outcome = await checks.start(db, file, file, how);
      if (outcome.kind === 'invalid') {
        for (const [field, refusal] of Object.entries(outcome.fields)) {
          form.errors[field] = `frontDoor.entry.card.${refusal}`;
        }
        return showCard(ctx, method, form);
      }
      return await follow(ctx, recovery, method, outcome);
    } catch (error) {
      return unavailable(ctx, error);
    }
  });

  function unavailable(ctx: Context, error: unknown): void {
    if (!(error instanceof AuthorityUnavailable)) throw error;
    showStop(deps, ctx, new Problem('proof_unavailable', 503, {}, { cause: error }), [OTHER_WAY]);
  }

  /** Keeps what came of a check, and goes on from there. */
  async function follow(
    ctx: Context,
    recovery: Recovery,
    method: ProofingMethodId,
    outcome: SideOutcome,
  ): Promise<void> {
    if (outcome.kind === 'pending') return seeOther(ctx, '/recover/waiting');
    if (outcome.kind === 'invalid') return show(ctx, recovery);
    const { pending: _before, ...file } = recovery.file;
    const kept = await keep({ ...recovery, file }, outcome.checks);
    if (outcome.kind === 'redirect') return seeOther(ctx, outcome.redirectTo);
    if (outcome.kind === 'accepted') return proved(ctx, kept);
    const detail = { kind: recovery.kind, reason: 'failed' } as const;
    await record(db, { type: 'recovery.refused', detail, at: clock() });
    return show(ctx, kept, method);
  }

  /** Asks the authority how a check went, and goes on from there. */
  async function settle(ctx: Context, recovery: Recovery): Promise<void> {
    const { file } = recovery;
    try {
      const outcome = await checks.settle(db, file, file);
      if (!outcome || !file.pending) return goOn(ctx, recovery);
      return await follow(ctx, recovery, file.pending.method, outcome);
    } catch (error) {
      return unavailable(ctx, error);
    }
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
    if (kind === 'password' && citizen.phone !== undefined && file.phone === undefined) {
      const { phone } = citizen;
      // Where nobody can say, the code proves nothing either; another proof always can.
      known = await keep(known, { phone, freshSim: (await askSim(phone)) ?? true });
    }
    return goOn(ctx, known);
  }

  router.get('/recover/callback', async (ctx) => {
    const recovery = await find(ctx);
    const undecided = recovery?.state === 'started' || recovery?.state === 'proved';
    if (!recovery || !undecided || !checks.isOwn(recovery.file, ctx.query.state)) {
      // Another browser, or an old tab: what was proved waits where it was begun.
      return pages.render(ctx, 'front-door/side-elsewhere', { base: '/recover' });
    }
    return settle(ctx, recovery);
  });

  router.get('/recover/waiting', async (ctx) => {
    const recovery = await at(ctx, 'prove', 'prove_again');
    if (!recovery) return;
    const method = recovery.file.pending?.method;
    if (!method) return goOn(ctx, recovery);
    const who = maskName(recovery.file.name);
    pages.render(ctx, 'front-door/side-waiting', { base: '/recover', method, who });
  });

  router.post('/recover/waiting', async (ctx) => {
    const recovery = await at(ctx, 'prove', 'prove_again');
    if (recovery) await settle(ctx, recovery);
  });
}
