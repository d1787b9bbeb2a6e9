import type { Queryable } from '../../platform/database.ts';

/** A login between its two pages. The browser holds nothing of it but the interaction's own cookie. */
export interface LoginAttempt {
  citizenId: string;
  /** When the password was right; without it the attempt was a passkey's. */
  passwordAt: Date | undefined;
  /** When it led to a login. A second click on the same button finds it here and goes the same way. */
  finishedAt: Date | undefined;
}

/** How long the second page waits for its code, and a second click finds its login, in milliseconds. */
const ATTEMPT_MS = 30 * 60 * 1000;
const expiryOf = ({ now }: Progress): Date => new Date(now.getTime() + ATTEMPT_MS);

/** Something happens to the attempt of an interaction. */
interface Progress {
  interactionUid: string;
  citizenId: string;
  now: Date;
}

interface AttemptRow {
  citizen_id: string;
  password_at: Date | null;
  finished_at: Date | null;
}

/** Begins an attempt, in the transaction that records the password's proof. An earlier one ends with it. */
export async function beginAttempt(tx: Queryable, attempt: Progress): Promise<void> {
  await tx.query(
    `insert into login_attempts (interaction_uid, citizen_id, password_at, expires_at) values ($1, $2, $3, $4)
     on conflict (interaction_uid) do update set citizen_id = excluded.citizen_id,
       password_at = excluded.password_at, finished_at = null, expires_at = excluded.expires_at`,
    [attempt.interactionUid, attempt.citizenId, attempt.now, expiryOf(attempt)],
  );
}

/**
 * Notes that the login is done whose password was right before, in the transaction that records its last proof.
 *
 * @returns `false` when the attempt is there no more: the account's sessions were ended, and it with them. Then
 *   nothing may be recorded.
 */
export async function completeAttempt(tx: Queryable, attempt: Progress): Promise<boolean> {
  const rows = await tx.query(
    `update login_attempts set finished_at = $3, expires_at = $4
      where interaction_uid = $1 and citizen_id = $2 and password_at is not null returning 1`,
    [attempt.interactionUid, attempt.citizenId, attempt.now, expiryOf(attempt)],
  );
  return rows.length > 0;
}

/** Notes that a login in one step is done, in the transaction that records its proof. */
export async function finishAttempt(tx: Queryable, attempt: Progress): Promise<void> {
  await tx.query(
    `insert into login_attempts (interaction_uid, citizen_id, finished_at, expires_at) values ($1, $2, $3, $4)
     on conflict (interaction_uid) do update set citizen_id = excluded.citizen_id,
       finished_at = excluded.finished_at, expires_at = excluded.expires_at`,
    [attempt.interactionUid, attempt.citizenId, attempt.now, expiryOf(attempt)],
  );
}

export async function readAttempt(
  db: Queryable,
  interactionUid: string,
  now: Date,
): Promise<LoginAttempt | undefined> {
  const [row] = await db.query<AttemptRow>(
    `select citizen_id, password_at, finished_at from login_attempts
      where interaction_uid = $1 and expires_at > $2`,
    [interactionUid, now],
  );
  return (
    row && {
      citizenId: row.citizen_id,
      passwordAt: row.password_at ?? undefined,
      finishedAt: row.finished_at ?? undefined,
    }
  );
}

/** "Not you?": the next page starts from nothing. */
export async function forgetAttempt(tx: Queryable, interactionUid: string): Promise<void> {
  await tx.query('delete from login_attempts where interaction_uid = $1', [interactionUid]);
}
