import type Router from '@koa/router';
import type { Context } from 'koa';
import { z } from 'zod';
import type { Verdict } from '../assurance/proofing/adjudicate.ts';
import { AUDIT_REASONS, refusalOf } from '../assurance/proofing/flow.ts';
import { PROOFING_METHODS, type ProofingMethodId } from '../assurance/proofing/policy.ts';
import { AuthorityUnavailable } from '../authorities/ask.ts';
import type { RedirectCheckStart } from '../authorities/redirect-check.ts';
import type { Queryable } from '../platform/database.ts';
import { type FormState, formOf } from '../platform/http/forms.ts';
import { Problem } from '../platform/problem.ts';
import type { FrontDoorDeps } from './deps.ts';
import { maskName } from './masked.ts';
import { seeOther } from './paths.ts';
import {
  addVerdict,
  type PendingCheck,
  type SideChecks,
  type SidePerson,
  sideChecks,
} from './side-checks.ts';
import { showStop } from './stop.ts';

const Choice = z.object({
  method: z.enum(PROOFING_METHODS),
  card_number: z.string().max(100).optional(),
  phone: z.string().max(100).optional(),
});

type AuditReason = (typeof AUDIT_REASONS)[keyof typeof AUDIT_REASONS];

/** What checks are made for: a registration, or a recovery. `One` is what a browser holds of it. */
export interface CheckedMatter<One> {
  base: '/register' | '/recover';
  purpose: RedirectCheckStart['purpose'];
  /** This browser's, if a proof is what it waits for; otherwise the browser is sent on, or told why not. */
  awaiting(ctx: Context): Promise<One | undefined>;
  /** This browser's, whatever it waits for, unless it is over. */
  open(ctx: Context): Promise<One | undefined>;
  personOf(one: One): SidePerson;
  checksOf(one: One): SideChecks;
  /** The ways that are offered now. */
  waysOf(one: One): { lead: ProofingMethodId[]; rest: ProofingMethodId[] };
  /** Counts a try. @throws Problem `too_many_attempts` 429 */
  count(one: One): Promise<void>;
  /**
   * Changes the checks while nobody else does, unless `change` gives none back. It is handed the matter as it is
   * by now.
   *
   * @returns what was changed; nothing when it was not, or is over.
   */
  change(
    one: One,
    change: (tx: Queryable, newest: One) => Promise<SideChecks | undefined>,
  ): Promise<One | undefined>;
  /** Writes that a check proved nothing, and why, in the transaction that keeps it. */
  refused(tx: Queryable, one: One, reason: AuditReason): Promise<void>;
  /** The page of the choice, which says how the latest check ended. @param status of the answer, if not 200 */
  show(ctx: Context, one: One, status?: 422): void;
  /** Goes on after a check that proved who the person is. */
  proved(ctx: Context, one: One): Promise<void>;
}

