import { recordAll } from '../audit/log.ts';
import type { Queryable } from '../platform/database.ts';
import type { Authorization } from './session-store.ts';

/** One relying party to be told, by OpenID Connect Back-Channel Logout 1.0, that a session ended. */
export interface LogoutNotice {
  clientId: string;
  accountId: string;
  sid: string;
}

/** Puts notices on the logout queue, in the caller's transaction. */
export type EnqueueLogout = (tx: Queryable, notices: LogoutNotice[]) => Promise<void>;

export type EndReason =
  | 'logout'
  | 'expired'
  | 'locked'
  | 'closed'
  | 'recovery'
  | 'elsewhere'
  | 'deceased'
  | 'admin';

interface EndedRow {
  account_id: string | null;
  authorizations: Record<string, Authorization>;
}

/** Notices of the ended rows: one for each relying party that took part. */
function noticesOf(rows: EndedRow[]): LogoutNotice[] {
  return rows.flatMap(({ account_id, authorizations }) =>
    account_id === null
      ? []
      : Object.entries(authorizations).flatMap(([clientId, { sid }]) =>
          sid === undefined ? [] : [{ clientId, accountId: account_id, sid }],
        ),
  );
}

/** What the log calls the end of a session. */
const AUDITED = {
  logout: 'logout',
  expired: 'expired',
  locked: 'locked',
  closed: 'account_closed',
  recovery: 'recovery',
  elsewhere: 'requested',
  deceased: 'deceased',
  admin: 'administrator',
} as const satisfies Record<EndReason, string>;

/** Visitors without an account are in no log. */
export const isCitizen = (accountId: string | null): accountId is string =>
  accountId !== null && /^[0-9a-f-]{36}$/.test(accountId);

async function finish(
  tx: Queryable,
  enqueue: EnqueueLogout,
  rows: EndedRow[],
  { reason, now }: { reason: EndReason; now: Date },
): Promise<number> {
  const grants = rows.flatMap(({ authorizations }) =>
    Object.values(authorizations).flatMap(({ grantId, persistsLogout }) =>
      grantId === undefined || persistsLogout ? [] : [grantId],
    ),
  );
  if (grants.length > 0) await revokeGrants(tx, grants);
  const notices = noticesOf(rows);
  if (notices.length > 0) await enqueue(tx, notices);
  const ended = Map.groupBy(rows, ({ account_id: id }) => id);
  const events = [...ended].flatMap(([id, { length: count }]) =>
    isCitizen(id)
      ? [
          {
            type: 'session.ended' as const,
            citizenId: id,
            detail: { reason: AUDITED[reason], count },
            at: now,
          },
        ]
      : [],
  );
  await recordAll(tx, events);
  return rows.length;
}

/** Whose grant it was, and at which relying party. */
export interface GrantOwner {
  account_id: string | null;
  client_id: string;
}

/** Ends grants with every code and token issued under them. @returns those that were there */
export async function revokeGrants(tx: Queryable, grantIds: readonly string[]): Promise<GrantOwner[]> {
  return tx.query<GrantOwner>(
    `with
       codes as (delete from authorization_codes where grant_id = any($1)),
       access as (delete from access_tokens where grant_id = any($1)),
       refresh as (delete from refresh_tokens where grant_id = any($1))
     delete from grants where id = any($1) returning account_id, client_id`,
    [grantIds],
  );
}

/**
 * Ends one session: tombstone, tokens and logout notices in the caller's transaction, so that none of the
 * three can happen without the others.
 */
export async function endSession(
  tx: Queryable,
  enqueue: EnqueueLogout,
  { uid, reason, now }: { uid: string; reason: EndReason; now: Date },
): Promise<number> {
  const rows = await tx.query<EndedRow>(
    `update sessions set ended_at = $2, end_reason = $3 where uid = $1 and ended_at is null
     returning account_id, authorizations`,
    [uid, now, reason],
  );
  return finish(tx, enqueue, rows, { reason, now });
}

/**
 * Ends logins that are under way: passwords and codes that were typed before something happened to the account
 * must not become a session after it. First the attempts, because a page that finishes one holds its row: then
 * the proofs that it wrote are seen here, or it finds no attempt to finish. Proofs of a session that is not written yet
 * go, too: without them it opens nothing.
 */
async function endLoginsUnderWay(tx: Queryable, accountId: string): Promise<void> {
  await tx.query('delete from login_attempts where citizen_id = $1', [accountId]);
  await tx.query(
    `delete from proofs p where citizen_id = $1 and not exists (
       select 1 from sessions s where s.uid = p.session_uid and s.account_id = $2)`,
    [accountId, accountId],
  );
}

/** Ends every session of an account, but for `except` (the one the citizen is using), and logins under way. */
export async function endSessions(
  tx: Queryable,
  enqueue: EnqueueLogout,
  { accountId, except, reason, now }: { accountId: string; except?: string; reason: EndReason; now: Date },
): Promise<number> {
  await endLoginsUnderWay(tx, accountId);
  const rows = await tx.query<EndedRow>(
    `update sessions set ended_at = $2, end_reason = $3
      where account_id = $1 and ended_at is null and uid is distinct from $4
     returning account_id, authorizations`,
    [accountId, now, reason, except ?? null],
  );
  const ended = await finish(tx, enqueue, rows, { reason, now });
  if (except === undefined) {
    // Grants that no session holds any more (their session expired first) end with the account's sessions.
    const orphans = await tx.query<{ id: string }>('select id from grants where account_id = $1', [
      accountId,
    ]);
    if (orphans.length > 0) {
      await revokeGrants(
        tx,
        orphans.map(({ id }) => id),
      );
    }
  }
  return ended;
}

/**
 * Ends sessions that ran out, in one batch, so that relying parties hear of an expiry as of a logout.
 * Several processes may run it at once.
 *
 * @returns how many were ended; fewer than `limit` means that none is left
 */
export async function endExpiredSessions(
  tx: Queryable,
  enqueue: EnqueueLogout,
  { now, limit }: { now: Date; limit: number },
): Promise<number> {
  const rows = await tx.query<EndedRow>(
    `update sessions set ended_at = $1, end_reason = 'expired'
      where uid in (
        select uid from sessions where expires_at <= $1 and ended_at is null
         order by expires_at limit $2 for update skip locked)
     returning account_id, authorizations`,
    [now, limit],
  );
  return finish(tx, enqueue, rows, { reason: 'expired', now });
}
