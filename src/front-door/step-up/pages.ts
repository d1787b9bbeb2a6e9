import type { Context } from 'koa';
import type { ProofingMethodId } from '../../assurance/proofing/policy.ts';
import type { PhoneRecheck, RegisterRecheck } from '../../assurance/recheck.ts';
import { maskName } from '../masked.ts';
import { interactionPath } from '../paths.ts';
import type { StepUpDeps } from '../proofing/proofing.ts';
import { offersOf, type Situation } from './situation.ts';

type PageDeps = Pick<StepUpDeps, 'pages'>;

/** What each page of a step-up says: for whom, for what, from which level to which. */
export function common({ interaction, citizen, standing, need }: Situation) {
  const base = interactionPath(interaction.uid);
  return {
    base,
    action: `${base}/step-up`,
    client: interaction.client.name,
    optional: interaction.optional,
    who: maskName(citizen.name),
    idNumberEnd: citizen.idNumber.slice(-4),
    level: standing.level,
    target: interaction.target,
    /** The rung that the next step is about; it names the page. */
    rung: need === 'live_check' ? 'advanced' : need === 'basics' ? 'basic' : 'intermediate',
  };
}

/** The ways up. `unavailable`: the method whose authority does not answer. */
export function showChoice(
  { pages }: PageDeps,
  ctx: Context,
  situation: Situation,
  unavailable?: ProofingMethodId,
): void {
  const { interaction, status, need } = situation;
  const { latest, failures, accepted } = status;
  const offers = offersOf(situation);
  // From basic to advanced there are two steps; the second one greets with the success of the first.
  const two = interaction.target === 'advanced' && (need === 'intermediate_check' || accepted.length > 0);
  pages.render(
    ctx,
    'front-door/step-up',
    {
      ...common(situation),
      offers,
      step: two ? (need === 'live_check' ? 2 : 1) : undefined,
      passed: latest?.status === 'accepted' ? latest.method : undefined,
      refused: latest?.status === 'refused' && unavailable === undefined ? latest : undefined,
      unavailable,
      tired: Object.entries(failures).some(([method, count]) => method.includes('face') && count > 1),
    },
    { status: unavailable === undefined ? 200 : 503 },
  );
}

/** "Come back here when you have finished." `asked`: how the last press of the button went. */
export function showWaiting(
  { pages }: PageDeps,
  ctx: Context,
  situation: Situation,
  method: ProofingMethodId,
  asked?: 'pending' | 'unavailable',
): void {
  pages.render(
    ctx,
    'front-door/step-up-wait',
    { ...common(situation), method, asked },
    { status: asked === 'unavailable' ? 503 : 200 },
  );
}

/** Nothing is missing any more. */
export function showEnough({ pages }: PageDeps, ctx: Context, situation: Situation): void {
  pages.render(ctx, 'front-door/step-up-enough', common(situation));
}

/**
 * Register and carrier must be asked again. `answer`: why that did not help. Where it is the phone that is not
 * confirmed, an officer or a counter can vouch instead.
 */
export function showBasics(
  { pages }: PageDeps,
  ctx: Context,
  situation: Situation,
  answer?: Exclude<RegisterRecheck | PhoneRecheck, 'match' | 'deceased'>,
): void {
  const { latest } = situation.status;
  const stuck = answer === 'new_owner' || answer === 'unknown' || answer === 'gone';
  const refused = latest?.status === 'refused' ? latest : undefined;
  const offers = stuck || refused ? offersOf(situation) : [];
  pages.render(
    ctx,
    'front-door/step-up-basics',
    { ...common(situation), answer, offers, refused },
    { status: answer === 'unavailable' ? 503 : 200 },
  );
}

/** What is missing, how to get it, the way back, and another account. */
export function showUnmet({ pages }: PageDeps, ctx: Context, situation: Situation): void {
  const { interaction, reachable, cappedUntil } = situation;
  const why = interaction.unmet === 'no_known_value' ? 'no_value' : reachable ? 'missing' : 'capped';
  pages.render(
    ctx,
    'front-door/step-up-unmet',
    { ...common(situation), why, cappedUntil, retry: why === 'missing' },
    { status: 403 },
  );
}
