import { hash, randomBytes } from 'node:crypto';
import type { Queryable } from '../platform/database.ts';

export interface AccountSession {
  /** SHA-256 of the cookie: who reads the database cannot use it. */
  key: Buffer;
  citizenId: string;
  sessionUid: string;
  confirmedAt?: Date;
  pendingPhone?: Buffer;
}

const keyOf = (cookie: string): Buffer => hash('sha256', cookie, 'buffer');

/** Opens a session of the citizen's own pages. @returns the value of its cookie. */
export async function openAccountSession(
  db: Queryable,
  input: { citizenId: string; sessionUid: string; confirmed: boolean; now: Date; expiresAt: Date },
): Promise<string> {
  const cookie = randomBytes(32).toString('base64url');
  await db.query(
    `insert into account_sessions (key, citizen_id, session_uid, confirmed_at, created_at, expires_at)
     values ($1, $2, $3, $4, $5, $6)`,
    [
      keyOf(cookie),
      input.citizenId,
      input.sessionUid,
      input.confirmed ? input.now : null,
      input.now,
      input.expiresAt,
    ],
  );
  return cookie;
}

interface Row {
  key: Buffer;
  citizen_id: string;
  session_uid: string;
  confirmed_at: Date | null;
  pending_phone: Buffer | null;
}

export async function findAccountSession(
  db: Queryable,
  cookie: string,
  now: Date,
): Promise<AccountSession | undefined> {
  const [row] = await db.query<Row>(
    `select key, citizen_id, session_uid, confirmed_at, pending_phone from account_sessions
     where key = $1 and expires_at > $2`,
    [keyOf(cookie), now],
  );
  return (
    row && {
      key: row.key,
      citizenId: row.citizen_id,
      sessionUid: row.session_uid,
      ...(row.confirmed_at && { confirmedAt: row.confirmed_at }),
      ...(row.pending_phone && { pendingPhone: row.pending_phone }),
    }
  );
}

/** Ends the session of a cookie, if there is one. */
export async function closeAccountSession(db: Queryable, cookie: string): Promise<void> {
  await db.query('delete from account_sessions where key = $1', [keyOf(cookie)]);
}

/** Keeps, or with `null` forgets, a change of phone that waits for its code. */
export async function keepPendingPhone(db: Queryable, key: Buffer, sealed: Buffer | null): Promise<void> {
  await db.query('update account_sessions set pending_phone = $2 where key = $1', [key, sealed]);
}
