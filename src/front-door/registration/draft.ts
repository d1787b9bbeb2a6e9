import { proofingPolicy } from '../../assurance/proofing/policy.ts';
import type { Confirmation, SideChecks } from '../side-checks.ts';
import type { Entries } from './form.ts';

/** A registration that is under way: what was typed, and who has confirmed what. */
export interface Draft extends Omit<Entries, 'password'> {
  passwordHash: string;
  /** The interaction that it began in, which it goes on to. */
  interactionUid?: string;
  /** ISO 8601: when the phone answered with its code. */
  phoneConfirmedAt?: string;
  register?: Confirmation;
  carrier?: Confirmation;
  /** The carrier does not say that the phone is this person's. */
  carrierRefused?: boolean;
  /** The carrier confirmed the phone, but its SIM was changed lately: the code proves little. */
  freshSim?: boolean;
  /** Proofs that stand in for what the phone does not prove. */
  checks?: SideChecks;
}

export const NO_CHECKS: SideChecks = { proofs: [], failures: {} };

export type RegistrationStep = 'code' | 'register' | 'carrier' | 'prove' | 'finish';

/** An officer's or a counter's word for a person whom the carrier does not confirm. */
export const voucher = ({ checks }: Draft) =>
  checks?.proofs.find(({ method }) => proofingPolicy.withoutLogin.vouchForPhone.includes(method));

/** What a further proof would stand in for, if one is needed. */
export function provingWhat(draft: Draft): 'vouchForPhone' | 'newSim' | undefined {
  if (draft.register === undefined || draft.phoneConfirmedAt === undefined) return undefined;
  if (draft.carrier === undefined) {
    return draft.carrierRefused && !voucher(draft) ? 'vouchForPhone' : undefined;
  }
  return draft.freshSim && !draft.checks?.proofs.length ? 'newSim' : undefined;
}

/**
 * What comes next. The order is a rule: nobody learns what the registers know about a person before the phone
 * has answered, and nobody learns that an account exists before both registers have confirmed who asks.
 */
export function nextStep(draft: Draft): RegistrationStep {
  if (draft.phoneConfirmedAt === undefined) return 'code';
  if (draft.register === undefined) return 'register';
  if (draft.carrier === undefined && !voucher(draft)) return 'carrier';
  return provingWhat(draft) ? 'prove' : 'finish';
}

/**
 * The draft after some entries were changed. A confirmation lives as long as everything that it confirmed:
 * the register confirms name and document, the carrier confirms these and the phone.
 */
export function revise(
  draft: Draft,
  change: Partial<Omit<Entries, 'password'>> & { passwordHash?: string },
): Draft {
  const revised: Draft = { ...draft, ...change };
  const person = samePerson(revised, draft);
  const samePhone = revised.phone === draft.phone;
  if (!person) {
    delete revised.register;
    delete revised.checks;
  }
  if (!person || !samePhone) {
    delete revised.carrier;
    delete revised.carrierRefused;
    delete revised.freshSim;
  }
  if (!samePhone) delete revised.phoneConfirmedAt;
  return revised;
}

const samePerson = (one: Draft, other: Draft): boolean =>
  one.name === other.name &&
  one.documentType === other.documentType &&
  one.idNumber === other.idNumber &&
  one.birthDate === other.birthDate;

/**
 * The newest draft with what the authorities said, who were asked about an earlier state of it.
 *
 * @returns nothing when it is about another person or phone by now.
 */
export function withAnswers(newest: Draft, asked: Draft): Draft | undefined {
  if (!samePerson(newest, asked) || newest.phone !== asked.phone) return undefined;
  const { register: _1, carrier: _2, carrierRefused: _3, freshSim: _4, ...rest } = newest;
  const { register, carrier, carrierRefused, freshSim } = asked;
  return {
    ...rest,
    ...(register && { register }),
    ...(carrier && { carrier }),
    ...(carrierRefused !== undefined && { carrierRefused }),
    ...(freshSim !== undefined && { freshSim }),
  };
}

/** For how long the carrier's word about a phone is taken, in seconds. */
const CARRIER_SECONDS = 10 * 60;

/**
 * The draft without what has to be asked again by now. An account that had the phone loses it on the carrier's
 * word, so the word has to be of this moment: a number can change hands while a draft waits.
 */
export function upToDate(draft: Draft, now: Date): Draft {
  if (draft.carrier === undefined) return draft;
  if (now.getTime() - Date.parse(draft.carrier.at) <= CARRIER_SECONDS * 1000) return draft;
  const { carrier: _old, freshSim: _too, ...rest } = draft;
  return rest;
}

/** For how long an answered code also counts as having just logged in, in seconds. */
export const FRESH_SECONDS = 30 * 60;

/** Whether the phone answered so lately that the finished registration is a login, too. */
export const isFresh = (draft: Draft, now: Date): boolean =>
  draft.phoneConfirmedAt !== undefined &&
  now.getTime() - Date.parse(draft.phoneConfirmedAt) <= FRESH_SECONDS * 1000;
