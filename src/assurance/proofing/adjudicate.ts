import { documentKey } from '../../citizens/identifiers.ts';
import { sameName } from '../../citizens/names.ts';
import type { EvidenceMethod, EvidenceSource } from '../policy.ts';
import type { Answer } from './answer.ts';
import { evidenceOf, type ProofingMethodId, type ProofingPolicy, proofingPolicy } from './policy.ts';

/** Why a check did not count. Permanent: pages and tables know them. */
export type RefusalReason =
  | 'authority_failed'
  | 'blocked'
  | 'cancelled'
  | 'name_mismatch'
  | 'id_mismatch'
  | 'not_live'
  | 'stale'
  | 'untrusted_source'
  | 'duplicate_reference';

export type Verdict =
  | {
      accepted: true;
      evidence: { method: EvidenceMethod; source: EvidenceSource; transactionId: string; at: Date };
      /** When the person was there, for a method that proves the session too. */
      proofAt?: Date;
    }
  | { accepted: false; pending: true }
  | { accepted: false; pending: false; reason: RefusalReason };

const refused = (reason: RefusalReason): Verdict => ({ accepted: false, pending: false, reason });

/**
 * Decides what an authority's answer is worth, and names the reason. The only place that does.
 *
 * The answer must be about this citizen, by name and by ID number: somebody else's Alipay account passes at
 * Alipay too. It must be of this check: one decided before the check began is refused.
 *
 * @param startedAt when the citizen set out.
 */
export function adjudicate(
  input: {
    method: ProofingMethodId;
    answer: Answer;
    citizen: { name: string; idNumber: string };
    startedAt: Date;
    now: Date;
  },
  policy: ProofingPolicy = proofingPolicy,
): Verdict {
  const { method, answer, citizen, startedAt, now } = input;
  const rules = policy.methods[method];
  if (answer.outcome === 'pending') return { accepted: false, pending: true };
  if (answer.outcome === 'cancelled') return refused('cancelled');
  if (answer.outcome === 'blocked') return refused('blocked');
  if (answer.outcome === 'failed') return refused('authority_failed');
  const source = rules.sources.find((trusted) => trusted === answer.source);
  if (source === undefined) return refused('untrusted_source');
  if (documentKey(answer.idNumber) !== documentKey(citizen.idNumber)) return refused('id_mismatch');
  if (!sameName(answer.name, citizen.name)) return refused('name_mismatch');
  const tolerance = policy.clockToleranceSeconds * 1000;
  const decided = answer.decidedAt?.getTime();
  if (decided === undefined || decided < startedAt.getTime() - tolerance) return refused('stale');
  if (decided > now.getTime() + tolerance) return { accepted: false, pending: true };
  // An authority whose clock is ahead must not make a proof that lasts longer.
  const at = new Date(Math.min(Math.max(decided, startedAt.getTime()), now.getTime()));
  const evidence = { method: evidenceOf(method), source, transactionId: answer.reference, at };
  if (!rules.live) return { accepted: true, evidence };
  if (answer.live) return { accepted: true, evidence, proofAt: at };
  if (rules.decidedLaterWithinSeconds === undefined) return refused('not_live');
  // Decided from a recording: the person was there when it began, so the proof is no younger than that.
  const soon = at.getTime() - startedAt.getTime() <= rules.decidedLaterWithinSeconds * 1000;
  return { accepted: true, evidence, ...(soon ? { proofAt: startedAt } : {}) };
}
