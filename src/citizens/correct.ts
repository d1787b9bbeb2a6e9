import type { Queryable } from '../platform/database.ts';
import type { Cipher } from '../platform/field-encryption.ts';
import { Problem } from '../platform/problem.ts';
import { documentKey } from './identifiers.ts';
import { claimIdentifier } from './store.ts';

/**
 * Takes over what the register now says of a person: another name, a corrected number. Account, credentials and
 * `sub` stay; the evidence is the caller's.
 *
 * @throws Problem `id_already_registered` 409 when the corrected number is another person's.
 */
export async function correctCitizen(
  tx: Queryable,
  cipher: Cipher,
  {
    citizenId,
    name,
    idNumber,
    birthDate,
    now,
  }: {
    citizenId: string;
    name?: string;
    idNumber?: string;
    /** `YYYY-MM-DD`, of the corrected number. */
    birthDate?: string | undefined;
    now: Date;
  },
): Promise<void> {
  const [row] = await tx.query<{ wrapped_key: Buffer; name: Buffer; id_number: Buffer }>(
    'select wrapped_key, name, id_number from citizens where id = $1 for update',
    [citizenId],
  );
  if (!row) throw new RangeError(`no citizen ${citizenId}`);
  const key = cipher.open(row.wrapped_key, citizenId);
  if (idNumber !== undefined) {
    const before = cipher.blindIndex('id_number', documentKey(key.unseal('id_number', row.id_number)));
    const after = cipher.blindIndex('id_number', documentKey(idNumber));
    if (!(await claimIdentifier(tx, 'id_number', after, citizenId)))
      throw new Problem('id_already_registered', 409);
    if (!before.equals(after)) {
      await tx.query(`delete from identifiers where kind = 'id_number' and index = $1 and citizen_id = $2`, [
        before,
        citizenId,
      ]);
    }
  }
  await tx.query(
    'update citizens set name = $2, id_number = $3, birth_date = coalesce($5, birth_date), updated_at = $4 where id = $1',
    [
      citizenId,
      name === undefined ? row.name : key.seal('name', name),
      idNumber === undefined ? row.id_number : key.seal('id_number', idNumber),
      now,
      birthDate === undefined ? null : key.seal('birth_date', birthDate),
    ],
  );
}
