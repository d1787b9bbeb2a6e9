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
  /** The cookie held the identifier from before a rotation a moment ago: the browser must not be given it again. */
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
  /** Seconds after its login at which a session is over, however busy it is. */
  absoluteSeconds: number;
  userAgent?: string | undefined;
  now: Date;
}

/**
 * Writes a session in one statement.
 *
 * - `authorizations` are merged, so that two portals signing in at once are both there at logout, and so is
 *   the rest: a logout page opened a moment ago keeps the secret of its form.
 * - An ended session stays ended: the row is its tombstone until it is purged.
 * - Only a request that came with the newest identifier rotates it. One still in flight with the one before
 *   adds its portals and nothing else: otherwise two rotations at once would bring an identifier from before
 *   the login (session fixation) or from before the other's rotation back to life.
 * - The identifier from before a login never opens the session afterwards; one from before a step-up of the
 *   same account does for a moment.
 * - A session never passes to another account.
 *
 * @returns whether `id` opens the session from here on; if not, the browser must not be given it
 */
export async function saveSession(
  db: Queryable,
  { id, replaces, record, absoluteSeconds, userAgent, now }: SaveSession,
): Promise<boolean> {
  const { authorizations = {}, jti: _, ...details } = record;
  const [row] = await db.query<{ opens: boolean }>(
    `insert into sessions as s
       (uid, key, account_id, login_at, details, authorizations, user_agent, created_at, expires_at)
     values ($1, $2, $4, $5, $6, $7, $8, $9, $10)
     on conflict (uid) do update set
       key = case when s.key = $3 then excluded.key else s.key end,
       previous_key = case
         when s.key <> $3 or $3 = excluded.key then s.previous_key
         when s.account_id is not distinct from excluded.account_id then s.key end,
       previous_key_until = case
         when s.key <> $3 or $3 = excluded.key then s.previous_key_until else $11 end,
       account_id = coalesce(excluded.account_id, s.account_id),
       login_at = greatest(excluded.login_at, s.login_at),
       details = case when s.key = $3 then s.details || excluded.details else s.details end,
       authorizations = s.authorizations || excluded.authorizations,
       expires_at = least(
         greatest(excluded.expires_at, s.expires_at),
         greatest(excluded.login_at, s.login_at) + make_interval(secs => $12))
     where s.ended_at is null
       and (s.account_id is not distinct from excluded.account_id
         or s.key = $3 and (s.account_id is null or excluded.account_id is null))
     returning key = $2 as opens`,
    [
      record.uid,
      recordKey(id),
      recordKey(replaces ?? id),
      record.accountId ?? null,
      record.loginTs === undefined ? null : epoch(record.loginTs),
      JSON.stringify(details),
      JSON.stringify(authorizations),
      userAgent?.slice(0, 300) ?? null,
      now,
      epoch(record.exp),
      new Date(now.getTime() + ROTATION_GRACE_MS),
      absoluteSeconds,
    ],
  );
  return row?.opens === true;
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
