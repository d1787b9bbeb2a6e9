import type { Database, Queryable } from '../platform/database.ts';
import { newId } from '../platform/id.ts';
import { assess, type Decision } from './assess.ts';
import { settle } from './decision-store.ts';
import { evaluate } from './engine/evaluate.ts';
import { NOTHING_KNOWN } from './engine/nothing-known.ts';
import { type RuleSet, ruleSets } from './engine/rule-set.ts';
import { type Facts, levelEver, loadFacts } from './facts.ts';
import { loadManyFacts } from './facts-of-many.ts';
import { findRulesInForce, ruleSetInForce, rulesInForce } from './rules-in-force.ts';

/**
 * Computes a citizen's colour from everything known at `now`, and appends a decision when the colour, its
 * reasons or the rule set changed. Any number of calls with the same facts leave one row.
 *
 * Call it wherever a colour is read or a fact is added: it is right even when the schedule is late. A look
 * that changes nothing writes nothing and locks nobody.
 *
 * @throws NoRuleSet when none is signed and in force.
 */
export async function decideFor(
  tx: Queryable,
  citizenId: string,
  now: Date,
  sets: readonly RuleSet[] = ruleSets,
): Promise<Decision> {
  const look = async (facts: Facts) =>
    assess(facts, await levelEver(tx, citizenId, facts.person.levelEver), rulesAt(facts, sets), now, newId);
  const facts = await loadFacts(tx, citizenId, now);
  if (!facts) return undeclared(tx, citizenId, now, sets);
  const seen = await look(facts);
  if (!seen.stale) return seen.decision;
  await tx.query('select 1 from health_people where citizen_id = $1 for update', [citizenId]);
  const locked = await loadFacts(tx, citizenId, now);
  if (!locked) return undeclared(tx, citizenId, now, sets);
  const assessment = await look(locked);
  await settle(tx, [assessment]);
  return assessment.decision;
}

/**
 * Decides many citizens anew at once, in a fixed number of statements. Their levels are taken as they are
 * known; who never declared is left out.
 *
 * @returns how many got a new decision.
 */
export async function decideBatch(
  tx: Queryable,
  citizenIds: readonly string[],
  now: Date,
  sets: readonly RuleSet[] = ruleSets,
): Promise<number> {
  if (citizenIds.length === 0) return 0;
  await tx.query(
    'select 1 from health_people where citizen_id = any ($1::uuid[]) order by citizen_id for update',
    [citizenIds],
  );
  const everybody = await loadManyFacts(tx, citizenIds, now);
  const assessments = everybody.map((facts) =>
    assess(facts, facts.person.levelEver, rulesAt(facts, sets), now, newId),
  );
  await settle(tx, assessments);
  return assessments.filter(({ appended }) => appended.length > 0).length;
}

/**
 * Decides anew the citizens whose clock, order or appeal ran out: the schedule's work. Whatever a stopped
 * process left is caught up with; several processes share it. While no rule set is in force it waits.
 *
 * @returns how many were looked at; call again while it is not 0.
 */
export async function runTransitions(
  db: Database,
  { now, limit = 500 }: { now: Date; limit?: number },
): Promise<number> {
  return db.transaction(async (tx) => {
    if (!(await findRulesInForce(tx, now))) return 0;
    const due = await tx.query<{ citizen_id: string }>(
      `select citizen_id from health_people where next_eval_at <= $1
       order by next_eval_at limit $2 for update skip locked`,
      [now, limit],
    );
    await decideBatch(
      tx,
      due.map(({ citizen_id }) => citizen_id),
      now,
    );
    return due.length;
  });
}

/** Whether anybody's clock ran out whom `runTransitions` has not finished with, here or in another process. */
export async function transitionsDue(db: Queryable, now: Date): Promise<boolean> {
  const rows = await db.query('select 1 from health_people where next_eval_at <= $1 limit 1', [now]);
  return rows.length > 0;
}

const rulesAt =
  ({ putIntoForce }: Facts, sets: readonly RuleSet[]) =>
  (at: number) =>
    ruleSetInForce(putIntoForce, at, sets);

async function undeclared(
  tx: Queryable,
  citizenId: string,
  now: Date,
  sets: readonly RuleSet[],
): Promise<Decision> {
  const rules = await rulesInForce(tx, now, sets);
  const input = { ...NOTHING_KNOWN, level: await levelEver(tx, citizenId) };
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
