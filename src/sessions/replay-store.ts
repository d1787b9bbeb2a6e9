import type { Queryable } from '../platform/database.ts';
import { recordKey } from './record-key.ts';

/**
 * Remembers a one-time value (`jti` of a client assertion or DPoP proof) until it would have expired anyway.
 *
 * @returns false when it was seen before: of any number of simultaneous callers, one gets true
 */
export async function rememberOnce(
  db: Queryable,
  value: string,
  expiresAt: Date,
  now: Date,
): Promise<boolean> {
  const rows = await db.query(
    `insert into replay_records as r (key, expires_at) values ($1, $2)
     on conflict (key) do update set expires_at = excluded.expires_at where r.expires_at <= $3
     returning 1 as won`,
    [recordKey(value), expiresAt, now],
  );
  return rows.length === 1;
}
