import type { Context } from 'koa';
import { type Standing, sessionStanding } from '../../assurance/ladder.ts';
import { reaches } from '../../assurance/level.ts';
import { proofingStatus } from '../../assurance/proofing/flow.ts';
import {
  type MethodOffer,
  type NextNeed,
  nextNeed,
  offeredMethods,
  reachableLevel,
} from '../../assurance/proofing/offer.ts';
import { isProofingMethod } from '../../assurance/proofing/policy.ts';
import { loadStanding } from '../../assurance/standing.ts';
import { type Citizen, readCitizen } from '../../citizens/store.ts';
import type { Interaction } from '../door.ts';
import { interactionPath, seeOther } from '../paths.ts';
import { ensureBrowser } from '../proofing/browser.ts';
import type { StepUpDeps } from '../proofing/proofing.ts';

/** Everything that the pages of a step-up look at. */
export interface Situation {
  interaction: Interaction;
  citizenId: string;
  citizen: Citizen;
  /** As it will be once the session claims what was proved here. */
  standing: Standing;
  need: NextNeed;
  /** Whether the citizen can reach the target now; not while a recovery holds the account down. */
  reachable: boolean;
  cappedUntil?: Date;
  status: Awaited<ReturnType<typeof proofingStatus>>;
  /** Where checks set out from. */
  origin: { interactionUid: string; sessionUid: string; citizenId: string; browserHash: Buffer };
}

/**
 * Reads where somebody stands who came to raise their level.
 *
 * @returns `undefined` when nobody is logged in or another page is due; the browser is then on its way there.
 * @throws Problem `interaction_expired`
 */
export async function readSituation(deps: StepUpDeps, ctx: Context): Promise<Situation | undefined> {
  const { db, cipher, clock, door } = deps;
  const interaction = await door.details(ctx);
  const { session, uid } = interaction;
  const citizen =
    session === undefined || interaction.prompt !== 'step_up'
      ? undefined
      : await readCitizen(db, cipher, session.citizenId);
  if (session === undefined || citizen === undefined) {
    seeOther(ctx, interactionPath(uid) + (interaction.prompt === 'step_up' ? '/login' : ''));
    return undefined;
  }
  // A form of this page may end at the client (already allowed) or at an authority.
  ctx.state.formActions = [...(ctx.state.formActions ?? []), ...deps.checkOrigins];
  const { citizenId } = session;
  const origin = { interactionUid: uid, sessionUid: session.uid, citizenId, browserHash: ensureBrowser(ctx) };
  const [loaded, status] = await Promise.all([loadStanding(db, origin), proofingStatus(db, origin)]);
  const at = clock();
  const window = interaction.since && { since: interaction.since };
  const standing = sessionStanding({ ...loaded, at, window });
  const { target } = interaction;
  return {
    interaction,
    citizenId,
    citizen,
    standing,
    need: nextNeed(target, standing),
    reachable: reaches(reachableLevel({ ...loaded, at }), target),
    ...(loaded.cap && at < loaded.cap.until ? { cappedUntil: loaded.cap.until } : {}),
    status,
    origin,
  };
}

/** The offer of a method, if it is one of those that would help now. */
export function offerOf(situation: Situation, method: string): MethodOffer | undefined {
  if (!isProofingMethod(method)) return undefined;
  return offersOf(situation).find((offer) => offer.method === method);
}

/** What would help this citizen now, best first. */
export function offersOf({ interaction, standing, status, citizen }: Situation): MethodOffer[] {
  const { documentType } = citizen;
  return offeredMethods({ target: interaction.target, standing, failures: status.failures, documentType });
}

/** Slows down who tries card after card; by address and account, so that nobody can keep another out. */
export async function limitChecks(deps: StepUpDeps, ctx: Context, situation: Situation): Promise<void> {
  const { phone } = situation.citizen;
  if (phone !== undefined && deps.fixedCode?.(phone) !== undefined) return;
  await deps.limits.consume('proofing', `${ctx.ip} ${situation.citizenId}`);
}
