import { ruleSets } from '../../src/health-code/engine/rule-set.ts';

/** The installed rule set. */
export const old = ruleSets[0]!;

/** As the installed one, but a fever clinic means nothing any more. */
export const milder = {
  ...old,
  version: '2026-9',
  types: Object.fromEntries(Object.entries(old.types).filter(([type]) => type !== 'FEVER_CLINIC')),
};

export const sets = [old, milder];
