import type { DocumentType } from '../citizens/identifiers.ts';
import type { Confirmation } from './registration-draft.ts';

/** What the citizen has lost: the password, or the phone itself. */
export type RecoveryKind = 'password' | 'phone';

/** Ways to prove who one is, each good for intermediate (`config/ladder.json`). */
export const RECOVERY_METHODS = ['face', 'alipay', 'social_security_card', 'bank_card'] as const;
export type RecoveryMethod = (typeof RECOVERY_METHODS)[number];

/** What a recovery keeps, sealed. */
export interface RecoveryFile {
  name: string;
  documentType: DocumentType;
  idNumber: string;
  locale: 'zh-CN' | 'en';
  /** What has been proved so far, in order. */
  proofs: ({ method: RecoveryMethod } & Confirmation)[];
  /** A check on an authority's own pages that has not come back. */
  pending?: { method: RecoveryMethod; reference: string; state: string; startedAt: string };
  /** Tries that proved nothing; after two the page leads with the other ways. */
  failures: Partial<Record<RecoveryMethod, number>>;
  /** The phone whose code counts here: the account's own, or the new one. */
  phone?: string;
  /** Of `phone`: the SIM changed so lately that its code proves little. */
  freshSim?: boolean;
  /** ISO 8601: `phone` answered with its code. */
  phoneConfirmedAt?: string;
  /** Lost phone: the carrier confirmed who owns the new one. */
  carrier?: Confirmation;
}

export type RecoveryStep =
  | 'prove'
  /** A code would prove too little: one more of the other ways. */
  | 'prove_again'
  | 'phone'
  | 'code'
  | 'password'
  | 'confirm';

/**
 * What comes next in a recovery.
 *
 * A forgotten password: proof of the person, a code to the account's phone, the new password. A lost phone:
 * proof of the person, the new phone with its code and its carrier's word, then the wait. Where the SIM changed
 * lately, or the account has no phone any more, a second proof by another method stands in for what the code
 * would have shown.
 */
export function nextRecoveryStep(kind: RecoveryKind, file: RecoveryFile): RecoveryStep {
  if (file.proofs.length === 0) return 'prove';
  const methods = new Set(file.proofs.map(({ method }) => method));
  const codeProves = file.phone !== undefined && file.freshSim !== true;
  if (kind === 'phone') {
    if (file.phone === undefined) return 'phone';
    if (file.phoneConfirmedAt === undefined) return 'code';
    if (file.carrier === undefined) return 'phone';
    return codeProves || methods.size > 1 ? 'confirm' : 'prove_again';
  }
  if (!codeProves) return methods.size > 1 ? 'password' : 'prove_again';
  return file.phoneConfirmedAt === undefined ? 'code' : 'password';
}

/** The methods to offer, in order: none that has proved already, those that failed twice last. */
export function offeredMethods(file: RecoveryFile): { lead: RecoveryMethod[]; rest: RecoveryMethod[] } {
  const open = RECOVERY_METHODS.filter((method) => !file.proofs.some((proof) => proof.method === method));
  const tired = (method: RecoveryMethod): boolean => (file.failures[method] ?? 0) >= 2;
  return { lead: open.filter((method) => !tired(method)), rest: open.filter(tired) };
}

/** Whether a SIM changed so lately that a code sent to it proves little. `seconds`: how long that lasts. */
export const isFreshSim = (changedAt: Date | undefined, now: Date, seconds: number): boolean =>
  changedAt !== undefined && now.getTime() - changedAt.getTime() < seconds * 1000;
