import { recordAll } from '../audit/log.ts';
import type { Queryable } from '../platform/database.ts';
import { type Assessment, type Decision, inputsHash } from './assess.ts';
import type { Colour } from './engine/types.ts';
import { type ColourChange, noticeColours } from './notices/store.ts';

/**
 * Writes what assessments changed, any number of them in three statements: the decisions, their audit events,
 * and what `health_people` keeps.
 */
export async function settle(tx: Queryable, assessments: readonly Assessment[]): Promise<void> {
  const appended = assessments.flatMap((each) => each.appended);
  if (appended.length > 0) await appendDecisions(tx, appended);
  await noticeColours(tx, assessments.flatMap(colourChange));
  const stale = assessments.filter((each) => each.stale);
  if (stale.length === 0) return;
  await tx.query(
    `update health_people p
     set level_ever = n.level, colour = n.colour, reasons = string_to_array(n.reasons, ','),
       rule_set = n.rule_set, decision_id = n.decision_id, next_eval_at = n.next_eval_at
     from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::uuid[], $7::timestamptz[])
       as n (citizen_id, level, colour, reasons, rule_set, decision_id, next_eval_at)
     where p.citizen_id = n.citizen_id`,
    [
      stale.map(({ decision }) => decision.citizenId),
      stale.map(({ decision }) => decision.input.level),
      stale.map(({ decision }) => decision.colour),
      stale.map(({ decision }) => decision.reasons.join()),
      stale.map(({ decision }) => decision.ruleSet),
      stale.map(({ decision }) => decision.id),
      stale.map(({ nextEvalAt }) => nextEvalAt ?? null),
    ],
  );
}

/** Somebody who had a code and sees another colour is told; a first code is on the page they are looking at. */
function colourChange({ was, decision, appended }: Assessment): ColourChange[] {
  if (was === undefined || was === 'GREY' || appended.length === 0 || was === decision.colour) return [];
  return [{ was, decision }];
}

async function appendDecisions(tx: Queryable, decisions: readonly Decision[]): Promise<void> {
  await tx.query(
    `insert into health_decisions
       (citizen_id, id, at, colour, reasons, sources, rule_set, inputs_hash, earliest_exit, trace)
     select citizen_id, id, at, colour, string_to_array(reasons, ','),
       string_to_array(sources, ','), rule_set, inputs_hash, earliest_exit, trace
     from unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::text[],
       $8::bytea[], $9::timestamptz[], $10::jsonb[])
       as n (citizen_id, id, at, colour, reasons, sources, rule_set, inputs_hash, earliest_exit, trace)`,
    [
      decisions.map((each) => each.citizenId),
      decisions.map((each) => each.id),
      decisions.map((each) => each.assessedAt),
      decisions.map((each) => each.colour),
      decisions.map((each) => each.reasons.join()),
      decisions.map((each) => each.sources.join()),
      decisions.map((each) => each.ruleSet),
      decisions.map((each) => inputsHash(each.input)),
      decisions.map((each) => each.earliestExit ?? null),
      decisions.map((each) => JSON.stringify(each.trace)),
    ],
  );
  await recordAll(
    tx,
    decisions.map(({ citizenId, assessedAt }) => ({
      type: 'health.decided',
      citizenId,
      actor: 'system',
      at: assessedAt,
    })),
  );
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

const DECISION = `
  select id, at, colour, reasons, sources, rule_set, earliest_exit from health_decisions where citizen_id = $1`;

const pastOf = (row: DecisionRow): PastDecision => ({
  id: row.id,
  at: row.at,
  colour: row.colour,
  reasons: row.reasons,
  sources: row.sources,
  ruleSet: row.rule_set,
  earliestExit: row.earliest_exit ?? undefined,
});

/** A citizen's decisions, newest first. */
export async function readDecisions(db: Queryable, citizenId: string, limit = 20): Promise<PastDecision[]> {
  const rows = await db.query<DecisionRow>(`${DECISION} order by id desc limit $2`, [citizenId, limit]);
  return rows.map(pastOf);
}

/** One decision of a citizen; undefined for somebody else's. */
export async function readDecision(
  db: Queryable,
  citizenId: string,
  id: string,
): Promise<PastDecision | undefined> {
  const [row] = await db.query<DecisionRow>(`${DECISION} and id = $2`, [citizenId, id]);
  return row && pastOf(row);
}
