import type { Queryable } from '../platform/database.ts';
import type { Cipher } from '../platform/field-encryption.ts';
import { Problem } from '../platform/problem.ts';
import type { BoundLevel } from './bound-level.ts';
import { claimIdentifier } from './store.ts';

/**
 * Gives a phone to the citizen whom the carrier has just confirmed as its owner. Whoever had it before loses it
 * as a way to log in and to be found; their account is not opened by it. Ending their carrier evidence is the
 * caller's (`endEvidence`).
 *
 * @param phone normalised by `parseMobile`.
 * @returns whom it was taken from, if from anybody.
 */
export async function transferPhone(
  tx: Queryable,
  cipher: Cipher,
  { phone, toCitizenId }: { phone: string; toCitizenId: string },
): Promise<{ fromCitizenId?: string }> {
  const index = cipher.blindIndex('phone', phone);
  const [held] = await tx.query<{ citizen_id: string }>(
    `select citizen_id from identifiers where kind = 'phone' and index = $1 for update`,
    [index],
  );
  if (!held) {
    // Somebody may be claiming it at this moment; then this waits for them and looks again.
    if (await claimIdentifier(tx, 'phone', index, toCitizenId)) return {};
    return transferPhone(tx, cipher, { phone, toCitizenId });
  }
  if (held.citizen_id === toCitizenId) return {};
  await tx.query(`update identifiers set citizen_id = $2 where kind = 'phone' and index = $1`, [
    index,
    toCitizenId,
  ]);
  await tx.query(
    `update accounts set phone = null, phone_bound_level = null, phone_since = null, phone_last_used_at = null
     where citizen_id = $1`,
    [held.citizen_id],
  );
  return { fromCitizenId: held.citizen_id };
}

/**
 * Gives an account another phone and sets the old one free.
 *
 * @param boundLevel what the new phone is good for from now on.
 * @throws Problem `phone_already_registered` 409 when it belongs to another account (see `transferPhone`).
 */
export async function changePhone(
  tx: Queryable,
  cipher: Cipher,
  {
    citizenId,
    phone,
    boundLevel,
    now,
  }: { citizenId: string; phone: string; boundLevel: BoundLevel; now: Date },
): Promise<void> {
  const index = cipher.blindIndex('phone', phone);
  if (!(await claimIdentifier(tx, 'phone', index, citizenId)))
    throw new Problem('phone_already_registered', 409);
  const [old] = await tx.query<{ wrapped_key: Buffer; phone: Buffer | null }>(
    `select c.wrapped_key, a.phone from accounts a join citizens c on c.id = a.citizen_id
     where a.citizen_id = $1 and a.state <> 'closed' for update of a`,
    [citizenId],
  );
  if (!old) throw new RangeError(`citizen ${citizenId} has no account`);
  const key = cipher.open(old.wrapped_key, citizenId);
  const oldIndex = old.phone && cipher.blindIndex('phone', key.unseal('phone', old.phone));
  if (oldIndex && !oldIndex.equals(index)) await releaseIdentifier(tx, 'phone', oldIndex, citizenId);
  await tx.query(
    `update accounts set phone = $2, phone_bound_level = $3, phone_since = $4, phone_last_used_at = null
     where citizen_id = $1`,
    [citizenId, key.seal('phone', phone), boundLevel, now],
  );
}

/** Lets go of an identifier, if it still is this citizen's. */
export async function releaseIdentifier(
  tx: Queryable,
  kind: 'username' | 'phone',
  index: Buffer,
  citizenId: string,
): Promise<void> {
  await tx.query('delete from identifiers where kind = $1 and index = $2 and citizen_id = $3', [
    kind,
    index,
    citizenId,
  ]);
}

/**
 * Notes that a code sent to the account's phone was used to log in.
 *
 * @returns what the phone is good for, or `undefined` when the account has none.
 */
export async function usePhone(
  tx: Queryable,
  { citizenId, now }: { citizenId: string; now: Date },
): Promise<{ boundLevel: BoundLevel } | undefined> {
  const [row] = await tx.query<{ phone_bound_level: BoundLevel }>(
    `update accounts set phone_last_used_at = $2 where citizen_id = $1 and phone is not null
     returning phone_bound_level`,
    [citizenId, now],
  );
  return row && { boundLevel: row.phone_bound_level };
}
