/** The levels of the platform, as a relying party knows them: from the documentation, not from our source. */
export const LEVELS = ['anonymous', 'basic', 'intermediate', 'advanced'] as const;
export type Level = (typeof LEVELS)[number];

const PREFIX = 'urn:ymt:acr:';
export const acrOf = (level: Level): string => PREFIX + level;

/** The level of an `acr` value; unknown values are no level at all. */
export const levelOf = (acr: unknown): Level | undefined => LEVELS.find((level) => acrOf(level) === acr);

/** Whether `acr` is at least `needed`: higher levels satisfy lower floors. */
export function reaches(acr: unknown, needed: Level): boolean {
  const level = levelOf(acr);
  return level !== undefined && LEVELS.indexOf(level) >= LEVELS.indexOf(needed);
}
