import type Router from '@koa/router';
import type { Context } from 'koa';
import { z } from 'zod';
import { PROOFING_METHODS, type ProofingMethodId, proofingPolicy } from '../../assurance/proofing/policy.ts';
import { record } from '../../audit/log.ts';
import { AuthorityUnavailable } from '../../authorities/ask.ts';
import { type FormState, formOf } from '../../platform/http/forms.ts';
import { Problem } from '../../platform/problem.ts';
import type { FrontDoorDeps } from '../deps.ts';
import { hoursOf } from '../hours.ts';
import { maskName } from '../masked.ts';
import { seeOther } from '../paths.ts';
import { offeredWays, type SideOutcome, sideChecks } from '../side-checks.ts';
import { showStop } from '../stop.ts';
import { draftKeeper, type Open } from './browser.ts';
import { type Draft, NO_CHECKS, nextStep, provingWhat } from './draft.ts';

const Choice = z.object({
  method: z.enum(PROOFING_METHODS),
  card_number: z.string().max(100).optional(),
  phone: z.string().max(100).optional(),
});

const OTHER_WAY = { label: 'frontDoor.recover.otherWay', href: '/register/prove' };

/**
 * The proof that stands in where the phone proves too little: an officer or a counter vouches for somebody whom
 * the carrier does not confirm; any other proof does for somebody whose SIM is new.
 *
 * @param advance goes on with the registration.
 */
export function registrationProofRoutes(
  router: Router,
  deps: FrontDoorDeps,
  advance: (ctx: Context, current: Open) => Promise<void>,
): void {
  const { db, clock, pages, limits } = deps;
  const checks = sideChecks(deps);
  const { need, save } = draftKeeper(deps);

  const waysOf = (draft: Draft) => {
    const what = provingWhat(draft);
    return (
      what && { what, ...offeredWays(draft.checks ?? NO_CHECKS, draft, proofingPolicy.withoutLogin[what]) }
    );
  };

  /** The draft, if a proof is what it waits for; otherwise the browser goes where it stands. */
  async function at(
    ctx: Context,
  ): Promise<(Open & { ways: NonNullable<ReturnType<typeof waysOf>> }) | undefined> {
    const current = await need(ctx);
    if (!current) return undefined;
    const ways = waysOf(current.draft);
    if (ways) return { ...current, ways };
    seeOther(ctx, nextStep(current.draft) === 'code' ? '/register/code' : '/register/check');
    return undefined;
  }

  function show(ctx: Context, draft: Draft, failed?: ProofingMethodId): void {
    const ways = waysOf(draft);
    if (!ways) {
      seeOther(ctx, '/register/check');
      return;
    }
    ctx.state.formActions = [...deps.checkOrigins];
    const { what: why, lead, rest } = ways;
    const hours = hoursOf('freshSim');
    const who = maskName(draft.name);
    const page = { why, lead, rest, who, hours, failed };
    pages.render(ctx, 'front-door/register-prove', page, { status: failed ? 422 : 200 });
  }

  router.get('/register/prove', async (ctx) => {
    const current = await at(ctx);
    if (current) show(ctx, current.draft);
  });

  function showCard(ctx: Context, method: ProofingMethodId, form?: FormState): void {
    const fields = checks.fieldsOf(method);
    pages.render(ctx, 'front-door/side-card', { base: '/register', method, fields, form });
  }

  router.post('/register/prove', async (ctx) => {
    const current = await at(ctx);
    if (!current) return;
    const { draft, ticket, ways } = current;
    const { form, ...parsed } = formOf(ctx, Choice);
    if (!parsed.ok) return show(ctx, draft);
    const { method, ...typed } = parsed.data;
    if (![...ways.lead, ...ways.rest].includes(method)) return show(ctx, draft);
    if (checks.fieldsOf(method).length > 0 && typed.card_number === undefined) {
      return showCard(ctx, method, { values: {}, errors: {} });
    }
    if (!deps.fixedCode?.(draft.phone)) await limits.consume('proofing', ticket.toString('hex'));
    const returnTo = `${deps.origin}/register/callback`;
    const how = { method, purpose: 'registration', returnTo, form: typed } as const;
    try {
      const outcome = await checks.start(db, draft, draft.checks ?? NO_CHECKS, how);
      if (outcome.kind === 'invalid') {
        for (const [field, refusal] of Object.entries(outcome.fields)) {
          form.errors[field] = `frontDoor.entry.card.${refusal}`;
        }
        return showCard(ctx, method, form);
      }
      return await follow(ctx, current, method, outcome);
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
    { ticket, draft: before }: Open,
    method: ProofingMethodId,
    outcome: SideOutcome,
  ): Promise<void> {
    if (outcome.kind === 'pending') return seeOther(ctx, '/register/waiting');
    if (outcome.kind === 'invalid') return show(ctx, before);
    const draft = { ...before, checks: outcome.checks };
    await save(ticket, draft);
    if (outcome.kind === 'redirect') return seeOther(ctx, outcome.redirectTo);
    if (outcome.kind === 'accepted') return advance(ctx, { ticket, draft });
    await record(db, { type: 'registration.refused', detail: { reason: 'failed' }, at: clock() });
    return show(ctx, draft, method);
  }

  /** Asks the authority how a check went, and goes on from there. */
  async function settle(ctx: Context, current: Open): Promise<void> {
    const { draft } = current;
    const pending = draft.checks?.pending;
    try {
      const outcome = draft.checks && (await checks.settle(db, draft, draft.checks));
      if (!outcome || !pending) return seeOther(ctx, '/register/prove');
      return await follow(ctx, current, pending.method, outcome);
    } catch (error) {
      return unavailable(ctx, error);
    }
  }

  router.get('/register/callback', async (ctx) => {
    const current = await draftKeeper(deps).open(ctx);
    const own = current?.draft.checks && checks.isOwn(current.draft.checks, ctx.query.state);
    // Another browser, or an old tab: what was proved waits where it was begun.
    if (!current || !own) return pages.render(ctx, 'front-door/side-elsewhere', { base: '/register' });
    return settle(ctx, current);
  });

  router.get('/register/waiting', async (ctx) => {
    const current = await at(ctx);
    if (!current) return;
    const method = current.draft.checks?.pending?.method;
    if (!method) return seeOther(ctx, '/register/prove');
    const who = maskName(current.draft.name);
    pages.render(ctx, 'front-door/side-waiting', { base: '/register', method, who });
  });

  router.post('/register/waiting', async (ctx) => {
    const current = await at(ctx);
    if (current) await settle(ctx, current);
  });
}
