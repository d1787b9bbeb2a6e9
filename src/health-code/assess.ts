import { createHash } from 'node:crypto';
import { evaluate } from './engine/evaluate.ts';
import { nextChange } from './engine/next-change.ts';
import type { RuleSet } from './engine/rule-set.ts';
import type { Colour, HealthInput, Level, TraceEntry, Verdict } from './engine/types.ts';
import type { Facts } from './facts.ts';

/** A verdict about one citizen, as it stands now. */
export interface Decision {
  citizenId: string;
  /** The row of `health_decisions`; undefined for somebody who never declared. */
  id: string | undefined;
  colour: Colour;
  reasons: string[];
  /** Whose facts counted. */
  sources: string[];
  ruleSet: string;
  earliestExit: Date | undefined;
  trace: TraceEntry[];
  assessedAt: Date;
  /** What was looked at, for `validUntil`. */
  input: HealthInput;
  rules: RuleSet;
}

/** A decision, and what of it the database does not know yet. */
export interface Assessment {
  decision: Decision;
  /** The colour, its reasons or the rule set are not those of the last decision. */
  changed: boolean;
  /** Something that `health_people` keeps is not what it keeps. */
  stale: boolean;
  nextEvalAt: Date | undefined;
}

/** Evaluates one citizen and compares with what was decided last. Pure. */
export function assess(facts: Facts, level: Level, rules: RuleSet, now: Date): Assessment {
  const { person } = facts;
  const at = now.getTime();
  const input = { ...facts.input, level };
  const verdict = evaluate(input, at, rules);
  const next = nextChange(input, at, rules);
  const changed = hasChanged(facts, verdict, rules);
  return {
    decision: {
      citizenId: person.citizenId,
      id: person.decisionId,
      colour: verdict.colour,
      reasons: verdict.reasons,
      sources: sourcesOf(input, verdict, at),
      ruleSet: rules.version,
      earliestExit: verdict.earliestExit === undefined ? undefined : new Date(verdict.earliestExit),
      trace: verdict.trace,
      assessedAt: now,
      input,
      rules,
    },
    changed,
    stale: changed || level !== person.levelEver || next !== person.nextEvalAt?.getTime(),
    nextEvalAt: next === undefined ? undefined : new Date(next),
  };
}

/** A feed that comes and goes is told, but is no new decision about anybody. */
function hasChanged({ person }: Facts, verdict: Verdict, rules: RuleSet): boolean {
  const essential = (reasons: readonly string[]) => reasons.filter((code) => code !== rules.degraded).join();
  return (
    person.decisionId === undefined ||
    person.colour !== verdict.colour ||
    person.ruleSet !== rules.version ||
    essential(person.reasons ?? []) !== essential(verdict.reasons)
  );
}

/** SHA-256 of the facts a decision rests on, so that it can be shown later that they were these. */
export const inputsHash = (input: HealthInput): Buffer =>
  createHash('sha256').update(JSON.stringify(input)).digest();

/** The sources of the evidence that counted, and `checkin` for what the citizen said. */
function sourcesOf(input: HealthInput, { trace }: Verdict, at: number): string[] {
  const refused = new Set(trace.filter(({ code }) => code.startsWith('D')).map(({ id }) => id));
  const counted = input.evidence.filter((row) => row.at <= at && !refused.has(row.id));
  const said = input.checkins.some((row) => row.at <= at) ? ['checkin'] : [];
  return [...new Set([...counted.map((row) => row.source), ...said])].sort();
}
