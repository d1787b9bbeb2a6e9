import type { Queryable } from '../platform/database.ts';

/**
 * Deletes what the front door kept for a while: attempts, answers, drafts and recoveries past their end, at most
 * `limit` of each. Consents stay: they are on record as long as the person is.
 *
 * @returns how many rows went; call again until it is 0.
 */
export async function purgeFrontDoor(
  db: Queryable,
  { now, limit }: { now: Date; limit: number },
): Promise<number> {
  const gone = [
    await db.query(
      `delete from login_attempts where interaction_uid in (
         select interaction_uid from login_attempts where expires_at <= $1 order by expires_at limit $2
         for update skip locked) returning 1`,
      [now, limit],
    ),
    await db.query(
      `delete from consent_answers where (interaction_uid, citizen_id, claim_set) in (
         select interaction_uid, citizen_id, claim_set from consent_answers where expires_at <= $1
         order by expires_at limit $2 for update skip locked) returning 1`,
      [now, limit],
    ),
    await db.query(
      `delete from registration_drafts where ticket_hash in (
         select ticket_hash from registration_drafts where expires_at <= $1 order by expires_at limit $2
         for update skip locked) returning 1`,
      [now, limit],
    ),
    // One that still waits is never deleted, however long the job that applies it was down.
    await db.query(
      `delete from recoveries where id in (
         select id from recoveries where expires_at <= $1 and state <> 'waiting' order by expires_at limit $2
         for update skip locked) returning 1`,
      [now, limit],
    ),
  ];
  return gone.reduce((sum, rows) => sum + rows.length, 0);
}
