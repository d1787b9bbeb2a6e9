import { dayOf, formatInstant, startOf } from './civil-day.ts';
import type { Counted } from './filter.ts';
import type { HealthyDays } from './healthy-days.ts';
import { earliestRunDay, findRun } from './healthy-days.ts';
import type { RuleSet } from './rule-set.ts';
import type { Release, TraceEntry } from './types.ts';

/** What the counted red evidence amounts to. */
export type Red =
  | { state: 'none' }
  | { state: 'open'; codes: string[] }
  | { state: 'clock' | 'unproven'; codes: string[]; anchor: number; earliestExit: number }
  | { state: 'ended'; anchor: number };

/** Whether a case is still open at `asOf`: not discharged, or discharged only later. */
const isOpen = (row: Counted, asOf: number): boolean =>
  row.meaning.kind === 'case' && (row.dischargedAt === undefined || row.dischargedAt > asOf);

/** The instant from which a red row is counted: a case's discharge, else the end of the exposure. */
const anchorOf = (row: Counted): number =>
  row.meaning.kind === 'case' && row.dischargedAt !== undefined ? row.dischargedAt : row.at;

/**
 * An open case is red without a clock. Otherwise red lasts until the clock from the latest anchor is over
 * *and* either a release or a run of healthy days is there; neither shortens the clock.
 */
export function judgeRed(
  counted: readonly Counted[],
  release: readonly Release[],
  days: () => HealthyDays,
  asOf: number,
  rules: RuleSet,
  trace: TraceEntry[],
): Red {
  const red = counted.filter((row) => row.meaning.kind !== 'yellow');
  if (red.length === 0) return { state: 'none' };
  const open = red.filter((row) => isOpen(row, asOf));
  if (open.length > 0) return { state: 'open', codes: open.map((row) => row.meaning.code) };

  const anchor = red.reduce((latest, row) => Math.max(latest, anchorOf(row)), Number.NEGATIVE_INFINITY);
  const { clockDays, runDays, releaseSources } = rules.red;
  const clockDay = dayOf(anchor) + clockDays;
  const today = dayOf(asOf);
  const released = release.some(
    ({ at, source }) => releaseSources.includes(source) && at >= anchor && at <= asOf,
  );
  const run = findRun(days(), dayOf(anchor), today, runDays);
  trace.push({ code: 'clock', until: formatInstant(startOf(clockDay)) });
  if (released) trace.push({ code: 'released' });
  else trace.push({ code: 'run', days: run.soFar });

  const proven = released || run.metOn !== undefined;
  const clockDone = asOf >= startOf(clockDay);
  if (clockDone && proven) return { state: 'ended', anchor };
  const runDay = released ? clockDay : earliestRunDay(days(), run, today, runDays);
  return {
    state: clockDone ? 'unproven' : 'clock',
    codes: red.map((row) => row.meaning.code),
    anchor,
    earliestExit: startOf(Math.max(clockDay, runDay)),
  };
}
