import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import argon2 from 'argon2';
import rules from '../../config/passwords.json' with { type: 'json' };
import type { Queryable } from '../platform/database.ts';
import type { BoundLevel } from './bound-level.ts';

export type PasswordRefusal =
  | 'empty'
  | 'too_short'
  | 'too_long'
  | 'common'
  | 'repetitive'
  | 'sequence'
  | 'own_data';

const common = new Set(
  readFileSync(new URL('../../config/common-passwords.txt', import.meta.url), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#')),
);

/** One spelling whatever keyboard it was typed on (NIST SP 800-63B 5.1.1.2 asks for NFKC or NFKD). */
const normal = (password: string) => password.normalize('NFKC');

/** The person's own data as parts of at least four characters that a password should not consist of. */
const ownParts = (own: OwnData) =>
  [own.username, own.phone, own.phone?.slice(-8), own.idNumber, own.idNumber?.slice(6, 14), own.name]
    .filter((part) => part !== undefined && part.length >= 4)
    .map((part) => part!.toLowerCase());

export interface OwnData {
  username?: string;
  phone?: string;
  idNumber?: string;
  name?: string;
}

/**
 * Why a new password is refused, or `undefined` when it is good: length, not common, not a run or repetition, not
 * the person's own data with a little around it. No rules on kinds of characters (NIST SP 800-63B 5.1.1.2).
 */
export function acceptable(password: string, own: OwnData = {}): PasswordRefusal | undefined {
  const text = normal(password).toLowerCase();
  const characters = [...text];
  if (characters.length === 0) return 'empty';
  if (characters.length < rules.minLength) return 'too_short';
  if (characters.length > rules.maxLength) return 'too_long';
  if (common.has(text) || common.has(text.replace(/[^\p{L}\p{N}]+$/u, ''))) return 'common';
  if (new Set(characters).size < rules.minDistinct) return 'repetitive';
  const steps = characters.slice(1).map((c, i) => c.codePointAt(0)! - characters[i]!.codePointAt(0)!);
  if (steps.every((step) => step === 1) || steps.every((step) => step === -1)) return 'sequence';
  const left = ownParts(own).reduce((rest, part) => rest.replaceAll(part, ''), text);
  return left !== text && [...left].length < rules.minLength - 4 ? 'own_data' : undefined;
}

const options = { type: argon2.argon2id, ...rules.argon2id } as const;

/** An argon2id hash in PHC form, with the parameters of OWASP's password storage cheat sheet. */
export const hashPassword = (password: string): Promise<string> => argon2.hash(normal(password), options);

let dummy: Promise<string> | undefined;
const dummyHash = () => {
  dummy ??= hashPassword(randomBytes(16).toString('hex'));
  return dummy;
};
// Made before the first request, which would otherwise take twice as long for an unknown name.
void dummyHash();

/**
 * Checks a password. One look-up and one hash whether or not there is such an account.
 *
 * @param citizenId `undefined` for somebody unknown.
 * @returns what the password is good for, or `undefined` when it is wrong.
 */
export async function verifyPassword(
  db: Queryable,
  citizenId: string | undefined,
  password: string,
): Promise<{ boundLevel: BoundLevel; changedAt: Date } | undefined> {
  const [row] = await db.query<{ hash: string; bound_level: BoundLevel; changed_at: Date }>(
    'select hash, bound_level, changed_at from passwords where citizen_id = $1',
    [citizenId ?? null],
  );
  const right = await argon2.verify(row?.hash ?? (await dummyHash()), normal(password));
  return right && row ? { boundLevel: row.bound_level, changedAt: row.changed_at } : undefined;
}

/**
 * Notes that the password was used to log in.
 *
 * @param changedAt as `verifyPassword` said it.
 * @returns `false` when it was changed while it was checked: then it is not the password any more.
 */
export async function usePassword(
  tx: Queryable,
  { citizenId, changedAt, now }: { citizenId: string; changedAt: Date; now: Date },
): Promise<boolean> {
  const rows = await tx.query(
    `update passwords set last_used_at = $2
      where citizen_id = $1 and date_trunc('milliseconds', changed_at) = $3 returning 1`,
    [citizenId, now, changedAt],
  );
  return rows.length > 0;
}

/**
 * Sets another password. Ending the other sessions and telling the citizen are the caller's.
 *
 * @param boundLevel what the new one is good for from now on.
 */
export async function changePassword(
  tx: Queryable,
  change: { citizenId: string; passwordHash: string; boundLevel: BoundLevel; now: Date },
): Promise<void> {
  await tx.query(
    `insert into passwords (citizen_id, hash, bound_level, changed_at) values ($1, $2, $3, $4)
     on conflict (citizen_id) do update
     set hash = excluded.hash, bound_level = excluded.bound_level, changed_at = excluded.changed_at`,
    [change.citizenId, change.passwordHash, change.boundLevel, change.now],
  );
}
