import type { Database } from '../../platform/database.ts';
import { lifetimes } from '../../platform/lifetimes.ts';
import { dayOf, formatDay } from '../engine/civil-day.ts';

/**
 * Destroys the keys of days that are long enough past, and deletes one batch each of scans, showings and
 * re-identified visits. A key goes when its last minute is as old as scans may become.
 *
 * @returns how many rows went; call again while it is not 0.
 */
export async function purgeDoor(
  db: Database,
  { now, limit = 500 }: { now: Date; limit?: number },
): Promise<number> {
  const oldest = new Date(now.getTime() - lifetimes.healthScan * 1_000);
  const keys = await db.query('delete from health_day_keys where day < $1 returning 1', [
    formatDay(dayOf(oldest.getTime())),
  ]);
  const scans = await db.query(
    `delete from health_scans where (venue_id, id) in (
       select venue_id, id from health_scans where at < $1 order by at limit $2 for update skip locked)
     returning 1`,
    [oldest, limit],
  );
  const showings = await db.query(
    `delete from health_showings where (venue_id, digest) in (
       select venue_id, digest from health_showings where expires_at < $1
       order by expires_at limit $2 for update skip locked)
     returning 1`,
    [now, limit],
  );
  const visits = await db.query(
    `delete from health_reidentified where (request_id, citizen_id) in (
       select request_id, citizen_id from health_reidentified where last_at < $1
       order by last_at limit $2 for update skip locked)
     returning 1`,
    [new Date(oldest.getTime() - lifetimes.healthScan * 1_000), limit],
  );
  return keys.length + scans.length + showings.length + visits.length;
}
