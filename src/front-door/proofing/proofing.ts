import type Router from '@koa/router';
import { z } from 'zod';
import { completeProofing, type ProofingDeps } from '../../assurance/proofing/flow.ts';
import { createMethods } from '../../assurance/proofing/method.ts';
import { type RecheckDeps, recheckRegister } from '../../assurance/recheck.ts';
import type { Cards } from '../../authorities/cards.ts';
import type { RedirectCheck } from '../../authorities/redirect-check.ts';
import { readCitizen } from '../../citizens/store.ts';
import type { Clock } from '../../platform/clock.ts';
import { lifetimes } from '../../platform/lifetimes.ts';
import type { Limits } from '../../platform/limits.ts';
import type { Pages } from '../../platform/pages.ts';
import { Problem } from '../../platform/problem.ts';
import type { Door } from '../door.ts';
import { interactionPath, seeOther } from '../paths.ts';
import { browserOf } from './browser.ts';

/** What the pages of step-up and proofing stand on; `app.ts` passes it in. */
export interface StepUpDeps extends Omit<RecheckDeps, 'now'> {
  clock: Clock;
  pages: Pages;
  limits: Limits;
  door: Door;
  cards: Cards;
  redirectCheck: RedirectCheck;
  /** Origin of the platform's own pages, such as `https://id.example.gov.cn`. */
  origin: string;
  /** Origins of authorities with pages of their own: browsers apply `form-action` to the redirect there too. */
  checkOrigins: readonly string[];
  /** Sandbox people whose codes are fixed; limits are lifted for them. */
  fixedCode?: ((phone: string) => string | undefined) | undefined;
}

const CALLBACK = '/proofing/callback';

/** What the room below needs to run checks for these pages. */
export function proofingDeps(deps: StepUpDeps): ProofingDeps {
  const { db, cipher, clock } = deps;
  return {
    db,
    now: clock,
    methods: createMethods(deps),
    returnTo: new URL(CALLBACK, deps.origin).href,
    openSeconds: lifetimes.proofing,
    readSubject: (citizenId) => readCitizen(db, cipher, citizenId),
    async confirmAlive(citizenId) {
      const answer = await recheckRegister({ ...deps, now: clock }, citizenId);
      if (answer === 'deceased') throw new Problem('account_deceased', 403);
    },
  };
}

const Brought = z.object({
  state: z.string().min(1).max(200),
  reference: z.string().min(1).max(128).optional(),
});

/** Where authorities send browsers back to. */
export function callbackRoute(router: Router, deps: StepUpDeps, proofing: ProofingDeps): void {
  router.get(CALLBACK, async (ctx) => {
    const brought = Brought.safeParse({ ...ctx.query });
    if (!brought.success) throw new Problem('proofing_unknown', 404);
    const result = await completeProofing(proofing, { ...brought.data, browserHash: browserOf(ctx) });
    const { interactionUid } = result.proofing;
    if (result.sameBrowser && interactionUid !== undefined) {
      return seeOther(ctx, `${interactionPath(interactionUid)}/step-up`);
    }
    if (result.sameBrowser) return seeOther(ctx, '/account');
    const how = { accepted: 'done', refused: 'failed', pending: 'pending', unavailable: 'pending' } as const;
    deps.pages.render(ctx, 'front-door/proofing-elsewhere', { how: how[result.outcome] });
  });
}
