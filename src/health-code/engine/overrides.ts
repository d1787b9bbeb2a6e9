import { days } from './civil-day.ts';
import type { RuleSet } from './rule-set.ts';
import type { Override, TraceEntry } from './types.ts';

/** When each colour's valid overrides end, latest; undefined where none is in force. */
export type OverrideEnds = Partial<Record<Override['colour'], number>>;

/** The first instant at which an override holds no more: its own end, or the longest that one may last. */
export function overrideEnd(override: Override, rules: RuleSet): number {
  if (override.from === undefined) return Number.NEGATIVE_INFINITY;
  const longest = override.from + days(rules.overrides.longestDays);
  return override.to === undefined ? longest : Math.min(override.to, longest);
}

function isValid(override: Override, asOf: number, rules: RuleSet): boolean {
  const { purpose, evidenceId, orgType, approver1, approver2, from } = override;
  return (
    purpose === rules.purpose &&
    Boolean(evidenceId) &&
    rules.overrides.orgTypes.includes(orgType ?? '') &&
    Boolean(approver1) &&
    Boolean(approver2) &&
    approver1 !== approver2 &&
    from !== undefined &&
    from <= asOf &&
    asOf < overrideEnd(override, rules)
  );
}

/** The overrides in force at `asOf`. One that began and does not hold goes into the trace as `D930`. */
export function overridesInForce(
  overrides: readonly Override[],
  asOf: number,
  rules: RuleSet,
  trace: TraceEntry[],
): OverrideEnds {
  const ends: OverrideEnds = {};
  for (const override of overrides) {
    if (override.from !== undefined && override.from > asOf) continue;
    if (!isValid(override, asOf, rules)) {
      trace.push({ code: 'D930', id: override.id });
      continue;
    }
    const end = overrideEnd(override, rules);
    ends[override.colour] = Math.max(end, ends[override.colour] ?? end);
  }
  return ends;
}
