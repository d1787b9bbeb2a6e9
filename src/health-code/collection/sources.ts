import type { RuleSet } from '../engine/rule-set.ts';
import { healthSettings } from '../settings.ts';
import { collectionSettings } from './settings.ts';

/** How a row is kept: as evidence for the engine, as the release of somebody, or as a movement. */
export type Target = 'evidence' | 'release' | 'movement';

/** What one kind of source may tell us. */
export interface SourceKind {
  name: string;
  /** Type of a row → what it is. */
  types: ReadonlyMap<string, { target: Target; kind?: 'case' | 'red' | 'yellow' }>;
  /** Every type that somebody may assert, to tell a wrong type from a wrong source. */
  known: ReadonlySet<string>;
  thermometer: boolean;
  /** Its evidence rests on whose phone it is. */
  phone: boolean;
}

export const RELEASE = 'RELEASE';

/** The kinds of source that are configured (`/health/ingest/{source}`). */
export const isSource = (name: string): boolean => Object.hasOwn(healthSettings.sources, name);

/** What a source may assert under any of some rule sets: its evidence, releases where it may release, its movements. */
export function sourceKind(name: string, any: readonly RuleSet[]): SourceKind {
  const types = new Map<string, { target: Target; kind?: 'case' | 'red' | 'yellow' }>();
  const evidence = any.flatMap((rules) => Object.entries(rules.types));
  for (const [type, { sources, kind }] of evidence) {
    if (sources.includes(name) && !types.has(type)) types.set(type, { target: 'evidence', kind });
  }
  if (any.some(({ red }) => red.releaseSources.includes(name))) types.set(RELEASE, { target: 'release' });
  const movement = collectionSettings.movements[name];
  if (movement !== undefined) types.set(movement, { target: 'movement' });
  return {
    name,
    types,
    known: new Set([
      ...evidence.map(([type]) => type),
      RELEASE,
      ...Object.values(collectionSettings.movements),
    ]),
    thermometer: collectionSettings.thermometers.includes(name),
    phone: any.some(({ phoneSources }) => phoneSources.includes(name)),
  };
}
