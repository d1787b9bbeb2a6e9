import type { Queryable } from '../../platform/database.ts';
import { collectionSettings } from './settings.ts';

const DELETIONS = {
  movements: `
    delete from health_movements where (subject, source, reference) in (
      select subject, source, reference from health_movements where at < $1
      order by at limit $2 for update skip locked
    ) returning 1`,
  batches: `
    delete from health_batches where (client_id, source, key) in (
      select client_id, source, key from health_batches where seen_at < $1
      order by seen_at limit $2 for update skip locked
    ) returning 1`,
};

/**
 * Deletes what ingestion keeps no longer, at most `limit` rows of each kind.
 *
 * @returns how many rows went; call again while it is not 0.
 */
export async function purgeCollection(
  db: Queryable,
  { now, limit }: { now: Date; limit: number },
): Promise<number> {
  let gone = 0;
  for (const [kind, statement] of Object.entries(DELETIONS) as [keyof typeof DELETIONS, string][]) {
    const before = new Date(now.getTime() - collectionSettings.keepDays[kind] * 86_400_000);
    gone += (await db.query(statement, [before, limit])).length;
  }
  return gone;
}
