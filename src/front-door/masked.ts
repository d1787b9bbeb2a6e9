/** The last four digits of a phone number: enough to know it by, not enough to call. */
export const lastFour = (phone: string): string => phone.slice(-4);

/** `张*`, `欧阳**`-style: the first character, and a star for each of the rest (at most two). */
export function maskName(name: string): string {
  const [first = '', ...rest] = [...name];
  return first + '*'.repeat(Math.min(rest.length, 2));
}
