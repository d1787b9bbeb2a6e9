import type Router from '@koa/router';
import type { Context } from 'koa';
import { proofingPolicy } from '../../assurance/proofing/policy.ts';
import { record } from '../../audit/log.ts';
import type { FrontDoorDeps } from '../deps.ts';
import { hoursOf } from '../hours.ts';
import { maskName } from '../masked.ts';
import { seeOther } from '../paths.ts';
import { sideCheckRoutes } from '../side-check-pages.ts';
import { offeredWays } from '../side-checks.ts';
import { draftKeeper, type Open } from './browser.ts';
import { type Draft, NO_CHECKS, nextStep, provingWhat } from './draft.ts';

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
  const { clock, pages, limits } = deps;
  const { need, open, change } = draftKeeper(deps);

  const waysOf = (draft: Draft) => {
    const why = provingWhat(draft);
    const ways = offeredWays(draft.checks ?? NO_CHECKS, draft, why ? proofingPolicy.withoutLogin[why] : []);
    return { why, ...ways };
  };

  function show(ctx: Context, { draft }: Open, status?: 422): void {
    if (!provingWhat(draft)) {
      seeOther(ctx, '/register/check');
      return;
    }
    ctx.state.formActions = [...deps.checkOrigins];
    const latest = draft.checks?.latest;
    const page = { ...waysOf(draft), who: maskName(draft.name), hours: hoursOf('freshSim'), latest };
    pages.render(ctx, 'front-door/register-prove', page, { status: status ?? 200 });
  }

  sideCheckRoutes<Open>(router, deps, {
    base: '/register',
    purpose: 'registration',
    open,
    async awaiting(ctx) {
      const current = await need(ctx);
      if (!current || provingWhat(current.draft)) return current;
      seeOther(ctx, nextStep(current.draft) === 'code' ? '/register/code' : '/register/check');
      return undefined;
    },
    personOf: ({ draft }) => draft,
    checksOf: ({ draft }) => draft.checks ?? NO_CHECKS,
    waysOf: ({ draft }) => waysOf(draft),
    async count({ ticket, draft }) {
      if (!deps.fixedCode?.(draft.phone)) await limits.consume('proofing', ticket.toString('hex'));
    },
    change: ({ ticket }, changed) =>
      change(ticket, async (tx, draft) => {
        const checks = await changed(tx, { ticket, draft });
        return checks && { ...draft, checks };
      }),
    refused: (tx, _one, reason) =>
      record(tx, { type: 'registration.refused', detail: { reason }, at: clock() }),
    show,
    proved: advance,
  });
}
