const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
/** China's civil day is UTC+8 everywhere, without summer time. */
const OFFSET_MS = 8 * HOUR_MS;

/** A civil day in UTC+8, counted from 1970-01-01. */
export type Day = number;

/** The civil day that an instant (milliseconds) falls on. */
export const dayOf = (at: number): Day => Math.floor((at + OFFSET_MS) / DAY_MS);

/** 00:00 of a day, in milliseconds. */
export const startOf = (day: Day): number => day * DAY_MS - OFFSET_MS;

/** A day as the pages' date formats take it. */
export const dateOf = (day: Day): Date => new Date(startOf(day));

export const hours = (count: number): number => count * HOUR_MS;
export const days = (count: number): number => count * DAY_MS;

/** `2020-04-15` → its day, or undefined when no such date exists. */
export function parseDay(text: string): Day | undefined {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return undefined;
  const at = Date.parse(`${text}T00:00:00Z`);
  if (Number.isNaN(at) || new Date(at).toISOString().slice(0, 10) !== text) return undefined;
  return at / DAY_MS;
}

/** A day as `2020-04-15`. */
export const formatDay = (day: Day): string => new Date(day * DAY_MS).toISOString().slice(0, 10);

/** An instant as `2020-04-15T08:00:00+08:00`; fractions of a second only when there are any. */
export function formatInstant(at: number): string {
  const text = new Date(at + OFFSET_MS).toISOString();
  return `${text.endsWith('.000Z') ? text.slice(0, 19) : text.slice(0, 23)}+08:00`;
}
