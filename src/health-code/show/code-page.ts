import type Router from '@koa/router';
import type { Decision } from '../assess.ts';
import { citizenPages, type HealthDeps, healthNav } from '../citizen-page.ts';
import { decideFor } from '../decide.ts';
import { readDecisions } from '../decision-store.ts';

/** `/health/code`: the colour, why, and what to do next. */
export function codePage(router: Router, deps: HealthDeps): void {
  const { db, pages } = deps;
  const forCitizen = citizenPages(deps);

  router.get(
    '/health/code',
    forCitizen(async (ctx, { holder, now }) => {
      const decision = await db.transaction((tx) => decideFor(tx, holder.citizenId, now));
      const run = decision.trace.filter(({ code }) => code === 'run').at(-1);
      pages.render(ctx, 'health-code/code', {
        nav: healthNav(pages, ctx, 'code'),
        decision,
        holder,
        step: nextStep(decision),
        runDays: ['RED', 'YELLOW'].includes(decision.colour) ? run?.days : undefined,
        history: await readDecisions(db, holder.citizenId, 10),
        done: ['declared', 'checkedIn'].find((done) => done === ctx.query.done),
      });
    }),
  );
}

/** Which advice goes with a decision: a key below `healthCode.next`. */
export function nextStep({ colour, reasons, earliestExit, rules }: Decision): string {
  const [first = ''] = reasons;
  if (first === rules.grey.level) return 'level';
  if (colour === 'GREY') return 'declare';
  if (Object.values(rules.overrides.codes).includes(first)) return 'order';
  if (colour === 'GREEN') return 'green';
  if (colour === 'YELLOW') return 'run';
  if (first === rules.red.unproven) return 'prove';
  return earliestExit ? 'clock' : 'openCase';
}
