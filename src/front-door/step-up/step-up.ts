import Router from '@koa/router';
import type { Context } from 'koa';
import { z } from 'zod';
import { continueProofing, type ProofingDeps, startProofing } from '../../assurance/proofing/flow.ts';
import { raiseToBasic } from '../../assurance/proofing/win.ts';
import { recheckPhone, recheckRegister } from '../../assurance/recheck.ts';
import { bodyParser, formOf } from '../../platform/http/forms.ts';
import { Problem } from '../../platform/problem.ts';
import { interactionPath, seeOther } from '../paths.ts';
import { cardForm } from '../proofing/card.ts';
import { callbackRoute, proofingDeps, type StepUpDeps } from '../proofing/proofing.ts';
import { showBasics, showChoice, showEnough, showUnmet, showWaiting } from './pages.ts';
import { limitChecks, offerOf, readSituation, type Situation } from './situation.ts';

const Choice = z.object({
  action: z.enum(['continue', 'skip', 'decline', 'back', 'basics']).optional(),
  method: z.string().optional(),
});

const path = (situation: Situation, more = ''): string =>
  `${interactionPath(situation.interaction.uid)}/step-up${more}`;

/** The first page of a step-up, for `frontDoorRoutes`. */
export async function stepUpFirstPage(ctx: Context): Promise<void> {
  seeOther(ctx, `${interactionPath(String(ctx.params.uid))}/step-up`);
}

/**
 * The pages on which somebody who is logged in reaches a higher level: `/interaction/:uid/step-up…`, and the
 * address that authorities send browsers back to. One thing at a time, until the target is reached.
 */
export function stepUpRoutes(deps: StepUpDeps): Router {
  const router = new Router();
  const proofing = proofingDeps(deps);
  router.use(bodyParser());

  router.get('/interaction/:uid/step-up', async (ctx) => {
    const situation = await readSituation(deps, ctx);
    if (situation !== undefined) await showNext(deps, ctx, situation);
  });

  router.post('/interaction/:uid/step-up', async (ctx) => {
    const situation = await readSituation(deps, ctx);
    if (situation === undefined) return;
    const parsed = formOf(ctx, Choice);
    if (!parsed.ok) throw new Problem('bad_request', 400);
    const { action, method } = parsed.data;
    if (method !== undefined) return choose(deps, proofing, ctx, situation, method);
    switch (action) {
      case 'skip':
        if (!situation.interaction.optional) throw new Problem('bad_request', 400);
        return deps.door.continueWithout(ctx);
      case 'decline':
        return showUnmet(deps, ctx, situation);
      case 'back':
        return deps.door.declined(ctx, 'unmet_authentication_requirements');
      case 'basics':
        return confirmBasics(deps, ctx, situation);
      default:
        return goOn(deps, proofing, ctx, situation);
    }
  });

  cardForm(router, deps, proofing);
  callbackRoute(router, deps, proofing);
  return router;
}

/** Shows what comes next, or ends the interaction when nothing does. */
async function showNext(deps: StepUpDeps, ctx: Context, situation: Situation): Promise<void> {
  const { need, interaction, reachable, status } = situation;
  if (interaction.unmet === 'no_known_value') return showUnmet(deps, ctx, situation);
  if (need === 'nothing') {
    // Without a check of this interaction, going on by itself could go round for ever.
    if (status.accepted.length === 0) return showEnough(deps, ctx, situation);
    return deps.door.loggedIn(ctx, { citizenId: situation.citizenId });
  }
  if (need === 'login') return seeOther(ctx, `${interactionPath(interaction.uid)}/login`);
  if (!reachable) return showUnmet(deps, ctx, situation);
  if (status.latest?.status === 'started' && ctx.query.choose === undefined) {
    return showWaiting(deps, ctx, situation, status.latest.method);
  }
  if (need === 'basics') return showBasics(deps, ctx, situation);
  return showChoice(deps, ctx, situation);
}

/** The button of the waiting page, and of the page that says that nothing is missing. */
async function goOn(deps: StepUpDeps, proofing: ProofingDeps, ctx: Context, situation: Situation) {
  if (situation.need === 'nothing') return deps.door.loggedIn(ctx, { citizenId: situation.citizenId });
  const outcome = await continueProofing(proofing, situation.origin);
  if (outcome?.outcome === 'pending' || outcome?.outcome === 'unavailable') {
    return showWaiting(deps, ctx, situation, outcome.proofing.method, outcome.outcome);
  }
  seeOther(ctx, path(situation));
}

async function choose(
  deps: StepUpDeps,
  proofing: ProofingDeps,
  ctx: Context,
  situation: Situation,
  method: string,
): Promise<void> {
  const offer = offerOf(situation, method);
  // What is not offered now was offered on a page that is out of date.
  if (offer === undefined) return seeOther(ctx, path(situation));
  if (offer.way === 'form') return seeOther(ctx, path(situation, `/${offer.method}`));
  await limitChecks(deps, ctx, situation);
  const started = await startProofing(proofing, { ...situation.origin, method: offer.method });
  if (started.kind === 'redirect') return seeOther(ctx, started.redirectTo);
  if (situation.need === 'basics') return showBasics(deps, ctx, situation, 'unavailable');
  return showChoice(deps, ctx, situation, offer.method);
}

async function confirmBasics(deps: StepUpDeps, ctx: Context, situation: Situation): Promise<void> {
  await limitChecks(deps, ctx, situation);
  const recheck = { ...deps, now: deps.clock };
  const register = await recheckRegister(recheck, situation.citizenId);
  if (register === 'deceased') throw new Problem('account_deceased', 403);
  if (register !== 'match') return showBasics(deps, ctx, situation, register);
  // Somebody vouched for by an officer needs no carrier.
  if ((await readSituation(deps, ctx))?.need !== 'basics') return seeOther(ctx, path(situation));
  const phone = await recheckPhone(recheck, situation.citizenId);
  if (phone !== 'match') return showBasics(deps, ctx, situation, phone);
  await deps.db.transaction((tx) => raiseToBasic(tx, { ...situation.origin, now: deps.clock() }));
  const now = await readSituation(deps, ctx);
  if (now?.need === 'nothing') return deps.door.loggedIn(ctx, { citizenId: now.citizenId });
  seeOther(ctx, path(situation));
}
