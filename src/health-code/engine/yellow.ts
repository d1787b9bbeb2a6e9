import { dayOf, startOf } from './civil-day.ts';
import type { Counted } from './filter.ts';
import type { HealthyDays } from './healthy-days.ts';
import { earliestRunDay, findRun, isUnhealthy } from './healthy-days.ts';
import type { RuleSet } from './rule-set.ts';
import type { Checkin, TraceEntry } from './types.ts';

/** What counted yellow evidence and unhealthy check-ins amount to. */
export type Yellow =
  | { state: 'none' | 'ended' }
  | { state: 'running'; codes: string[]; earliestExit: number };

/**
 * Yellow lasts until a run of healthy days that begins on or after the day of the latest anchor. What is
 * older than the latest red anchor is absorbed by that red and counts no more.
 */
export function judgeYellow(
  counted: readonly Counted[],
  checkins: readonly Checkin[],
  redAnchor: number,
  days: () => HealthyDays,
  asOf: number,
  rules: RuleSet,
  trace: TraceEntry[],
): Yellow {
  let anchor = Number.NEGATIVE_INFINITY;
  const codes: string[] = [];
  for (const row of counted) {
    if (row.meaning.kind !== 'yellow') continue;
    if (row.at < redAnchor) {
      trace.push({ code: 'absorbed', id: row.id });
      continue;
    }
    codes.push(row.meaning.code);
    anchor = Math.max(anchor, row.at);
  }
  for (const checkin of checkins) {
    if (checkin.at > asOf || checkin.at < redAnchor || !isUnhealthy(checkin, rules)) continue;
    codes.push(rules.unhealthyCheckin);
    anchor = Math.max(anchor, checkin.at);
  }
  if (codes.length === 0) return { state: 'none' };
  const today = dayOf(asOf);
  const needed = rules.yellow.runDays;
  const run = findRun(days(), dayOf(anchor), today, needed);
  trace.push({ code: 'run', days: run.soFar });
  if (run.metOn !== undefined) return { state: 'ended' };
  return { state: 'running', codes, earliestExit: startOf(earliestRunDay(days(), run, today, needed)) };
}
