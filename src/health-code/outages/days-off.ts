import { type Day, dayOf, hours, startOf } from '../engine/civil-day.ts';

/** A time in milliseconds during which the health code was on. */
export interface On {
  from: number;
  to: number;
}

/**
 * The civil days before today on which the health code was off for so long that not everybody could check in. Days
 * before it was switched on for the first time are none.
 *
 * @param rule.hoursOff from how many hours on; `backDays` how far to look back.
 */
export function daysOff(
  on: readonly On[],
  now: number,
  { hoursOff, backDays }: { hoursOff: number; backDays: number },
): Day[] {
  const times = on.filter(({ from, to }) => from < to).sort((a, b) => a.from - b.from);
  const [first] = times;
  if (!first) return [];
  const today = dayOf(now);
  const found: Day[] = [];
  for (let day = Math.max(dayOf(first.from) + 1, today - backDays); day < today; day += 1) {
    let off = 0;
    let upTo = startOf(day);
    const end = startOf(day + 1);
    for (const { from, to } of times) {
      if (from > upTo) off += Math.min(from, end) - upTo;
      upTo = Math.min(Math.max(upTo, to), end);
      if (upTo === end || from >= end) break;
    }
    off += end - upTo;
    if (off >= hours(hoursOff)) found.push(day);
  }
  return found;
}
