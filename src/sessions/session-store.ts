import type { Queryable } from '../platform/database.ts';
import { recordKey } from './record-key.ts';

/** One relying party of a session. `sid` and `grantId` are derived, so concurrent writers agree. */
export interface Authorization {
  sid?: string;
  grantId?: string;
  persistsLogout?: boolean;
}

export interface SessionRecord {
  uid: string;
  accountId?: string;
  /** Seconds since the epoch. */
  loginTs?: number;
  iat: number;
  exp: number;
  authorizations?: Record<string, Authorization>;
  [member: string]: unknown;
}

interface SessionRow {
  uid: string;
  details: Record<string, unknown>;
  authorizations: Record<string, Authorization>;
  stale: boolean;
}

export interface FoundSession {
  record: SessionRecord;
  /** The cookie held the identifier from before a rotation a moment ago: give this browser a new one. */
  stale: boolean;
}

/** How long the identifier from before a rotation still opens the session: for requests in flight. */
const ROTATION_GRACE_MS = 30_000;

const epoch = (seconds: number): Date => new Date(seconds * 1000);

const found = (row: SessionRow, jti?: string): FoundSession => ({
  record: { ...row.details, authorizations: row.authorizations, ...(jti && { jti }) } as SessionRecord,
  stale: row.stale,
});

export async function findSession(db: Queryable, id: string, now: Date): Promise<FoundSession | undefined> {
  const [row] = await db.query<SessionRow>(
    `select uid, details, authorizations, key <> $1 as stale from sessions
      where (key = $1 or (previous_key = $1 and previous_key_until > $2))
        and ended_at is null and expires_at > $2`,
    [recordKey(id), now],
  );
  return row && found(row, id);
}

export async function findSessionByUid(
  db: Queryable,
  uid: string,
  now: Date,
): Promise<FoundSession | undefined> {
  const [row] = await db.query<SessionRow>(
    `select uid, details, authorizations, false as stale from sessions
      where uid = $1 and ended_at is null and expires_at > $2`,
    [uid, now],
  );
  return row && found(row);
}

export interface SaveSession {
  id: string;
  /** The identifier this request came with, when it is being replaced. */
  replaces?: string | undefined;
  record: SessionRecord;
  userAgent?: string | undefined;
  now: Date;
}

/**
 * Writes a session in one statement.
 *
 * - `authorizations` are merged, so that two portals signing in at once are both there at logout, and so is
 *   the rest: a logout page opened a moment ago keeps the secret of its form.
 * - An ended session stays ended: the row is its tombstone until it is purged.
 * - Only a request that rotates the identifier changes it; one still in flight with the old identifier
 *   adds what it learnt and nothing else.
 * - The identifier from before a login never opens the session afterwards (session fixation); one from
 *   before a step-up of the same account does for a moment.
 */
export async function saveSession(db: Queryable, { id, replaces, record, userAgent, now }: SaveSession) {
  const { authorizations = {}, jti: _, ...details } = record;
  await db.query(
    `insert into sessions as s
       (uid, key, account_id, login_at, details, authorizations, user_agent, created_at, expires_at)
     values ($1, $2, $4, $5, $6, $7, $8, $9, $10)
     on conflict (uid) do update set
       key = case when $3::bytea is null then s.key else excluded.key end,
       previous_key = case
         when $3::bytea is null then s.previous_key
         when s.account_id is not distinct from excluded.account_id then $3 end,
       previous_key_until = case
         when $3::bytea is null then s.previous_key_until
         when s.previous_key_until > $9 then s.previous_key_until
         else $11 end,
       account_id = coalesce(excluded.account_id, s.account_id),
       login_at = greatest(excluded.login_at, s.login_at),
       details = case
         when $3::bytea is null and s.key <> excluded.key then s.details
         else s.details || excluded.details end,
       authorizations = s.authorizations || excluded.authorizations,
       expires_at = greatest(excluded.expires_at, s.expires_at)
     where s.ended_at is null`,
    [
      record.uid,
      recordKey(id),
      replaces === undefined ? null : recordKey(replaces),
      record.accountId ?? null,
      record.loginTs === undefined ? null : epoch(record.loginTs),
      JSON.stringify(details),
      JSON.stringify(authorizations),
      userAgent?.slice(0, 300) ?? null,
      now,
      epoch(record.exp),
      new Date(now.getTime() + ROTATION_GRACE_MS),
    ],
  );
}

export interface LiveSession {
  uid: string;
  clientIds: string[];
  userAgent: string | null;
  createdAt: Date;
  loginAt: Date | null;
  expiresAt: Date;
}

/** The open sessions of an account, newest first. */
export async function listSessions(db: Queryable, accountId: string, now: Date): Promise<LiveSession[]> {
  return db.query<LiveSession>(
    `select uid, array(select jsonb_object_keys(authorizations)) as "clientIds", user_agent as "userAgent",
            created_at as "createdAt", login_at as "loginAt", expires_at as "expiresAt"
       from sessions where account_id = $1 and ended_at is null and expires_at > $2
      order by login_at desc nulls last`,
    [accountId, now],
  );
}
