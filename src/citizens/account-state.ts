import { record } from '../audit/log.ts';
import { withdrawAllConsents } from '../consents/store.ts';
import type { Queryable } from '../platform/database.ts';
import type { Cipher } from '../platform/field-encryption.ts';
import { type EndReason, type EnqueueLogout, endSessions } from '../sessions/end.ts';
import { removeAllCredentials } from './credentials.ts';
import { releaseIdentifier } from './phone.ts';

/**
 * What the end of an account works with, besides the transaction. It is asked for by everything that locks or
 * closes: so nobody can do that and leave sessions open or relying parties untold.
 */
export interface EndingTools {
  cipher: Cipher;
  enqueueLogout: EnqueueLogout;
}

export type LockReason = 'recovery' | 'administrator';
export type CloseReason = 'requested' | 'deceased' | 'administrator';

/** Sessions, grants, codes and tokens, with the notices to relying parties. */
const endEverything = (
  tx: Queryable,
  { enqueueLogout }: Pick<EndingTools, 'enqueueLogout'>,
  citizenId: string,
  reason: EndReason,
  now: Date,
) => endSessions(tx, enqueueLogout, { accountId: citizenId, reason, now });

/**
 * Stops an account from being used until somebody unlocks it: its sessions and tokens end with it, relying
 * parties are told, the audit log says why.
 *
 * @returns whether it was active.
 */
export async function lockAccount(
  tx: Queryable,
  tools: Pick<EndingTools, 'enqueueLogout'>,
  { citizenId, reason, now }: { citizenId: string; reason: LockReason; now: Date },
): Promise<boolean> {
  const rows = await tx.query(
    `update accounts set state = 'locked', state_reason = $2, state_at = $3
     where citizen_id = $1 and state = 'active' returning citizen_id`,
    [citizenId, reason, now],
  );
  await endEverything(tx, tools, citizenId, 'locked', now);
  if (rows.length > 0) await record(tx, { type: 'account.locked', citizenId, detail: { reason }, at: now });
  return rows.length > 0;
}

/**
 * Lets a locked account be used again. Whatever session came into being while it was locked (a login that was
 * under way at that moment) does not come to life with it. Nor does what a stranger had set before the owner
 * froze it ("this was not me"): password, passkeys and authenticator apps of such an account are gone, and the
 * owner recovers it.
 *
 * @returns why it was locked; `undefined` if it was not.
 */
export async function unlockAccount(
  tx: Queryable,
  tools: Pick<EndingTools, 'enqueueLogout'>,
  { citizenId, now }: { citizenId: string; now: Date },
): Promise<LockReason | undefined> {
  const [locked] = await tx.query<{ reason: LockReason }>(
    `update accounts a set state = 'active', state_reason = null, state_at = $2
     from (select citizen_id, state_reason from accounts where citizen_id = $1 and state = 'locked'
           for update) held
     where a.citizen_id = held.citizen_id returning held.state_reason as reason`,
    [citizenId, now],
  );
  if (!locked) return undefined;
  const { reason } = locked;
  if (reason === 'recovery') {
    await removeAllCredentials(tx, { citizenId, keepPasskeys: [] });
    await tx.query('delete from passwords where citizen_id = $1', [citizenId]);
  }
  await endEverything(tx, tools, citizenId, 'locked', now);
  await record(tx, { type: 'account.unlocked', citizenId, actor: 'system', detail: { reason }, at: now });
  return reason;
}

/**
 * Ends an account: sessions, tokens, credentials and consents go, relying parties are told, its user name and
 * phone are free again. The person stays, found by the document number, and may register again under the same
 * citizen id.
 *
 * @returns whether there was an open one.
 */
export async function closeAccount(
  tx: Queryable,
  tools: EndingTools,
  { citizenId, reason, now }: { citizenId: string; reason: CloseReason; now: Date },
): Promise<boolean> {
  const { cipher } = tools;
  const [open] = await tx.query<{ wrapped_key: Buffer; username: Buffer | null; phone: Buffer | null }>(
    `select c.wrapped_key, a.username, a.phone from accounts a join citizens c on c.id = a.citizen_id
     where a.citizen_id = $1 and a.state <> 'closed' for update of a`,
    [citizenId],
  );
  await endEverything(tx, tools, citizenId, reason === 'deceased' ? 'deceased' : 'closed', now);
  if (!open) return false;
  const key = cipher.open(open.wrapped_key, citizenId);
  for (const kind of ['phone', 'username'] as const) {
    const sealed = open[kind];
    if (sealed)
      await releaseIdentifier(tx, kind, cipher.blindIndex(kind, key.unseal(kind, sealed)), citizenId);
  }
  await removeAllCredentials(tx, { citizenId, keepPasskeys: [] });
  await tx.query('delete from passwords where citizen_id = $1', [citizenId]);
  await tx.query('delete from account_closings where citizen_id = $1', [citizenId]);
  await tx.query(
    `update accounts set state = 'closed', state_reason = $2, state_at = $3, username = null, phone = null,
       phone_bound_level = null, phone_since = null, phone_last_used_at = null, level_cap_until = null
     where citizen_id = $1`,
    [citizenId, reason, now],
  );
  if ((await withdrawAllConsents(tx, { citizenId, now })) > 0) {
    await record(tx, { type: 'consent.withdrawn', citizenId, at: now });
  }
  await record(tx, { type: 'account.closed', citizenId, detail: { reason }, at: now });
  return true;
}

/**
 * Holds an account at basic for a while (after recovery). A longer cap stays.
 *
 * @param level only `basic` is ever meant; it is named so that the caller reads as what it does.
 */
export async function capLevel(
  tx: Queryable,
  citizenId: string,
  { until }: { level: 'basic'; until: Date },
): Promise<void> {
  await tx.query(
    `update accounts set level_cap_until = greatest(level_cap_until, $2) where citizen_id = $1`,
    [citizenId, until],
  );
}

/**
 * Notes that the register says this person has died, and closes the account with all that hangs on it.
 *
 * @returns whether it was not known before.
 */
export async function markDeceased(
  tx: Queryable,
  tools: EndingTools,
  { citizenId, now }: { citizenId: string; now: Date },
): Promise<boolean> {
  const rows = await tx.query(
    `update citizens set state = 'deceased', updated_at = $2 where id = $1 and state = 'active' returning id`,
    [citizenId, now],
  );
  await closeAccount(tx, tools, { citizenId, reason: 'deceased', now });
  return rows.length > 0;
}
