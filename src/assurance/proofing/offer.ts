import type { DocumentType } from '../../citizens/identifiers.ts';
import { accountLevel, type Evidence, type LevelCap, type Standing } from '../ladder.ts';
import { type Level, maxLevel, reaches } from '../level.ts';
import { PROOFING_METHODS, type ProofingMethodId, type ProofingPolicy, proofingPolicy } from './policy.ts';

/** The next thing on the way to a level. */
export type NextNeed =
  | 'nothing'
  /** No login, or one too old for the level. */
  | 'login'
  /** Register and carrier must confirm the person again. */
  | 'basics'
  /** Evidence for intermediate; or credentials enrolled below it, which only a check in this session raises. */
  | 'intermediate_check'
  /** A live check. */
  | 'live_check';

/** The parts of a standing that tell what is missing. */
export type WhereFrom = Pick<Standing, 'level' | 'loginLevel' | 'accountLevel'>;

export interface MethodOffer {
  method: ProofingMethodId;
  way: 'redirect' | 'form';
  live: boolean;
  /** Shown first; a face method that failed too often never leads. */
  leads: boolean;
}

export type Failures = Partial<Record<ProofingMethodId, number>>;

/**
 * What stands between a session and `target`, one thing at a time: from basic to advanced it is first an
 * intermediate check, then a live one.
 */
export function nextNeed(target: Level, standing: WhereFrom): NextNeed {
  if (reaches(standing.level, target)) return 'nothing';
  if (!reaches(standing.loginLevel, target)) return 'login';
  if (!reaches(standing.accountLevel, 'basic')) return 'basics';
  if (!reaches(standing.accountLevel, 'intermediate')) return 'intermediate_check';
  return target === 'advanced' ? 'live_check' : 'intermediate_check';
}

/**
 * The methods to offer for the next step towards `target`, best first. Empty when no method would help.
 *
 * For basics these are the ways to be vouched for where the carrier does not confirm the phone.
 *
 * @param failures how often each method failed in this flow.
 * @param documentType leaves out what cannot be compared with such a document.
 */
export function offeredMethods(
  {
    target,
    standing,
    failures = {},
    documentType,
  }: { target: Level; standing: WhereFrom; failures?: Failures; documentType?: DocumentType },
  policy: ProofingPolicy = proofingPolicy,
): MethodOffer[] {
  const need = nextNeed(target, standing);
  if (need === 'nothing' || need === 'login') return [];
  const gives = ({ basics: 'basic', intermediate_check: 'intermediate', live_check: 'advanced' } as const)[
    need
  ];
  const tired = (id: ProofingMethodId): boolean =>
    policy.faceMethods.includes(id) && (failures[id] ?? 0) >= policy.leadWithOtherWaysAfterFailures;
  const fitting = PROOFING_METHODS.filter(
    (id) =>
      policy.methods[id].gives === gives &&
      (documentType === undefined || policy.methods[id].documents.includes(documentType)),
  );
  return [...fitting.filter((id) => !tired(id)), ...fitting.filter(tired)].map((method, index) => ({
    method,
    way: policy.methods[method].way,
    live: policy.methods[method].live,
    leads: index === 0,
  }));
}

/**
 * The highest level that a citizen has or could obtain now: all of them by some method, unless a recovery
 * holds the account down for a while.
 */
export function reachableLevel(input: {
  evidence: readonly Evidence[];
  cap?: LevelCap | undefined;
  at: Date;
}): Level {
  const { evidence, cap, at } = input;
  if (cap === undefined || at.getTime() >= cap.until.getTime()) return 'advanced';
  return maxLevel(cap.level, accountLevel(evidence, at, cap).level);
}
