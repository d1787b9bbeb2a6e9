export const LEVELS = ['anonymous', 'basic', 'intermediate', 'advanced'] as const;
export type Level = (typeof LEVELS)[number];
export const acrOf = (level: Level): string => `urn:ymt:acr:${level}`;
export const reaches = (acr: unknown, floor: Level): boolean =>
  LEVELS.findIndex((level) => acrOf(level) === acr) >= LEVELS.indexOf(floor);
