import type { Queryable } from '../../platform/database.ts';
import { newId } from '../../platform/id.ts';
import type { Decision } from '../assess.ts';

/** A decision that gave another colour than the one before it. */
export interface ColourChange {
  decision: Decision;
  was: string;
}

/**
 * Puts changes of colour where the schedule finds them, in the transaction that decides: nobody's colour changes
 * without their being told why. Any number in one statement.
 */
export async function noticeColours(tx: Queryable, changes: readonly ColourChange[]): Promise<void> {
  if (changes.length === 0) return;
  await tx.query(
    `insert into health_notices (citizen_id, id, kind, decision_id, was, at, due_at)
     select citizen_id, id, 'colour', decision_id, was, at, at
     from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::timestamptz[])
       as n (citizen_id, id, decision_id, was, at)`,
    [
      changes.map(({ decision }) => decision.citizenId),
      changes.map(() => newId()),
      changes.map(({ decision }) => decision.id),
      changes.map(({ was }) => was),
      changes.map(({ decision }) => decision.assessedAt),
    ],
  );
}

/** The same for an appeal that was decided. */
export async function noticeAppeal(
  tx: Queryable,
  { citizenId, now }: { citizenId: string; now: Date },
): Promise<void> {
  await tx.query(
    `insert into health_notices (citizen_id, id, kind, at, due_at) values ($1, $2, 'appeal', $3, $3)`,
    [citizenId, newId(), now],
  );
}
