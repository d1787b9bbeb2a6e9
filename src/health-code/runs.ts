import type { Database, Queryable } from '../platform/database.ts';
import { newId } from '../platform/id.ts';
import { Problem } from '../platform/problem.ts';
import { decideBatch } from './decide.ts';
import { evaluate } from './engine/evaluate.ts';
import { type RuleSet, ruleSets } from './engine/rule-set.ts';
import { type Facts, liveRuleSet, loadManyFacts } from './facts.ts';

/*
 * Passes over everybody who declared, in batches in the order of their ids. A run that is stopped goes on
 * where it was; a batch that fails is done again.
 */

export type RunKind = 'shadow' | 'live';

export interface Run {
  id: string;
  kind: RunKind;
  version: string;
  done: number;
  total: number;
  /** How many went from one colour to another: `{"GREEN>YELLOW": 12}`. */
  shifts: Record<string, number>;
  startedAt: Date;
  finishedAt: Date | undefined;
}

interface Row {
  id: string;
  kind: RunKind;
  version: string;
  cursor: string;
  done: number;
  total: number;
  shifts: Record<string, number>;
  started_at: Date;
  finished_at: Date | null;
}

const runOf = (row: Row): Run => ({
  id: row.id,
  kind: row.kind,
  version: row.version,
  done: row.done,
  total: row.total,
  shifts: row.shifts,
  startedAt: row.started_at,
  finishedAt: row.finished_at ?? undefined,
});

/**
 * Begins a pass: `shadow` reckons under a rule set that is not in force and changes nothing, `live` decides
 * everybody anew.
 *
 * @param from not before this instant.
 * @throws Problem `health_rule_set_unknown` 404 when the version is not installed.
 */
export async function startRun(
  tx: Queryable,
  { kind, version, from }: { kind: RunKind; version: string; from: Date },
  sets: readonly RuleSet[] = ruleSets,
): Promise<string> {
  if (!sets.some((set) => set.version === version)) throw new Problem('health_rule_set_unknown', 404);
  const id = newId();
  await tx.query(
    `insert into health_runs (id, kind, version, total, started_at)
     select $1, $2, $3, count(*), $4 from health_people`,
    [id, kind, version, from],
  );
  return id;
}

/**
 * Does one batch of the oldest run that is not finished. Only one process at a time works on a run.
 *
 * @returns how many citizens were looked at, or undefined when there is nothing to do (here).
 */
export async function stepRuns(
  db: Database,
  { now, batch = 1_000 }: { now: Date; batch?: number },
  sets: readonly RuleSet[] = ruleSets,
): Promise<number | undefined> {
  return db.transaction(async (tx) => {
    const [run] = await tx.query<Row>(
      `select id, kind, version, cursor, done, total, shifts, started_at, finished_at from health_runs
       where finished_at is null and started_at <= $1 order by started_at limit 1 for update skip locked`,
      [now],
    );
    if (!run) return undefined;
    const people = await tx.query<{ citizen_id: string }>(
      'select citizen_id from health_people where citizen_id > $1 order by citizen_id limit $2',
      [run.cursor, batch],
    );
    const ids = people.map(({ citizen_id }) => citizen_id);
    const shifts = run.kind === 'live' ? run.shifts : await shadow(tx, ids, run, now, sets);
    if (run.kind === 'live') await decideBatch(tx, ids, now, sets);
    await tx.query(
      `update health_runs set cursor = coalesce($2, cursor), done = done + $3, shifts = $4,
         total = greatest(total, done + $3), finished_at = $5
       where id = $1`,
      [run.id, ids.at(-1) ?? null, ids.length, JSON.stringify(shifts), ids.length < batch ? now : null],
    );
    return ids.length;
  });
}

async function shadow(
  tx: Queryable,
  ids: readonly string[],
  run: Row,
  now: Date,
  sets: readonly RuleSet[],
): Promise<Record<string, number>> {
  const proposed = sets.find(({ version }) => version === run.version);
  const live = await liveRuleSet(tx, now);
  const current = sets.find(({ version }) => version === live);
  if (!proposed) throw new Problem('health_rule_set_unknown', 404);
  const colour = ({ input }: Facts, rules: RuleSet | undefined) =>
    rules ? evaluate(input, now.getTime(), rules).colour : 'NONE';
  const shifts = { ...run.shifts };
  for (const facts of await loadManyFacts(tx, ids, now)) {
    const shift = `${colour(facts, current)}>${colour(facts, proposed)}`;
    shifts[shift] = (shifts[shift] ?? 0) + 1;
  }
  return shifts;
}

/** The runs of one rule set, newest first. */
export async function readRuns(db: Queryable, version: string): Promise<Run[]> {
  const rows = await db.query<Row>(
    `select id, kind, version, cursor, done, total, shifts, started_at, finished_at from health_runs
     where version = $1 order by started_at desc limit 20`,
    [version],
  );
  return rows.map(runOf);
}
