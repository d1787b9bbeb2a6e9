import type { Queryable } from '../platform/database.ts';
import { Problem } from '../platform/problem.ts';
import type { BoundLevel } from './bound-level.ts';

/** One credential of a citizen. Password and phone are one each, so they need no id. */
export type CredentialRef =
  | { kind: 'password' | 'sms'; id?: undefined }
  | { kind: 'totp' | 'passkey'; id: string };

interface Held {
  boundLevel: BoundLevel;
  lastUsedAt?: Date;
}

/** What a citizen can log in with. No secrets in it. */
export interface Credentials {
  password?: Held & { changedAt: Date };
  phone?: Held & { since: Date };
  totp: (Held & { id: string; label: string; createdAt: Date })[];
  passkeys: (Held & { id: string; label: string; createdAt: Date; synced: boolean })[];
}

interface CredentialRow {
  kind: 'password' | 'sms' | 'totp' | 'passkey';
  id: string | null;
  label: string | null;
  bound_level: BoundLevel;
  created_at: Date;
  last_used_at: Date | null;
  synced: boolean | null;
}

/** Every credential of a citizen, oldest first, in one round trip. */
export async function listCredentials(db: Queryable, citizenId: string): Promise<Credentials> {
  const rows = await db.query<CredentialRow>(
    `select 'password' as kind, null as id, null as label, bound_level, changed_at as created_at, last_used_at,
       null::boolean as synced
     from passwords where citizen_id = $1
     union all
     select 'sms', null, null, phone_bound_level, phone_since, phone_last_used_at, null
     from accounts where citizen_id = $1 and phone is not null
     union all
     select 'totp', id::text, label, bound_level, confirmed_at, last_used_at, null
     from totp_credentials where citizen_id = $1 and confirmed_at is not null
     union all
     select 'passkey', id, label, bound_level, created_at, last_used_at, synced
     from passkeys where citizen_id = $1
     order by created_at`,
    [citizenId],
  );
  const credentials: Credentials = { totp: [], passkeys: [] };
  for (const row of rows) {
    const held: Held = {
      boundLevel: row.bound_level,
      ...(row.last_used_at && { lastUsedAt: row.last_used_at }),
    };
    const named = { ...held, id: row.id ?? '', label: row.label ?? '', createdAt: row.created_at };
    if (row.kind === 'password') credentials.password = { ...held, changedAt: row.created_at };
    else if (row.kind === 'sms') credentials.phone = { ...held, since: row.created_at };
    else if (row.kind === 'totp') credentials.totp.push(named);
    else credentials.passkeys.push({ ...named, synced: row.synced === true });
  }
  return credentials;
}

/** Whether somebody can still log in: a passkey, or the password with a second factor (`config/ladder.json`). */
export const canLogIn = (held: Credentials): boolean =>
  held.passkeys.length > 0 ||
  (held.password !== undefined && (held.phone !== undefined || held.totp.length > 0));

/** The same credentials without one authenticator app or passkey. */
export const without = (
  held: Credentials,
  { kind, id }: { kind: 'totp' | 'passkey'; id: string },
): Credentials => ({
  ...held,
  totp: held.totp.filter((each) => kind !== 'totp' || each.id !== id),
  passkeys: held.passkeys.filter((each) => kind !== 'passkey' || each.id !== id),
});

/**
 * Removes an authenticator app or a passkey. Removals of one account wait for one another, so that two at once
 * cannot take the last two ways to log in.
 *
 * @returns its label, or `undefined` when it was not there.
 * @throws Problem `last_way_to_log_in` 409.
 */
export async function removeCredential(
  tx: Queryable,
  input: { citizenId: string; kind: 'totp' | 'passkey'; id: string },
): Promise<string | undefined> {
  await tx.query('select 1 from accounts where citizen_id = $1 for update', [input.citizenId]);
  const held = await listCredentials(tx, input.citizenId);
  const each = (input.kind === 'totp' ? held.totp : held.passkeys).find(({ id }) => id === input.id);
  if (!each) return undefined;
  if (!canLogIn(without(held, input))) throw new Problem('last_way_to_log_in', 409);
  if (input.kind === 'totp') {
    await tx.query('delete from totp_credentials where citizen_id = $1 and id = $2', [
      input.citizenId,
      input.id,
    ]);
  } else {
    await tx.query('delete from passkeys where citizen_id = $1 and id = $2', [input.citizenId, input.id]);
  }
  return each.label;
}

/** Removes every authenticator app and passkey but the kept ones (recovery asks which still are the citizen's). */
export async function removeAllCredentials(
  tx: Queryable,
  { citizenId, keepPasskeys }: { citizenId: string; keepPasskeys: readonly string[] },
): Promise<void> {
  await tx.query('delete from totp_credentials where citizen_id = $1', [citizenId]);
  await tx.query('delete from passkeys where citizen_id = $1 and not (id = any($2::text[]))', [
    citizenId,
    keepPasskeys,
  ]);
}

/**
 * Raises what credentials are good for, never lowers it: only those used in the session that won the evidence.
 */
export async function raiseBoundLevels(
  tx: Queryable,
  citizenId: string,
  credentials: readonly CredentialRef[],
  level: BoundLevel,
): Promise<void> {
  for (const { kind, id } of credentials) {
    if (kind === 'totp') await tx.query(RAISE.totp, [citizenId, level, id]);
    else if (kind === 'passkey') await tx.query(RAISE.passkey, [citizenId, level, id]);
    else await tx.query(RAISE[kind], [citizenId, level]);
  }
}

const LOWER = (column: string) =>
  `array_position(array['anonymous', 'basic', 'intermediate', 'advanced'], ${column})
   < array_position(array['anonymous', 'basic', 'intermediate', 'advanced'], $2::text)`;

const RAISE = {
  password: `update passwords set bound_level = $2 where citizen_id = $1 and ${LOWER('bound_level')}`,
  sms: `update accounts set phone_bound_level = $2
        where citizen_id = $1 and phone is not null and ${LOWER('phone_bound_level')}`,
  totp: `update totp_credentials set bound_level = $2
         where citizen_id = $1 and id = $3 and confirmed_at is not null and ${LOWER('bound_level')}`,
  passkey: `update passkeys set bound_level = $2 where citizen_id = $1 and id = $3 and ${LOWER('bound_level')}`,
};
