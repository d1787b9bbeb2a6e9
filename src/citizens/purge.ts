import type { Queryable } from '../platform/database.ts';

/** An authenticator app whose first code never came, and the quota of a phone, are kept for a day. */
const DAY = 24 * 3600_000;

const EXPIRED = {
  codes: `delete from one_time_codes where (context, purpose, phone_index) in (
    select context, purpose, phone_index from one_time_codes where expires_at < $1
    order by expires_at limit $2 for update skip locked)`,
  challenges: `delete from passkey_challenges where challenge in (
    select challenge from passkey_challenges where expires_at < $1
    order by expires_at limit $2 for update skip locked)`,
  quotas: `delete from code_quotas where phone_index in (
    select phone_index from code_quotas where window_start < $1
    order by window_start limit $2 for update skip locked)`,
  guardianships: `delete from guardianship_requests where id in (
    select id from guardianship_requests where expires_at < $1
    order by expires_at limit $2 for update skip locked)`,
  enrolments: `delete from totp_credentials where (citizen_id, id) in (
    select citizen_id, id from totp_credentials where confirmed_at is null and created_at < $1
    order by created_at limit $2 for update skip locked)`,
};

/**
 * Deletes what has expired in this room, at most `limit` rows of each kind; several processes may do it at once.
 * A code stays an hour longer, so that a late one is called expired and not wrong.
 *
 * @returns rows deleted; call again while it is not 0.
 */
export async function purgeCitizens(
  db: Queryable,
  { now, limit }: { now: Date; limit: number },
): Promise<number> {
  const before = (milliseconds: number) => new Date(now.getTime() - milliseconds);
  const deleted = [
    await db.query(`${EXPIRED.codes} returning 1`, [before(3600_000), limit]),
    await db.query(`${EXPIRED.challenges} returning 1`, [now, limit]),
    await db.query(`${EXPIRED.guardianships} returning 1`, [now, limit]),
    await db.query(`${EXPIRED.quotas} returning 1`, [before(DAY), limit]),
    await db.query(`${EXPIRED.enrolments} returning 1`, [before(DAY), limit]),
  ];
  return deleted.reduce((sum, rows) => sum + rows.length, 0);
}
