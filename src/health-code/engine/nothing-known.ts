import type { HealthInput } from './types.ts';

/** What is known of somebody of whom nothing is, not even a declaration. */
export const NOTHING_KNOWN: Omit<HealthInput, 'level'> = {
  declaration: false,
  evidence: [],
  checkins: [],
  release: [],
  overrides: [],
  staleSources: [],
  outageDays: [],
};