/** The pages of such checks, `<base>/prove`, `/callback` and `/waiting`. */
export function sideCheckRoutes<One>(router: Router, deps: FrontDoorDeps, matter: CheckedMatter<One>): void {
  const { clock, pages } = deps;
  const { base, awaiting, open, checksOf, show } = matter;
  const checks = sideChecks(deps);
  const choice = `${base}/prove`;

  /** Changes the checks, if they still are about the same person. */
  const change = (one: One, act: (tx: Queryable, checks: SideChecks) => Promise<SideChecks | undefined>) =>
    matter.change(one, async (tx, newest) => {
      const [is, was] = [matter.personOf(newest), matter.personOf(one)];
      const same =
        is.name === was.name && is.idNumber === was.idNumber && is.documentType === was.documentType;
      return same ? act(tx, checksOf(newest)) : undefined;
    });

  router.get(choice, async (ctx) => {
    const one = await awaiting(ctx);
    if (one) show(ctx, one);
  });

  function showCard(ctx: Context, method: ProofingMethodId, form: FormState): void {
    const fields = checks.fieldsOf(method);
    pages.render(ctx, 'front-door/side-card', { base, method, fields, form });
  }

  router.post(choice, async (ctx) => {
    const one = await awaiting(ctx);
    if (!one) return;
    const { form, ...parsed } = formOf(ctx, Choice);
    if (!parsed.ok) return show(ctx, one);
    const { method, ...typed } = parsed.data;
    const { lead, rest } = matter.waysOf(one);
    if (![...lead, ...rest].includes(method)) return show(ctx, one);
    if (checks.fieldsOf(method).length > 0 && typed.card_number === undefined) {
      return showCard(ctx, method, { values: {}, errors: {} });
    }
    await matter.count(one);
    const how = {
      method,
      purpose: matter.purpose,
      returnTo: `${deps.origin}${base}/callback`,
      form: typed,
    };
    const started = await answered(ctx, checks.start(matter.personOf(one), how));
    if (started === undefined) return;
    if (started.kind === 'verdict') return settle(ctx, one, { method, verdict: started.verdict });
    if (started.kind === 'invalid') {
      for (const [field, refusal] of Object.entries(started.fields)) {
        form.errors[field] = `frontDoor.entry.card.${refusal}`;
      }
      return showCard(ctx, method, form);
    }
    const { pending, redirectTo } = started;
    const kept = await change(one, async (_tx, { latest: _before, ...before }) => ({
      ...before,
      pending,
    }));
    seeOther(ctx, kept ? redirectTo : choice);
  });

  /** What an authority answered; nothing when it did not, and then the page says so. */
  async function answered<Answer>(ctx: Context, asking: Promise<Answer>): Promise<Answer | undefined> {
    try {
      return await asking;
    } catch (error) {
      if (!(error instanceof AuthorityUnavailable)) throw error;
      const otherWay = { label: 'frontDoor.recover.otherWay', href: choice };
      showStop(deps, ctx, new Problem('proof_unavailable', 503, {}, { cause: error }), [otherWay]);
      return undefined;
    }
  }

  /** Keeps what came of a check, and goes on from there. `pending`: the check, if the browser had left for it. */
  async function settle(
    ctx: Context,
    one: One,
    { method, verdict, pending }: { method: ProofingMethodId; verdict: Verdict; pending?: PendingCheck },
  ): Promise<void> {
    if (!verdict.accepted && verdict.pending) return seeOther(ctx, `${base}/waiting`);
    let accepted = false;
    const settled = await change(one, async (tx, before) => {
      // The button was pressed twice, or the page loaded again: it is settled, and counts once.
      if (pending && before.pending?.reference !== pending.reference) return undefined;
      const added = await addVerdict(tx, before, { method, verdict, now: clock() });
      accepted = added.accepted;
      if (!accepted) await matter.refused(tx, one, AUDIT_REASONS[refusalOf(verdict)]);
      return added.checks;
    });
    if (!settled) return seeOther(ctx, choice);
    if (accepted) return matter.proved(ctx, settled);
    // The way back from an authority is no page: loaded again, it would find its check over.
    return ctx.method === 'GET' ? seeOther(ctx, choice) : show(ctx, settled, 422);
  }

  /** Asks the authority how the check went that is under way. */
  async function askAgain(ctx: Context, one: One): Promise<void> {
    const { pending } = checksOf(one);
    if (!pending) return seeOther(ctx, choice);
    const verdict = await answered(ctx, checks.ask(matter.personOf(one), pending));
    if (verdict) await settle(ctx, one, { method: pending.method, verdict, pending });
  }

  router.get(`${base}/callback`, async (ctx) => {
    const one = await open(ctx);
    const which = one && checks.whichOf(checksOf(one), ctx.query.state);
    if (one && which === 'pending') return askAgain(ctx, one);
    if (which === 'over') return seeOther(ctx, choice);
    // Another browser, or an old tab: what was proved waits where it was begun.
    pages.render(ctx, 'front-door/side-elsewhere', { goOn: one && choice });
  });

  router.get(`${base}/waiting`, async (ctx) => {
    const one = await awaiting(ctx);
    if (!one) return;
    const method = checksOf(one).pending?.method;
    if (!method) return seeOther(ctx, choice);
    pages.render(ctx, 'front-door/side-waiting', { base, method, who: maskName(matter.personOf(one).name) });
  });

  router.post(`${base}/waiting`, async (ctx) => {
    const one = await awaiting(ctx);
    if (one) await askAgain(ctx, one);
  });
}
