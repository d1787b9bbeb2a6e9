import { createHash } from 'node:crypto';
import { record } from '../audit/log.ts';
import type { Queryable } from '../platform/database.ts';
import { newId } from '../platform/id.ts';
import { evaluate } from './evaluate.ts';
import { type Facts, levelEver, loadFacts } from './facts.ts';
import { nextChange } from './next-change.ts';
import { type RuleSet, ruleSets } from './rule-set.ts';
import type { Colour, HealthInput, TraceEntry, Verdict } from './types.ts';

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

/** Thrown when no rule set is in force; nobody gets a colour then. */
export class NoRuleSet extends Error {
  override readonly name = 'NoRuleSet';
}

/**
 * Computes a citizen's colour from everything known at `now`, and appends a decision when the colour, its
 * reasons or the rule set changed. Any number of calls with the same facts leave one row.
 *
 * Call it wherever a colour is read or a fact is added: it is right even when the schedule is late.
 *
 * @throws NoRuleSet when none is signed and in force.
 */
export async function decideFor(
  tx: Queryable,
  citizenId: string,
  now: Date,
  sets: readonly RuleSet[] = ruleSets,
): Promise<Decision> {
  await tx.query('select 1 from health_people where citizen_id = $1 for update', [citizenId]);
  const facts = await loadFacts(tx, citizenId, now);
  if (!facts) return undeclared(tx, citizenId, now, sets);
  const rules = sets.find((set) => set.version === facts.ruleSet);
  if (!rules) throw new NoRuleSet(`rule set ${facts.ruleSet ?? '(none)'} is not in force or not installed`);
  const level = await levelEver(tx, citizenId, facts.person.levelEver);
  const input = { ...facts.input, level };
  const verdict = evaluate(input, now.getTime(), rules);
  const next = nextChange(input, now.getTime(), rules);
  const decision: Decision = {
    citizenId,
    id: facts.person.decisionId,
    colour: verdict.colour,
    reasons: verdict.reasons,
    sources: sourcesOf(input, verdict, now.getTime()),
    ruleSet: rules.version,
    earliestExit: verdict.earliestExit === undefined ? undefined : new Date(verdict.earliestExit),
    trace: verdict.trace,
    assessedAt: now,
    input,
    rules,
  };
  if (hasChanged(facts, verdict, rules)) decision.id = await append(tx, decision);
  await tx.query(
    `update health_people set level_ever = $2, colour = $3, reasons = $4, rule_set = $5, decision_id = $6,
       next_eval_at = $7
     where citizen_id = $1`,
    [
      citizenId,
      level,
      decision.colour,
      decision.reasons,
      decision.ruleSet,
      decision.id,
      next === undefined ? null : new Date(next),
    ],
  );
  return decision;
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

async function append(tx: Queryable, decision: Decision): Promise<string> {
  const id = newId();
  await tx.query(
    `insert into health_decisions
       (citizen_id, id, at, colour, reasons, sources, rule_set, inputs_hash, earliest_exit, trace)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
    [
      decision.citizenId,
      id,
      decision.assessedAt,
      decision.colour,
      decision.reasons,
      decision.sources,
      decision.ruleSet,
      inputsHash(decision.input),
      decision.earliestExit ?? null,
      JSON.stringify(decision.trace),
    ],
  );
  await record(tx, {
    type: 'health.decided',
    citizenId: decision.citizenId,
    actor: 'system',
    at: decision.assessedAt,
  });
  return id;
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

async function undeclared(
  tx: Queryable,
  citizenId: string,
  now: Date,
  sets: readonly RuleSet[],
): Promise<Decision> {
  const [live] = await tx.query<{ version: string }>(
    'select version from health_rule_sets where live_from <= $1 order by live_from desc, version desc limit 1',
    [now],
  );
  const rules = sets.find((set) => set.version === live?.version);
  if (!rules) throw new NoRuleSet('no rule set is in force');
  const input: HealthInput = {
    level: await levelEver(tx, citizenId),
    declaration: false,
    evidence: [],
    checkins: [],
    release: [],
    overrides: [],
    staleSources: [],
    outageDays: [],
  };
  const { colour, reasons, trace } = evaluate(input, now.getTime(), rules);
  return {
    citizenId,
    id: undefined,
    colour,
    reasons,
    sources: [],
    ruleSet: rules.version,
    earliestExit: undefined,
    trace,
    assessedAt: now,
    input,
    rules,
  };
}

interface DecisionRow {
  id: string;
  at: Date;
  colour: Colour;
  reasons: string[];
  sources: string[];
  rule_set: string;
  earliest_exit: Date | null;
}

/** A decision as its citizen reads it later. */
export interface PastDecision {
  id: string;
  at: Date;
  colour: Colour;
  reasons: string[];
  sources: string[];
  ruleSet: string;
  earliestExit: Date | undefined;
}

/** A citizen's decisions, newest first. */
export async function readDecisions(db: Queryable, citizenId: string, limit = 20): Promise<PastDecision[]> {
  const rows = await db.query<DecisionRow>(
    `select id, at, colour, reasons, sources, rule_set, earliest_exit from health_decisions
     where citizen_id = $1 order by id desc limit $2`,
    [citizenId, limit],
  );
  return rows.map((row) => ({
    id: row.id,
    at: row.at,
    colour: row.colour,
    reasons: row.reasons,
    sources: row.sources,
    ruleSet: row.rule_set,
    earliestExit: row.earliest_exit ?? undefined,
  }));
}
