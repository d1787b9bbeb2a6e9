import type { Queryable } from '../platform/database.ts';
import type { Cipher } from '../platform/field-encryption.ts';
import { newId } from '../platform/id.ts';
import { Problem } from '../platform/problem.ts';
import type { BoundLevel } from './bound-level.ts';
import { type DocumentType, documentKey, parseMobile } from './identifiers.ts';
import { parseUsername } from './names.ts';
import { isSamePerson } from './same-person.ts';

export type AccountState = 'active' | 'locked' | 'closed';

export interface NewCitizen {
  name: string;
  documentType: DocumentType;
  /** Normalised by `parseDocument`. */
  idNumber: string;
  /** `YYYY-MM-DD`. */
  birthDate?: string | undefined;
  now: Date;
}

export interface Citizen {
  id: string;
  state: 'active' | 'deceased';
  documentType: DocumentType;
  name: string;
  idNumber: string;
  birthDate?: string;
  /** Absent while the person has no account. */
  accountState?: AccountState;
  username?: string;
  phone?: string;
  phoneBoundLevel?: BoundLevel;
  phoneSince?: Date;
  phoneLastUsedAt?: Date;
  /** Until then the account is capped at basic. */
  levelCapUntil?: Date;
  createdAt: Date;
  accountCreatedAt?: Date;
}

/**
 * Records a person and claims their document number.
 *
 * Somebody known without an open account (imported from an older platform, recorded as a dependant, closed) is
 * the same person: their id is given again, with the name brought up to date. So call it only after the
 * register of the document has confirmed name and number.
 *
 * @returns the citizen's id, the owner of every value sealed for them.
 * @throws Problem `id_already_registered` 409 when the number belongs to a person who has an account, and
 * `document_shared` 409 when it is the passport number of somebody else (`isSamePerson`).
 */
export async function createCitizen(tx: Queryable, cipher: Cipher, citizen: NewCitizen): Promise<string> {
  const id = newId();
  const index = cipher.blindIndex('id_number', documentKey(citizen.idNumber));
  const claimed = await tx.query(
    `insert into identifiers (kind, index, citizen_id) values ('id_number', $1, $2)
     on conflict (kind, index) do nothing returning citizen_id`,
    [index, id],
  );
  if (claimed.length === 0) return reuseCitizen(tx, cipher, index, citizen);
  const { wrapped } = cipher.newPersonKey(id);
  const key = cipher.open(wrapped, id);
  await tx.query(
    `insert into citizens (id, document_type, wrapped_key, name, id_number, birth_date, created_at, updated_at)
     values ($1, $2, $3, $4, $5, $6, $7, $7)`,
    [
      id,
      citizen.documentType,
      wrapped,
      key.seal('name', citizen.name),
      key.seal('id_number', citizen.idNumber),
      citizen.birthDate === undefined ? null : key.seal('birth_date', citizen.birthDate),
      citizen.now,
    ],
  );
  return id;
}

async function reuseCitizen(
  tx: Queryable,
  cipher: Cipher,
  index: Buffer,
  citizen: NewCitizen,
): Promise<string> {
  const [known] = await tx.query<
    Pick<
      CitizenRow,
      'id' | 'state' | 'document_type' | 'wrapped_key' | 'name' | 'birth_date' | 'account_state'
    >
  >(
    `select c.id, c.state, c.document_type, c.wrapped_key, c.name, c.birth_date, a.state as account_state
     from identifiers i join citizens c on c.id = i.citizen_id left join accounts a on a.citizen_id = c.id
     where i.kind = 'id_number' and i.index = $1`,
    [index],
  );
  if (!known) throw new Problem('id_already_registered', 409);
  const key = cipher.open(known.wrapped_key, known.id);
  const holder = {
    documentType: known.document_type,
    name: key.unseal('name', known.name),
    birthDate: known.birth_date ? key.unseal('birth_date', known.birth_date) : undefined,
  };
  if (!isSamePerson(holder, citizen)) throw new Problem('document_shared', 409);
  const open = known.account_state !== null && known.account_state !== 'closed';
  if (open || known.state !== 'active') throw new Problem('id_already_registered', 409);
  await tx.query(
    `update citizens set name = $2, document_type = $3, birth_date = coalesce($4, birth_date), updated_at = $5
     where id = $1`,
    [
      known.id,
      key.seal('name', citizen.name),
      citizen.documentType,
      citizen.birthDate === undefined ? null : key.seal('birth_date', citizen.birthDate),
      citizen.now,
    ],
  );
  return known.id;
}

