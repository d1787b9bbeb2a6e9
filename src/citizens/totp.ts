import { generateSecret, generateURI, verifySync } from 'otplib';
import type { Queryable } from '../platform/database.ts';
import type { Cipher } from '../platform/field-encryption.ts';
import { newId } from '../platform/id.ts';
import { Problem } from '../platform/problem.ts';
import type { BoundLevel } from './bound-level.ts';

/** Authenticator apps of one citizen. */
export const TOTP_MAX = 5;
/** One step (30 s) either way for clocks that go wrong (RFC 6238 5.2). */
const TOLERANCE_SECONDS = 30;

/** The time step whose code this is, later than `after`, or `undefined`. */
function stepOf(secret: string, code: string, now: Date, after: number | undefined): number | undefined {
  const token = code.normalize('NFKC').replace(/\s/g, '');
  if (!/^\d{6}$/.test(token)) return undefined;
  const result = verifySync({
    strategy: 'totp',
    secret,
    token,
    epoch: Math.floor(now.getTime() / 1000),
    epochTolerance: TOLERANCE_SECONDS,
    ...(after !== undefined && { afterTimeStep: after }),
  });
  return result.valid && 'timeStep' in result ? result.timeStep : undefined;
}

const totpUri = (secret: string, issuer: string, label: string) => generateURI({ issuer, label, secret });

export interface PendingTotp {
  id: string;
  label: string;
  /** Base32, for typing into an app. */
  secret: string;
  /** `otpauth://…`, for the QR code. */
  uri: string;
}

async function personKey(db: Queryable, cipher: Cipher, citizenId: string) {
  const [row] = await db.query<{ wrapped_key: Buffer }>('select wrapped_key from citizens where id = $1', [
    citizenId,
  ]);
  if (!row) throw new RangeError(`no citizen ${citizenId}`);
  return cipher.open(row.wrapped_key, citizenId);
}

/**
 * Begins to enrol an authenticator app. It counts only once a code of it was seen (`confirmTotp`).
 *
 * @param issuer and `account` are what the app shows.
 */
export async function startTotp(
  tx: Queryable,
  cipher: Cipher,
  input: { citizenId: string; label: string; issuer: string; account: string; now: Date },
): Promise<PendingTotp> {
  const id = newId();
  const secret = generateSecret({ length: 20 });
  const key = await personKey(tx, cipher, input.citizenId);
  await tx.query(
    `insert into totp_credentials (citizen_id, id, secret, label, bound_level, created_at)
     values ($1, $2, $3, $4, 'anonymous', $5)`,
    [input.citizenId, id, key.seal('totp', secret), input.label, input.now],
  );
  return { id, label: input.label, secret, uri: totpUri(secret, input.issuer, input.account) };
}

/** An enrolment that waits for its first code, for showing its page again. */
export async function pendingTotp(
  db: Queryable,
  cipher: Cipher,
  input: { citizenId: string; id: string; issuer: string; account: string },
): Promise<PendingTotp | undefined> {
  const [row] = await db.query<{ secret: Buffer; label: string }>(
    `select secret, label from totp_credentials where citizen_id = $1 and id = $2 and confirmed_at is null`,
    [input.citizenId, input.id],
  );
  if (!row) return undefined;
  const secret = (await personKey(db, cipher, input.citizenId)).unseal('totp', row.secret);
  return { id: input.id, label: row.label, secret, uri: totpUri(secret, input.issuer, input.account) };
}

/**
 * Ends an enrolment with the app's first code, which cannot be used again.
 *
 * @param boundLevel the account level now.
 * @returns whether the code was right.
 * @throws Problem `too_many_credentials` 409.
 */
export async function confirmTotp(
  tx: Queryable,
  cipher: Cipher,
  input: { citizenId: string; id: string; code: string; boundLevel: BoundLevel; now: Date },
): Promise<boolean> {
  const { citizenId, id, now } = input;
  // Enrolments of one account wait for one another, so that two at once cannot be one too many.
  await tx.query('select 1 from accounts where citizen_id = $1 for update', [citizenId]);
  const [row] = await tx.query<{ secret: Buffer; others: number }>(
    `select secret, (select count(*) from totp_credentials o
       where o.citizen_id = $1 and o.confirmed_at is not null) as others
     from totp_credentials where citizen_id = $1 and id = $2 and confirmed_at is null for update`,
    [citizenId, id],
  );
  if (!row) return false;
  if (row.others >= TOTP_MAX) throw new Problem('too_many_credentials', 409, { max: TOTP_MAX });
  const secret = (await personKey(tx, cipher, citizenId)).unseal('totp', row.secret);
  const step = stepOf(secret, input.code, now, undefined);
  if (step === undefined) return false;
  await tx.query(
    `update totp_credentials set confirmed_at = $3, bound_level = $4, last_step = $5
     where citizen_id = $1 and id = $2`,
    [citizenId, id, now, input.boundLevel, step],
  );
  return true;
}

/**
 * Checks a code against every authenticator app of a citizen and uses it up: `last_step` only moves forward, in
 * one statement, so that a code works once however many requests carry it (RFC 6238 5.2).
 *
 * @returns the credential and what it is good for, or `undefined` when the code is wrong or was used.
 */
export async function verifyTotp(
  db: Queryable,
  cipher: Cipher,
  { citizenId, code, now }: { citizenId: string; code: string; now: Date },
): Promise<{ id: string; boundLevel: BoundLevel } | undefined> {
  const rows = await db.query<{ id: string; secret: Buffer; last_step: number | null; wrapped_key: Buffer }>(
    `select t.id, t.secret, t.last_step, c.wrapped_key from totp_credentials t
     join citizens c on c.id = t.citizen_id where t.citizen_id = $1 and t.confirmed_at is not null`,
    [citizenId],
  );
  for (const row of rows) {
    const secret = cipher.open(row.wrapped_key, citizenId).unseal('totp', row.secret);
    const step = stepOf(secret, code, now, row.last_step ?? undefined);
    if (step === undefined) continue;
    const [used] = await db.query<{ bound_level: BoundLevel }>(
      `update totp_credentials set last_step = $3, last_used_at = $4
       where citizen_id = $1 and id = $2 and (last_step is null or last_step < $3) returning bound_level`,
      [citizenId, row.id, step, now],
    );
    return used && { id: row.id, boundLevel: used.bound_level };
  }
  return undefined;
}

/** Whether the citizen has an authenticator app to ask for. */
export async function hasTotp(db: Queryable, citizenId: string): Promise<boolean> {
  const rows = await db.query(
    'select 1 from totp_credentials where citizen_id = $1 and confirmed_at is not null limit 1',
    [citizenId],
  );
  return rows.length > 0;
}
