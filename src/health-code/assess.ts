import { createHash } from 'node:crypto';
import { evaluate } from './engine/evaluate.ts';
import { nextChange } from './engine/next-change.ts';
import type { RuleSet } from './engine/rule-set.ts';
import type { Colour, HealthInput, Level, TraceEntry, Verdict } from './engine/types.ts';
import type { Facts, Person } from './facts.ts';
import { NoRuleSet } from './rules-in-force.ts';

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
  /** As it stands now. */
  decision: Decision;
  /** What is to be appended, in the order of time: nothing, or what changed since, each at its own instant. */
  appended: Decision[];
  /** The colour before. */
  was: string | undefined;
  /** Something that `health_people` keeps is not what it keeps. */
  stale: boolean;
  nextEvalAt: Date | undefined;
}

/**
 * Evaluates one citizen and compares with what was decided last. Instants at which the colour could change by
 * itself and that nobody looked at in time are gone through one by one, so that the record reads as if the
 * schedule had never stood still.
 *
 * @param rulesAt the rule set in force at an instant; while there was none nobody was decided.
 * @param makeId gives the id of each decision to append.
 * @throws NoRuleSet when none is in force now.
 */
export function assess(
  facts: Facts,
  level: Level,
  rulesAt: (at: number) => RuleSet | undefined,
  now: Date,
  makeId: () => string,
): Assessment {
  const appended: Decision[] = [];
  let last: Pick<Person, 'colour' | 'reasons' | 'ruleSet' | 'decisionId'> = facts.person;
  const look = (at: number, input: HealthInput, rules: RuleSet): Decision => {
    const verdict = evaluate(input, at, rules);
    const changed = hasChanged(last, verdict, rules);
    const decision: Decision = {
      citizenId: facts.person.citizenId,
      id: changed ? makeId() : last.decisionId,
      colour: verdict.colour,
      reasons: verdict.reasons,
      sources: sourcesOf(input, verdict, at),
      ruleSet: rules.version,
      earliestExit: verdict.earliestExit === undefined ? undefined : new Date(verdict.earliestExit),
      trace: verdict.trace,
      assessedAt: new Date(at),
      input,
      rules,
    };
    if (changed) {
      appended.push(decision);
      last = { ...decision, decisionId: decision.id };
    }
    return decision;
  };
  const end = now.getTime();
  let due = facts.person.nextEvalAt?.getTime();
  while (due !== undefined && due < end) {
    const at: number = due;
    const rules = rulesAt(at);
    const input = { ...facts.inputAt(at), level };
    if (rules) look(at, input, rules);
    const change = rules && nextChange(input, at, rules);
    // Another rule set is a change as well.
    const other = facts.putIntoForce.find(({ since }) => since > at)?.since;
    due = change === undefined || other === undefined ? (change ?? other) : Math.min(change, other);
  }
  const present = rulesAt(end);
  if (!present) throw new NoRuleSet('no rule set is in force, or it is not installed');
  const decision = look(end, { ...facts.input, level }, present);
  const next = nextChange(decision.input, end, decision.rules);
  return {
    decision,
    appended,
    was: facts.person.colour,
    stale:
      appended.length > 0 || level !== facts.person.levelEver || next !== facts.person.nextEvalAt?.getTime(),
    nextEvalAt: next === undefined ? undefined : new Date(next),
  };
}

/** A feed that comes and goes is told, but is no new decision about anybody. */
function hasChanged(
  last: Pick<Person, 'colour' | 'reasons' | 'ruleSet' | 'decisionId'>,
  verdict: Verdict,
  rules: RuleSet,
): boolean {
  const essential = (reasons: readonly string[]) => reasons.filter((code) => code !== rules.degraded).join();
  return (
    last.decisionId === undefined ||
    last.colour !== verdict.colour ||
    last.ruleSet !== rules.version ||
    essential(last.reasons ?? []) !== essential(verdict.reasons)
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