/** One of a citizen's own identifiers; claiming again what is already theirs is no conflict. */
export async function claimIdentifier(
  tx: Queryable,
  kind: 'id_number' | 'username' | 'phone',
  index: Buffer,
  citizenId: string,
): Promise<boolean> {
  const rows = await tx.query(
    `insert into identifiers as i (kind, index, citizen_id) values ($1, $2, $3)
     on conflict (kind, index) do update set citizen_id = excluded.citizen_id
     where i.citizen_id = excluded.citizen_id returning i.citizen_id`,
    [kind, index, citizenId],
  );
  return rows.length > 0;
}

/** A value of our own forms again; anything else is a fault of the caller, not of the person. */
function normalised(
  parsed: { ok: true; value: string } | { ok: false; reason: string },
  what: string,
): string {
  if (!parsed.ok) throw new RangeError(`${what}: ${parsed.reason}`);
  return parsed.value;
}

/**
 * Opens an account with user name, phone and password.
 *
 * Where the carrier has just confirmed that a phone changed hands, call `transferPhone` first.
 *
 * @throws Problem 409 `username_taken`, `phone_already_registered`, or `id_already_registered` when the citizen
 * has an account; nothing is kept, since the caller's transaction ends with it.
 */
export async function createAccount(
  tx: Queryable,
  cipher: Cipher,
  account: {
    citizenId: string;
    username: string;
    phone: string;
    passwordHash: string;
    boundLevel: BoundLevel;
    now: Date;
  },
): Promise<void> {
  const { citizenId, boundLevel, now } = account;
  const username = normalised(parseUsername(account.username), 'user name');
  const phone = normalised(parseMobile(account.phone), 'phone');
  // Always number, phone, user name: two transactions that claim in one order never wait for each other in a ring.
  if (!(await claimIdentifier(tx, 'phone', cipher.blindIndex('phone', phone), citizenId)))
    throw new Problem('phone_already_registered', 409);
  if (!(await claimIdentifier(tx, 'username', cipher.blindIndex('username', username), citizenId)))
    throw new Problem('username_taken', 409);
  const [owner] = await tx.query<{ wrapped_key: Buffer }>('select wrapped_key from citizens where id = $1', [
    citizenId,
  ]);
  if (!owner) throw new RangeError(`no citizen ${citizenId}`);
  const key = cipher.open(owner.wrapped_key, citizenId);
  const opened = await tx.query(
    `insert into accounts as a
       (citizen_id, state_at, username, phone, phone_bound_level, phone_since, created_at)
     values ($1, $2, $3, $4, $5, $2, $2)
     on conflict (citizen_id) do update set state = 'active', state_reason = null, state_at = excluded.state_at,
       username = excluded.username, phone = excluded.phone, phone_bound_level = excluded.phone_bound_level,
       phone_since = excluded.phone_since, phone_last_used_at = null, level_cap_until = null
     where a.state = 'closed' returning a.citizen_id`,
    [citizenId, now, key.seal('username', username), key.seal('phone', phone), boundLevel],
  );
  if (opened.length === 0) throw new Problem('id_already_registered', 409);
  await tx.query(
    `insert into passwords (citizen_id, hash, bound_level, changed_at) values ($1, $2, $3, $4)
     on conflict (citizen_id) do update set hash = excluded.hash, bound_level = excluded.bound_level,
       changed_at = excluded.changed_at, last_used_at = null`,
    [citizenId, account.passwordHash, boundLevel, now],
  );
}

