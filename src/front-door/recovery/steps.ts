import { proofingPolicy } from '../../assurance/proofing/policy.ts';
import {
  type Confirmation,
  offeredWays,
  type SideChecks,
  type SidePerson,
  sawThePerson,
} from '../side-checks.ts';

/** What the citizen has lost: the password, or the phone itself. */
export type RecoveryKind = 'password' | 'phone';

/** What a recovery keeps, sealed. */
export interface RecoveryFile extends SidePerson, SideChecks {
  locale: 'zh-CN' | 'en';
  /** The phone whose code counts here: the account's own, or the new one. */
  phone?: string;
  /**
   * Of `phone`: the SIM changed so lately that its code proves little. Asked when the page of the code is due
   * and again when the code came: in between there is time to change a SIM. `unknown`: the carrier did not answer,
   * and what nobody can say proves nothing either.
   */
  freshSim?: boolean | 'unknown';
  /** The phone gets no more codes today, and another proof is to stand in. */
  withoutCode?: boolean;
  /** ISO 8601: `phone` answered with its code. */
  phoneConfirmedAt?: string;
  /** Lost phone: the carrier confirmed who owns the new one. */
  carrier?: Confirmation;
  /** Lost phone: the passkeys that the citizen says still are theirs. */
  keepPasskeys?: readonly string[];
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
 * would have shown, and so it does where no code can be sent; numbers that others may know are not enough for both.
 */
export function nextRecoveryStep(kind: RecoveryKind, file: RecoveryFile): RecoveryStep {
  if (file.proofs.length === 0) return 'prove';
  const methods = new Set(file.proofs.map(({ method }) => method));
  const standIn = methods.size > 1 && sawThePerson(file);
  const codeProves = file.phone !== undefined && !file.freshSim && !file.withoutCode;
  if (kind === 'phone') {
    if (file.phone === undefined) return 'phone';
    if (file.phoneConfirmedAt === undefined) return 'code';
    if (file.carrier === undefined) return 'phone';
    return codeProves || standIn ? 'confirm' : 'prove_again';
  }
  if (!codeProves) return standIn ? 'password' : 'prove_again';
  return file.phoneConfirmedAt === undefined ? 'code' : 'password';
}

/** Why a code would prove too little, in the words of the page. */
export function whyOneMore(file: RecoveryFile): 'noMoreCodes' | 'noPhone' | 'carrierSilent' | 'newSim' {
  if (file.withoutCode) return 'noMoreCodes';
  if (file.phone === undefined) return 'noPhone';
  return file.freshSim === 'unknown' ? 'carrierSilent' : 'newSim';
}

/**
 * The ways to prove who one is that are offered now. Where a proof has to stand in for the code, and only numbers
 * were proved so far, it must be one that sees the person.
 */
export function recoveryWays(kind: RecoveryKind, file: RecoveryFile) {
  const again = nextRecoveryStep(kind, file) === 'prove_again';
  const among = proofingPolicy.withoutLogin.recovery.filter(
    (method) => !again || sawThePerson(file) || proofingPolicy.methods[method].proves === 'person',
  );
  return offeredWays(file, file, among);
}
