import type { Database } from '../../platform/database.ts';

/** How long a code that is over still gets its own answer at a door. */
const OVER_MS = 600_000;
/** How long a citizen's list shows paper codes that are over. */
const PAPERS_LISTED_MS = 180 * 86_400_000;

/**
 * Deletes one batch each of codes, attestations and papers that are over.
 *
 * @returns how many rows went; call again while it is not 0.
 */
export async function purgeShown(
  db: Database,
  { now, limit = 500 }: { now: Date; limit?: number },
): Promise<number> {
  const before = new Date(now.getTime() - OVER_MS);
  const codes = await db.query(
    `delete from health_codes where hash in (
       select hash from health_codes where expires_at < $1 order by expires_at limit $2 for update skip locked)
     returning 1`,
    [before, limit],
  );
  const attestations = await db.query(
    `delete from health_attestations where (citizen_id, status) in (
       select citizen_id, status from health_attestations where expires_at < $1
       order by expires_at limit $2 for update skip locked)
     returning 1`,
    [before, limit],
  );
  const papers = await db.query(
    `delete from health_papers where (citizen_id, id) in (
       select citizen_id, id from health_papers where expires_at < $1
       order by expires_at limit $2 for update skip locked)
     returning 1`,
    [new Date(now.getTime() - PAPERS_LISTED_MS), limit],
  );
  return codes.length + attestations.length + papers.length;
}