/** One spelling of what was typed as user name, phone or document number: what attempts are counted under. */
export function canonicalIdentifier(raw: string): string {
  const mobile = parseMobile(raw);
  if (mobile.ok) return mobile.value;
  const username = parseUsername(raw);
  return username.ok ? username.value : documentKey(raw);
}

/**
 * Whose user name, phone or document number was typed. The same work whether or not somebody is found.
 *
 * @returns `state` is `none` for a person without an account.
 */
export async function findByIdentifier(
  db: Queryable,
  cipher: Cipher,
  raw: string,
): Promise<{ citizenId: string; state: AccountState | 'none' } | undefined> {
  const mobile = parseMobile(raw);
  const username = parseUsername(raw);
  // A document first: nobody chooses their own number, but a user name could be chosen to look like one.
  const rows = await db.query<{ citizen_id: string; state: AccountState | null }>(
    `select i.citizen_id, a.state from identifiers i left join accounts a on a.citizen_id = i.citizen_id
     where (i.kind = 'id_number' and i.index = $1) or (i.kind = 'phone' and i.index = $2)
       or (i.kind = 'username' and i.index = $3)
     order by i.kind limit 1`,
    [
      cipher.blindIndex('id_number', documentKey(raw)),
      cipher.blindIndex('phone', mobile.ok ? mobile.value : ''),
      cipher.blindIndex('username', username.ok ? username.value : ''),
    ],
  );
  const [row] = rows;
  return row && { citizenId: row.citizen_id, state: row.state ?? 'none' };
}

interface CitizenRow {
  id: string;
  state: Citizen['state'];
  document_type: DocumentType;
  wrapped_key: Buffer;
  name: Buffer;
  id_number: Buffer;
  birth_date: Buffer | null;
  created_at: Date;
  account_state: AccountState | null;
  username: Buffer | null;
  phone: Buffer | null;
  phone_bound_level: BoundLevel | null;
  phone_since: Date | null;
  phone_last_used_at: Date | null;
  level_cap_until: Date | null;
  account_created_at: Date | null;
}

/** A person and their account, opened. One round trip. */
export async function readCitizen(
  db: Queryable,
  cipher: Cipher,
  citizenId: string,
): Promise<Citizen | undefined> {
  const [row] = await db.query<CitizenRow>(
    `select c.id, c.state, c.document_type, c.wrapped_key, c.name, c.id_number, c.birth_date, c.created_at,
       a.state as account_state, a.username, a.phone, a.phone_bound_level, a.phone_since, a.phone_last_used_at,
       a.level_cap_until, a.created_at as account_created_at
     from citizens c left join accounts a on a.citizen_id = c.id where c.id = $1`,
    [citizenId],
  );
  if (!row) return undefined;
  const key = cipher.open(row.wrapped_key, row.id);
  return {
    id: row.id,
    state: row.state,
    documentType: row.document_type,
    name: key.unseal('name', row.name),
    idNumber: key.unseal('id_number', row.id_number),
    createdAt: row.created_at,
    ...(row.birth_date && { birthDate: key.unseal('birth_date', row.birth_date) }),
    ...(row.account_state && { accountState: row.account_state }),
    ...(row.username && { username: key.unseal('username', row.username) }),
    ...(row.phone && { phone: key.unseal('phone', row.phone) }),
    ...(row.phone_bound_level && { phoneBoundLevel: row.phone_bound_level }),
    ...(row.phone_since && { phoneSince: row.phone_since }),
    ...(row.phone_last_used_at && { phoneLastUsedAt: row.phone_last_used_at }),
    ...(row.level_cap_until && { levelCapUntil: row.level_cap_until }),
    ...(row.account_created_at && { accountCreatedAt: row.account_created_at }),
  };
}
