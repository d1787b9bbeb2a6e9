import type { Queryable } from '../../platform/database.ts';
import { healthSettings } from '../settings.ts';

/** Deletes trips as old as declarations are kept, at most `limit`. @returns how many; call again while it is not 0. */
export async function purgeTrips(
  db: Queryable,
  { now, limit }: { now: Date; limit: number },
): Promise<number> {
  const before = new Date(now.getTime() - healthSettings.keepDays.declarations * 86_400_000);
  const rows = await db.query(
    `delete from health_trips where (citizen_id, id) in (
       select citizen_id, id from health_trips where declared_at < $1
       order by declared_at limit $2 for update skip locked
     ) returning 1`,
    [before, limit],
  );
  return rows.length;
}
