/**
 * How surely the platform knows who somebody is. The names and their `acr` values are permanent once
 * released: relying parties compare them as strings, and renamed values broke partners elsewhere.
 */
export const LEVELS = ['anonymous', 'basic', 'intermediate', 'advanced'] as const;

export type Level = (typeof LEVELS)[number];

const ACR_PREFIX = 'urn:ymt:acr:';

/** The level's place on the ladder: 0 for anonymous, ascending. */
export const rank = (level: Level): number => LEVELS.indexOf(level);

/** The `acr` claim value of a level (OpenID Connect Core 1.0 §2). */
export const acrOf = (level: Level): string => ACR_PREFIX + level;

/** The level that an `acr` value names, or `undefined` when it is none of ours. Accepts anything. */
export function levelOf(acr: unknown): Level | undefined {
  return LEVELS.find((level) => acr === acrOf(level));
}

/** Whether `level` is at or above `needed`. */
export const reaches = (level: Level, needed: Level): boolean => rank(level) >= rank(needed);

/** The lowest of the given levels; `advanced` when none is given. */
export const minLevel = (...levels: readonly Level[]): Level =>
  levels.reduce((low, level) => (rank(level) < rank(low) ? level : low), 'advanced');

/** The highest of the given levels; `anonymous` when none is given. */
export const maxLevel = (...levels: readonly Level[]): Level =>
  levels.reduce((high, level) => (rank(level) > rank(high) ? level : high), 'anonymous');
