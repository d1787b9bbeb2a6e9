const FORM =
  /^(\d{4})-(\d{2})-(\d{2})T([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,9})?)?(Z|[+-]([01]\d|2[0-3]):?[0-5]\d)$/;

/** No fact, rule or order is dated outside of these; the database takes no year 0 and none of five digits. */
const EARLIEST = Date.UTC(1900, 0, 1);
const LATEST = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/** Whether an instant in milliseconds can be kept. */
export const isSensible = (at: number): boolean => at >= EARLIEST && at <= LATEST;

/**
 * Reads a time with its offset (RFC 3339) strictly: a date that does not exist, such as 30 February, a time
 * without offset and one before 1900 are refused.
 *
 * @returns milliseconds since 1970, or undefined.
 */
export function parseInstant(text: string): number | undefined {
  const match = FORM.exec(text);
  if (!match) return undefined;
  const [year, month, day] = match.slice(1, 4).map(Number) as [number, number, number];
  const date = new Date(Date.UTC(year, month - 1, day));
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  const at = Date.parse(text);
  return isSensible(at) ? at : undefined;
}
