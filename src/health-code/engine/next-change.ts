import { dayOf, days, hours, startOf } from './civil-day.ts';
import { overrideEnd } from './overrides.ts';
import type { RuleSet } from './rule-set.ts';
import type { HealthInput } from './types.ts';

/**
 * The next instant at which a verdict can change although nobody tells us anything new: a clock or an order
 * ends, something dated ahead begins, an undecided appeal makes weak evidence lapse, the rule set ends.
 *
 * @returns milliseconds, or undefined when only new facts can change anything.
 */
export function nextChange(input: HealthInput, asOf: number, rules: RuleSet): number | undefined {
  const instants: (number | undefined | null)[] = [rules.validTo];
  for (const row of input.evidence) {
    instants.push(row.at, row.dischargedAt, row.supersededBy, row.appealAt);
    if (row.appealAt !== undefined && row.appealDecision === undefined) {
      instants.push(row.appealAt + hours(rules.weak.appealHours));
    }
    for (const anchor of [row.at, row.dischargedAt]) {
      if (anchor !== undefined) instants.push(startOf(dayOf(anchor) + rules.red.clockDays));
    }
  }
  for (const order of input.overrides) {
    instants.push(order.from, order.from === undefined ? undefined : overrideEnd(order, rules));
  }
  for (const { at } of [...input.release, ...input.checkins]) if (at > asOf) instants.push(at);
  const ahead = instants.filter((at): at is number => typeof at === 'number' && at > asOf);
  return ahead.length === 0 ? undefined : Math.min(...ahead);
}

/** Until when a verdict may be relied on: its next change, but never longer than `seconds`. */
export function validUntil(input: HealthInput, asOf: number, rules: RuleSet, seconds: number): number {
  const change = nextChange(input, asOf, rules) ?? Number.POSITIVE_INFINITY;
  return Math.min(change, asOf + seconds * 1_000, startOf(dayOf(asOf)) + days(1));
}
