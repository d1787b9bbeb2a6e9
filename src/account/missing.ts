import { accountLevel, type Evidence, type LevelCap } from '../assurance/ladder.ts';
import { LEVELS, type Level, reaches } from '../assurance/level.ts';
import { type EvidenceMethod, type LadderPolicy, ladderPolicy } from '../assurance/policy.ts';

export interface LevelView {
  level: Exclude<Level, 'anonymous'>;
  reached: boolean;
  /** Until when the evidence gives it; absent when it has no end or is not reached. */
  until?: Date;
  /** Each group needs one of its methods; only groups without one. */
  missing: (readonly EvidenceMethod[])[];
  /** The one to go for next. */
  next: boolean;
}

const holds = (evidence: readonly Evidence[], method: EvidenceMethod, at: Date) =>
  evidence.some(
    (item) =>
      item.method === method &&
      (item.expiresAt === undefined || item.expiresAt > at) &&
      (item.endedAt === undefined || item.endedAt > at),
  );

/** When the evidence stops giving `level`: the account loses it at the first moment that it lacks a group. */
function endOf(
  evidence: readonly Evidence[],
  level: Level,
  at: Date,
  policy: LadderPolicy,
): Date | undefined {
  const moments = evidence
    .flatMap(({ expiresAt, endedAt }) => [expiresAt, endedAt])
    .filter((moment): moment is Date => moment !== undefined && moment > at)
    .sort((a, b) => a.getTime() - b.getTime());
  return moments.find((moment) => !reaches(accountLevel(evidence, moment, undefined, policy).level, level));
}

/**
 * The ladder as its citizen sees it: what is reached and until when, and what each higher level still needs.
 */
export function levelViews(
  evidence: readonly Evidence[],
  at: Date,
  cap?: LevelCap,
  policy: LadderPolicy = ladderPolicy,
): LevelView[] {
  const now = accountLevel(evidence, at, cap, policy).level;
  const levels = LEVELS.filter((level): level is LevelView['level'] => level !== 'anonymous');
  const next = levels.find((level) => !reaches(now, level));
  return levels.map((level) => {
    const reached = reaches(now, level);
    const until = reached ? endOf(evidence, level, at, policy) : undefined;
    const missing = policy.levels[level].account.filter(
      (group) => !group.some((method) => holds(evidence, method, at)),
    );
    return { level, reached, missing, next: level === next, ...(until && { until }) };
  });
}
