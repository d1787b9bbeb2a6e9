import type { Database, Queryable } from '../platform/database.ts';
import { newId } from '../platform/id.ts';
import { Problem } from '../platform/problem.ts';
import { decideBatch } from './decide.ts';
import { evaluate } from './engine/evaluate.ts';
import { type RuleSet, ruleSets } from './engine/rule-set.ts';
import type { Facts } from './facts.ts';
import { loadManyFacts } from './facts-of-many.ts';
import { findRulesInForce } from './rules-in-force.ts';

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
 * @throws Problem `health_rule_set_unknown` 404 when the version is not installed, `health_run_under_way` 409 for a
 * second shadow at once.
 */
export async function startRun(
  tx: Queryable,
  { kind, version, from }: { kind: RunKind; version: string; from: Date },
  sets: readonly RuleSet[] = ruleSets,
): Promise<string> {
  if (!sets.some((set) => set.version === version)) throw new Problem('health_rule_set_unknown', 404);
  const id = newId();
  const rows = await tx.query(
    `insert into health_runs (id, kind, version, total, started_at)
     select $1, $2, $3, count(*), $4 from health_people
     having $2 <> 'shadow' or not exists (
       select from health_runs where kind = 'shadow' and version = $3 and finished_at is null)
     returning id`,
    [id, kind, version, from],
  );
  if (rows.length === 0) throw new Problem('health_run_under_way', 409);
  return id;
}

/**
 * Does one batch of the oldest run that is not finished. Only one process at a time works on a run; it shares
 * the batch out among `workers` connections. What they have done when one of them fails is done again, which
 * changes nothing.
 *
 * @returns how many citizens were looked at, or undefined when there is nothing to do (here).
 */
export async function stepRuns(
  db: Database,
  { now, batch = 3_000, workers = 3 }: { now: Date; batch?: number; workers?: number },
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
    const work = (slice: readonly string[]) =>
      db.transaction(async (worker) => {
        if (run.kind === 'shadow') return shadow(worker, slice, run, now, sets);
        await decideBatch(worker, slice, now, sets);
        return {};
      });
    const found = await Promise.allSettled(shared(ids, workers).map(work));
    const failed = found.find((each) => each.status === 'rejected');
    if (failed) throw failed.reason;
    const shifts = { ...run.shifts };
    for (const each of found) {
      if (each.status !== 'fulfilled') continue;
      for (const [shift, count] of Object.entries(each.value)) shifts[shift] = (shifts[shift] ?? 0) + count;
    }
    await tx.query(
      `update health_runs set cursor = coalesce($2, cursor), done = done + $3, shifts = $4,
         total = greatest(total, done + $3), finished_at = $5
       where id = $1`,
      [run.id, ids.at(-1) ?? null, ids.length, JSON.stringify(shifts), ids.length < batch ? now : null],
    );
    return ids.length;
  });
}

/** Cuts a list into `parts` of about the same length, without empty ones. */
function shared<T>(list: readonly T[], parts: number): T[][] {
  const size = Math.max(1, Math.ceil(list.length / parts));
  return Array.from({ length: Math.ceil(list.length / size) }, (_, index) =>
    list.slice(index * size, (index + 1) * size),
  );
}

/** How many of `ids` would go from one colour to another. */
async function shadow(
  tx: Queryable,
  ids: readonly string[],
  run: Pick<Row, 'version'>,
  now: Date,
  sets: readonly RuleSet[],
): Promise<Record<string, number>> {
  const proposed = sets.find(({ version }) => version === run.version);
  const current = await findRulesInForce(tx, now, sets);
  if (!proposed) throw new Problem('health_rule_set_unknown', 404);
  const colour = ({ input }: Facts, rules: RuleSet | undefined) =>
    rules ? evaluate(input, now.getTime(), rules).colour : 'NONE';
  const shifts: Record<string, number> = {};
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
