import type { Queryable } from '../platform/database.ts';
import { isValidAt, type RuleSet, ruleSets } from './engine/rule-set.ts';

/*
 * The one answer to "which rules?": a rule set is in force when two signed it and it was put into force, as long as it
 * is valid by its own dates. Of several the one that was put into force last.
 */

/** Thrown when no rule set is in force; nobody gets a colour then. */
export class NoRuleSet extends Error {
  override readonly name = 'NoRuleSet';
}

/** A rule set that was put into force, and since when, in milliseconds. */
export interface PutIntoForce {
  version: string;
  since: number;
}

/** `$1` now → the rule sets that were put into force by then, oldest first, as one JSON value. */
export const PUT_INTO_FORCE = `
  select coalesce(json_agg(json_build_object(
    'version', version, 'since', (date_part('epoch', live_from) * 1000)::bigint) order by live_from, version), '[]')
  from health_rule_sets where live_from <= $1`;

/** The rule set in force at an instant; undefined when there is none, or this program does not have it. */
export function ruleSetInForce(
  put: readonly PutIntoForce[],
  at: number,
  sets: readonly RuleSet[] = ruleSets,
): RuleSet | undefined {
  for (const { version, since } of put.toReversed()) {
    if (since > at) continue;
    const rules = sets.find((set) => set.version === version);
    if (!rules || isValidAt(rules, at)) return rules;
  }
  return undefined;
}

/** The rule set in force at `now`; undefined when there is none. */
export async function findRulesInForce(
  db: Queryable,
  now: Date,
  sets: readonly RuleSet[] = ruleSets,
): Promise<RuleSet | undefined> {
  const [row] = await db.query<{ put: PutIntoForce[] }>(`select (${PUT_INTO_FORCE}) as put`, [now]);
  return ruleSetInForce(row?.put ?? [], now.getTime(), sets);
}

/** @throws NoRuleSet when none is signed, valid and in force. */
export async function rulesInForce(
  db: Queryable,
  now: Date,
  sets: readonly RuleSet[] = ruleSets,
): Promise<RuleSet> {
  const rules = await findRulesInForce(db, now, sets);
  if (!rules) throw new NoRuleSet('no rule set is in force, or it is not installed');
  return rules;
}

/**
 * By which rules facts are taken. What they mean is decided by the rule set in force; what may be kept by any that is
 * not over: a row must not be lost because a rule set that runs in shadow drops its type, nor be missing on the day
 * when one that knows it comes into force.
 *
 * @throws Error when no rule set is installed at all.
 */
export async function rulesOfStorage(
  db: Queryable,
  now: Date,
  sets: readonly RuleSet[] = ruleSets,
): Promise<{ rules: RuleSet; any: RuleSet[] }> {
  const rules = (await findRulesInForce(db, now, sets)) ?? sets.at(-1);
  if (!rules) throw new Error('no rule set is installed');
  const others = sets.filter((set) => set !== rules && (set.validTo === null || now.getTime() < set.validTo));
  return { rules, any: [rules, ...others] };
}
