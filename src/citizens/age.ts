const BEIJING_OFFSET_MS = 8 * 60 * 60 * 1000;

/** Under this age nobody has an account of their own; guardians act (个人信息保护法 §31). */
export const OWN_ACCOUNT_AGE = 14;

/** The calendar date in Beijing, `YYYY-MM-DD`. */
export const beijingDate = (at: Date): string =>
  new Date(at.getTime() + BEIJING_OFFSET_MS).toISOString().slice(0, 10);

/**
 * Whole years of age at `at`, by Beijing's calendar. Somebody born on 29 February is a year older on 1 March
 * of a common year, which is what comparing month and day as text gives.
 *
 * @param birthDate `YYYY-MM-DD`
 */
export function ageAt(birthDate: string, at: Date): number {
  const today = beijingDate(at);
  const years = Number(today.slice(0, 4)) - Number(birthDate.slice(0, 4));
  return today.slice(5) < birthDate.slice(5) ? years - 1 : years;
}
