import type { Queryable } from '../platform/database.ts';
import type { Cipher } from '../platform/field-encryption.ts';
import { removeAllCredentials } from './credentials.ts';
import { releaseIdentifier } from './phone.ts';

/** Ends every session of a citizen, in the caller's transaction, and tells the relying parties. */
export type EndSessions = (
  tx: Queryable,
  ended: { citizenId: string; reason: 'locked'; now: Date },
) => Promise<unknown>;

/**
 * Stops an account from being used until somebody unlocks it, and ends its sessions at every relying party.
 *
 * @param reason for the log and the console: a word, no personal data.
 * @returns whether it was active.
 */
export async function lockAccount(
  tx: Queryable,
  citizenId: string,
  reason: string,
  now: Date,
  endSessions: EndSessions,
): Promise<boolean> {
  const rows = await tx.query(
    `update accounts set state = 'locked', state_reason = $2, state_at = $3
     where citizen_id = $1 and state = 'active' returning citizen_id`,
    [citizenId, reason, now],
  );
  await endSessions(tx, { citizenId, reason: 'locked', now });
  return rows.length > 0;
}

/** Lets a locked account be used again. */
export async function unlockAccount(tx: Queryable, citizenId: string, now: Date): Promise<boolean> {
  const rows = await tx.query(
    `update accounts set state = 'active', state_reason = null, state_at = $2
     where citizen_id = $1 and state = 'locked' returning citizen_id`,
    [citizenId, now],
  );
  return rows.length > 0;
}

/**
 * Ends an account: its credentials go, its user name and phone are free again. The person stays, found by the
 * document number, and may register again under the same citizen id.
 */
export async function closeAccount(
  tx: Queryable,
  cipher: Cipher,
  { citizenId, reason, now }: { citizenId: string; reason: string; now: Date },
): Promise<boolean> {
  const [open] = await tx.query<{ wrapped_key: Buffer; username: Buffer | null; phone: Buffer | null }>(
    `select c.wrapped_key, a.username, a.phone from accounts a join citizens c on c.id = a.citizen_id
     where a.citizen_id = $1 and a.state <> 'closed' for update of a`,
    [citizenId],
  );
  if (!open) return false;
  const key = cipher.open(open.wrapped_key, citizenId);
  for (const kind of ['phone', 'username'] as const) {
    const sealed = open[kind];
    if (sealed)
      await releaseIdentifier(tx, kind, cipher.blindIndex(kind, key.unseal(kind, sealed)), citizenId);
  }
  await removeAllCredentials(tx, { citizenId, keepPasskeys: [] });
  await tx.query('delete from passwords where citizen_id = $1', [citizenId]);
  await tx.query(
    `update accounts set state = 'closed', state_reason = $2, state_at = $3, username = null, phone = null,
       phone_bound_level = null, phone_since = null, phone_last_used_at = null, level_cap_until = null
     where citizen_id = $1`,
    [citizenId, reason, now],
  );
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

/** Notes that the register says this person has died. Ending sessions, grants and mandates is the caller's. */
export async function markDeceased(tx: Queryable, citizenId: string, now: Date): Promise<boolean> {
  const rows = await tx.query(
    `update citizens set state = 'deceased', updated_at = $2 where id = $1 and state = 'active' returning id`,
    [citizenId, now],
  );
  return rows.length > 0;
}
