import type { Queryable } from '../platform/database.ts';

/**
 * Deletes proofs older than the longest life of a session or a token that could rest on them. Evidence is
 * never deleted here. One batch; call again while it returns `limit`.
 *
 * @returns how many rows went.
 */
export async function purgeProofs(
  db: Queryable,
  { before, limit }: { before: Date; limit: number },
): Promise<number> {
  const rows = await db.query(
    `delete from proofs where (citizen_id, id) in (
       select citizen_id, id from proofs where at < $1 order by at limit $2 for update skip locked)
     returning id`,
    [before, limit],
  );
  return rows.length;
}
