import type { Queryable } from '../platform/database.ts';

const batch = (table: string, key: string) => `
  delete from ${table} where ${key} in (
    select ${key} from ${table} where expires_at <= $1 order by expires_at limit $2 for update skip locked)
  returning 1 as gone`;

const STATEMENTS = [
  batch('interactions', 'key'),
  batch('authorization_codes', 'key'),
  batch('access_tokens', 'key'),
  batch('refresh_tokens', 'key'),
  batch('pushed_authorization_requests', 'key'),
  batch('replay_records', 'key'),
  batch('grants', 'id'),
  `delete from sessions where uid in (
     select uid from sessions where expires_at <= $1 and ended_at is not null
      order by expires_at limit $2 for update skip locked)
   returning 1 as gone`,
];

/**
 * Deletes protocol records that are over, in batches that lock nothing anybody waits for. Sessions stay
 * until `endExpiredSessions` has told the relying parties.
 *
 * @param keepFor milliseconds that a record outlives its expiry: a late replay is still recognised as one
 * @returns how many rows are gone
 */
export async function purgeProtocolRecords(
  db: Queryable,
  { now, keepFor = 60_000, limit = 1000 }: { now: Date; keepFor?: number; limit?: number },
): Promise<number> {
  const before = new Date(now.getTime() - keepFor);
  let gone = 0;
  for (const statement of STATEMENTS) {
    let deleted: number;
    do {
      deleted = (await db.query(statement, [before, limit])).length;
      gone += deleted;
    } while (deleted === limit);
  }
  return gone;
}
