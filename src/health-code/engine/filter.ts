import { hours } from './civil-day.ts';
import type { RuleSet } from './rule-set.ts';
import type { Evidence, HealthInput, TraceEntry } from './types.ts';

/** A row of evidence that counts, with what its type means. */
export interface Counted extends Evidence {
  meaning: RuleSet['types'][string];
}

/** The evidence that counts at `asOf`. What does not goes into the trace with the first reason that applies. */
export function countedEvidence(
  evidence: HealthInput['evidence'],
  asOf: number,
  rules: RuleSet,
  trace: TraceEntry[],
): Counted[] {
  const counted: Counted[] = [];
  for (const row of evidence) {
    if (row.at > asOf) continue;
    const meaning = Object.hasOwn(rules.types, row.type) ? rules.types[row.type] : undefined;
    const code = refusal(row, meaning, asOf, rules);
    if (code) trace.push({ code, id: row.id });
    else if (meaning) counted.push({ ...row, meaning });
  }
  return counted;
}

function refusal(
  row: Evidence,
  meaning: RuleSet['types'][string] | undefined,
  asOf: number,
  rules: RuleSet,
): string | undefined {
  if (row.purpose !== rules.purpose) return 'D910';
  if (!meaning?.sources.includes(row.source)) return 'D911';
  // An appeal, and what was decided on it, is as old as the appeal: a later one is not known yet.
  const appealed = row.appealAt !== undefined && row.appealAt <= asOf;
  const decision = row.appealAt === undefined || appealed ? row.appealDecision : undefined;
  if (row.status === 'revoked' || decision === 'upheld') return 'D912';
  if (rules.phoneSources.includes(row.source) && row.phoneOwnerVerified !== true) return 'D903';
  if (row.supersededBy !== undefined && row.supersededBy <= asOf) return 'D913';
  if (rules.weak.sources.includes(row.source) && row.appealAt !== undefined && decision === undefined) {
    if (row.appealAt + hours(rules.weak.appealHours) <= asOf) return 'D920';
  }
  return undefined;
}
