import { createHash } from 'node:crypto';
import { record } from '../audit/log.ts';
import type { Database, Queryable } from '../platform/database.ts';
import { Problem } from '../platform/problem.ts';
import { isValidAt, type RuleSet, ruleSetAt, ruleSets } from './engine/rule-set.ts';
import { startRun } from './runs.ts';

/** What is signed: the whole rule set, so that no number in it can change afterwards unnoticed. */
export const ruleSetDigest = (rules: RuleSet): Buffer =>
  createHash('sha256').update(JSON.stringify(rules)).digest();

/**
 * Makes the installed rule sets known, at start. Idempotent.
 *
 * @throws Error when one that is known was changed: a changed rule set needs a new version.
 */
export async function registerRuleSets(db: Queryable, sets: readonly RuleSet[], now: Date): Promise<void> {
  for (const rules of sets) {
    const digest = ruleSetDigest(rules);
    const [row] = await db.query<{ digest: Buffer }>(
      `insert into health_rule_sets as r (version, digest, recorded_at) values ($1, $2, $3)
       on conflict (version) do update set version = r.version returning digest`,
      [rules.version, digest, now],
    );
    if (!row?.digest.equals(digest)) {
      throw new Error(
        `Rule set ${rules.version} differs from the one that was signed. Give it a new version.`,
      );
    }
  }
}

/**
 * One of the two signatures of a rule set.
 *
 * @returns whether both are there now.
 * @throws Problem `health_rule_set_unknown` 404; `health_same_person` 409 for the second by the first signer.
 */
export async function signRuleSet(
  tx: Queryable,
  { version, signer, now, actor = 'system' }: { version: string; signer: string; now: Date; actor?: string },
): Promise<boolean> {
  const [row] = await tx.query<{ signer1: string | null; signer2: string | null }>(
    'select signer1, signer2 from health_rule_sets where version = $1 for update',
    [version],
  );
  if (!row) throw new Problem('health_rule_set_unknown', 404);
  if (row.signer1 === signer || row.signer2 === signer) throw new Problem('health_same_person', 409);
  if (row.signer1 !== null && row.signer2 !== null) return true;
  await tx.query(
    `update health_rule_sets set signer1 = coalesce(signer1, $2),
       signer2 = case when signer1 is null then null else $2 end
     where version = $1`,
    [version, signer],
  );
  await record(tx, { type: 'health.rule_set_signed', actor, at: now });
  return row.signer1 !== null;
}

/**
 * Puts a rule set into force from an instant on, and begins to decide everybody anew. One that replaces another
 * has to have run in shadow over everybody first.
 *
 * @throws Problem 409 `health_rule_set_unsigned` without both signatures, `health_rule_set_no_shadow`,
 * `health_rule_set_not_valid` outside of its own dates, `health_rule_set_live` the second time.
 */
export async function putIntoForce(
  tx: Queryable,
  { version, from, now, actor = 'system' }: { version: string; from: Date; now: Date; actor?: string },
  sets: readonly RuleSet[] = ruleSets,
): Promise<void> {
  const [earlier] = await tx.query(
    'select 1 from health_rule_sets where live_from is not null and version <> $1 limit 1',
    [version],
  );
  const [shadow] = await tx.query(
    `select 1 from health_runs where version = $1 and kind = 'shadow' and finished_at is not null limit 1`,
    [version],
  );
  const rules = sets.find((set) => set.version === version);
  if (rules && !isValidAt(rules, from.getTime())) throw new Problem('health_rule_set_not_valid', 409);
  if (earlier && !shadow) throw new Problem('health_rule_set_no_shadow', 409);
  const rows = await tx.query(
    `update health_rule_sets set live_from = $2
     where version = $1 and signer1 is not null and signer2 is not null and live_from is null
     returning version`,
    [version, from],
  );
  if (rows.length === 0) {
    const [live] = await tx.query(
      'select 1 from health_rule_sets where version = $1 and live_from is not null',
      [version],
    );
    throw new Problem(live ? 'health_rule_set_live' : 'health_rule_set_unsigned', 409);
  }
  await startRun(tx, { kind: 'live', version, from }, sets);
  await record(tx, { type: 'health.rule_set_live', actor, at: now });
}

/** A rule set that is known, and how far it has come. */
export interface KnownRuleSet {
  version: string;
  digest: string;
  signer1: string | undefined;
  signer2: string | undefined;
  liveFrom: Date | undefined;
  /** Whether it ran in shadow over everybody. */
  shadowed: boolean;
  /** Whether it takes the place of another, and so has to. */
  replaces: boolean;
  /** Whether this program has it. */
  installed: boolean;
}

/** The rule sets, newest first. */
export async function readRuleSets(
  db: Queryable,
  sets: readonly RuleSet[] = ruleSets,
): Promise<KnownRuleSet[]> {
  const rows = await db.query<{
    version: string;
    digest: Buffer;
    signer1: string | null;
    signer2: string | null;
    live_from: Date | null;
    shadowed: boolean;
    replaces: boolean;
  }>(
    `select version, digest, signer1, signer2, live_from,
       exists (select from health_runs n where n.version = r.version and n.kind = 'shadow'
         and n.finished_at is not null) as shadowed,
       exists (select from health_rule_sets o where o.live_from is not null and o.version <> r.version) as replaces
     from health_rule_sets r order by recorded_at desc, version desc limit 50`,
  );
  return rows.map(({ digest, signer1, signer2, live_from, ...row }) => ({
    ...row,
    digest: digest.toString('hex'),
    signer1: signer1 ?? undefined,
    signer2: signer2 ?? undefined,
    liveFrom: live_from ?? undefined,
    installed: sets.some(({ version }) => version === row.version),
  }));
}

/**
 * For the sandbox and for tests: the newest installed rule set that is valid, signed and in force, unless one was
 * put into force before. What replaces that one has to go the way of the officers.
 */
export async function seedRuleSet(db: Database, sets: readonly RuleSet[], now: Date): Promise<void> {
  const version = ruleSetAt(sets, now.getTime())?.version;
  if (!version) return;
  await db.transaction(async (tx) => {
    await registerRuleSets(tx, sets, now);
    const rows = await tx.query<{ live_from: Date | null }>(
      'select live_from from health_rule_sets order by version for update',
    );
    if (rows.some((row) => row.live_from)) return;
    await signRuleSet(tx, { version, signer: 'sandbox-officer-1', now });
    await signRuleSet(tx, { version, signer: 'sandbox-officer-2', now });
    await putIntoForce(tx, { version, from: now, now }, sets);
  });
}
