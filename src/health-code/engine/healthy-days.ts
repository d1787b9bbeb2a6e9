import type { Day } from './civil-day.ts';
import { dayOf } from './civil-day.ts';
import type { RuleSet } from './rule-set.ts';
import type { Checkin } from './types.ts';

/** What check-ins and declarations say about each day. */
export interface HealthyDays {
  healthy: ReadonlySet<Day>;
  unhealthy: ReadonlySet<Day>;
  outage: ReadonlySet<Day>;
}

/** Whether a check-in says something unhealthy, whatever day it claims to be about. */
export const isUnhealthy = (checkin: Checkin, rules: RuleSet): boolean =>
  checkin.symptoms.length > 0 || (checkin.temp !== undefined && checkin.temp >= rules.temperature.fever);

/**
 * Sorts days by what was said on them. A healthy statement about another day makes no day healthy; an
 * unhealthy one spoils the day on which it is made. A day without a temperature is neither.
 *
 * @param saidUnwell instants at which the citizen declared symptoms.
 */
export function healthyDays(
  checkins: readonly Checkin[],
  saidUnwell: readonly number[],
  outageDays: readonly Day[],
  asOf: number,
  rules: RuleSet,
): HealthyDays {
  const healthy = new Set<Day>();
  const unhealthy = new Set<Day>(saidUnwell.map(dayOf));
  for (const checkin of checkins) {
    if (checkin.at > asOf) continue;
    const day = dayOf(checkin.at);
    if (isUnhealthy(checkin, rules)) unhealthy.add(day);
    else if (checkin.temp !== undefined && (checkin.forDay === undefined || checkin.forDay === day)) {
      healthy.add(day);
    }
  }
  for (const day of unhealthy) healthy.delete(day);
  return { healthy, unhealthy, outage: new Set(outageDays) };
}

export interface Run {
  /** The first day on which the run was complete. */
  metOn: Day | undefined;
  /** Consecutive healthy days up to and including yesterday. */
  streak: number;
  /** The same with today, if today is healthy already; never more than were needed. */
  soFar: number;
}

/**
 * Looks for `needed` consecutive healthy days beginning on or after `from`. Outage days neither break nor
 * count. Today breaks nothing before it is over.
 */
export function findRun(days: HealthyDays, from: Day, today: Day, needed: number): Run {
  let streak = 0;
  for (let day = from; day < today; day += 1) {
    if (days.outage.has(day)) continue;
    streak = days.healthy.has(day) ? streak + 1 : 0;
    if (streak === needed) return { metOn: day, streak, soFar: streak };
  }
  if (days.outage.has(today)) return { metOn: undefined, streak, soFar: streak };
  if (days.unhealthy.has(today)) return { metOn: undefined, streak, soFar: 0 };
  const soFar = days.healthy.has(today) ? streak + 1 : streak;
  return { metOn: soFar === needed ? today : undefined, streak, soFar };
}

/** The first day on which a run of `needed` can be complete, with a healthy check-in every day from today. */
export function earliestRunDay(days: HealthyDays, run: Run, today: Day, needed: number): Day {
  if (run.metOn !== undefined) return run.metOn;
  if (days.outage.has(today)) return today + needed - run.streak;
  if (days.unhealthy.has(today)) return today + needed;
  return today + needed - run.streak - 1;
}
