import { record } from '../../audit/log.ts';
import { type CredentialRef, raiseBoundLevels } from '../../citizens/credentials.ts';
import type { Queryable } from '../../platform/database.ts';
import { accountLevel, sessionStanding } from '../ladder.ts';
import { type Level, minLevel } from '../level.ts';
import { loadStanding, type StoredProof } from '../standing.ts';
import { raiseProofs, recordEvidence, recordProof } from '../store.ts';
import type { Verdict } from './adjudicate.ts';
import { proofingPolicy } from './policy.ts';
import { type Proofing, redeemReference } from './store.ts';

type LiveMethod = 'live_face' | 'voiceprint' | 'video';
type Accepted = Extract<Verdict, { accepted: true }>;

/** The credential that a login proof was made with; a live check is made with none. */
function credentialOf({ method, credentialId }: StoredProof): CredentialRef | undefined {
  if (method === 'password' || method === 'sms') return { kind: method };
  if ((method === 'totp' || method === 'passkey') && credentialId !== undefined) {
    return { kind: method, id: credentialId };
  }
  return undefined;
}

/**
 * Writes what an accepted check is worth: evidence for the account, a proof for the place it began at if the
 * person was there, and the raised bounds of the credentials that the session's login was made with. No other
 * credential is raised: one that a thief enrolled at a lower level stays there.
 *
 * Proofs of an interaction are left to the session that claims them at resume, which happens in the browser
 * that began; one completed in another browser gives that browser nothing.
 *
 * @returns `false` when the authority's reference had been used before; then nothing is written.
 */
export async function winEvidence(
  tx: Queryable,
  { proofing, verdict, now }: { proofing: Proofing; verdict: Accepted; now: Date },
): Promise<boolean> {
  const { citizenId, interactionUid, sessionUid, method } = proofing;
  const { source, transactionId } = verdict.evidence;
  if (!(await redeemReference(tx, { source, reference: transactionId, at: now }))) return false;
  const before = await loadStanding(tx, { citizenId, sessionUid, interactionUid });
  const evidenceId = await recordEvidence(tx, { citizenId, ...verdict.evidence });
  if (evidenceId === undefined) return false;
  const level = accountLevel([...before.evidence, verdict.evidence], now, before.cap).level;
  const raised = minLevel(level, proofingPolicy.methods[method].gives);
  await raiseLogin(tx, { citizenId, before, raised, now });
  if (verdict.proofAt !== undefined) {
    const proved = method as LiveMethod;
    await recordProof(tx, {
      citizenId,
      interactionUid,
      sessionUid: interactionUid === undefined ? sessionUid : undefined,
      method: proved,
      at: verdict.proofAt,
      boundLevel: raised,
      evidenceId,
    });
    const detail = { method: proved, level: raised };
    await record(tx, { type: 'proof.recorded', citizenId, sessionUid, detail, at: now });
  }
  const from = accountLevel(before.evidence, now, before.cap).level;
  if (from !== level) {
    await record(tx, { type: 'level.changed', citizenId, sessionUid, detail: { from, to: level }, at: now });
  }
  return true;
}

/**
 * Raises the login of a session to basic, once register and carrier have confirmed the person in it: an account
 * taken over from an older platform is claimed so. Only a login with a code to the very phone counts, or the
 * carrier's word would say nothing of who is there.
 */
export async function raiseToBasic(
  tx: Queryable,
  input: { citizenId: string; sessionUid: string; interactionUid: string; now: Date },
): Promise<void> {
  const { citizenId, now } = input;
  const before = await loadStanding(tx, input);
  const { proofIds, accountLevel: account } = sessionStanding({ ...before, at: now });
  const bySms = before.proofs.some(({ id, method }) => method === 'sms' && proofIds.includes(id));
  if (bySms && account !== 'anonymous') await raiseLogin(tx, { citizenId, before, raised: 'basic', now });
}

async function raiseLogin(
  tx: Queryable,
  input: { citizenId: string; before: Awaited<ReturnType<typeof loadStanding>>; raised: Level; now: Date },
): Promise<void> {
  const { citizenId, before, raised, now } = input;
  const { proofIds } = sessionStanding({ ...before, at: now });
  const used = before.proofs.filter((proof) => proofIds.includes(proof.id));
  const credentials = used.map(credentialOf).filter((ref) => ref !== undefined);
  if (credentials.length === 0) return;
  await raiseBoundLevels(tx, citizenId, credentials, raised);
  await raiseProofs(tx, { citizenId, proofIds, level: raised });
}
