import type { Queryable } from '../platform/database.ts';

/** Deletes expired sessions of the citizens' own pages, at most `limit`. @returns how many. */
export async function purgeAccount(
  db: Queryable,
  { now, limit }: { now: Date; limit: number },
): Promise<number> {
  const rows = await db.query(
    `delete from account_sessions where key in (
       select key from account_sessions where expires_at < $1
       order by expires_at limit $2 for update skip locked)
     returning 1`,
    [now, limit],
  );
  return rows.length;
}
