import { record } from '../audit/log.ts';
import type { Queryable } from '../platform/database.ts';
import { newId } from '../platform/id.ts';
import { Problem } from '../platform/problem.ts';
import type { Decision } from './assess.ts';
import { decideFor } from './decide.ts';
import type { Day } from './engine/civil-day.ts';
import { dayOf, startOf } from './engine/civil-day.ts';

/** More than anybody needs on one day; what is beyond is a script. */
const MOST_A_DAY = 12;

/**
 * Files a daily check-in and decides anew.
 *
 * @param said `temp` in degrees Celsius.
 * @throws Problem `health_not_declared` 409 before the first declaration, `health_checkins_many` 429.
 */
export async function checkIn(
  tx: Queryable,
  {
    citizenId,
    said,
    saidBy,
    sessionUid,
    now,
  }: {
    citizenId: string;
    said: { temp: number; symptoms: string[] };
    /** The guardian, where it is not the citizen who speaks. */
    saidBy?: string | undefined;
    sessionUid?: string | undefined;
    now: Date;
  },
): Promise<Decision> {
  const [person] = await tx.query('select 1 from health_people where citizen_id = $1 for update', [
    citizenId,
  ]);
  if (!person) throw new Problem('health_not_declared', 409);
  const rows = await tx.query(
    `insert into health_checkins (citizen_id, id, at, temp, symptoms, said_by)
     select $1, $2, $3, $4, $5, $8
     where (select count(*) from health_checkins where citizen_id = $1 and at >= $6) < $7
     returning id`,
    [
      citizenId,
      newId(),
      now,
      Math.round(said.temp * 10),
      said.symptoms,
      new Date(startOf(dayOf(now.getTime()))),
      MOST_A_DAY,
      saidBy ?? null,
    ],
  );
  if (rows.length === 0) throw new Problem('health_checkins_many', 429);
  const actor = saidBy === undefined ? undefined : `guardian:${saidBy}`;
  await record(tx, { type: 'health.checked_in', citizenId, sessionUid, actor, at: now });
  return decideFor(tx, citizenId, now);
}

/** The days on which a citizen checked in, from a day on: what the page counts. */
export async function checkedInSince(db: Queryable, citizenId: string, from: Day): Promise<Set<Day>> {
  const rows = await db.query<{ at: Date }>(
    'select at from health_checkins where citizen_id = $1 and at >= $2',
    [citizenId, new Date(startOf(from))],
  );
  return new Set(rows.map(({ at }) => dayOf(at.getTime())));
}
