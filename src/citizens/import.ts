import type { Queryable } from '../platform/database.ts';
import type { Cipher } from '../platform/field-encryption.ts';
import { Problem } from '../platform/problem.ts';
import { documentKey } from './identifiers.ts';
import { isSamePerson } from './same-person.ts';
import { createCitizen, type NewCitizen, readCitizen } from './store.ts';

/**
 * Records a user of an older platform: a person without an account, at anonymous since nothing is proved, found
 * by their old identifier too. Registering with the same document claims it, with the same citizen id.
 *
 * @returns the citizen's id; the same one when the import runs again.
 * @throws Problem `document_shared` 409 when somebody else has a passport with that number.
 */
export async function importCitizen(
  tx: Queryable,
  cipher: Cipher,
  old: NewCitizen & { system: string; oldIdentifier: string },
): Promise<string> {
  const citizenId =
    (await findByBinding(tx, cipher, old)) ??
    (await findDocumentOwner(tx, cipher, old)) ??
    (await createCitizen(tx, cipher, old));
  await tx.query(
    `insert into bindings (system, index, citizen_id, created_at) values ($1, $2, $3, $4)
     on conflict (system, index) do nothing`,
    [old.system, bindingIndex(cipher, old), citizenId, old.now],
  );
  return citizenId;
}

const bindingIndex = (cipher: Cipher, { system, oldIdentifier }: { system: string; oldIdentifier: string }) =>
  cipher.blindIndex(`binding:${system}`, oldIdentifier);

/** Whom an older platform called `oldIdentifier`. */
export async function findByBinding(
  db: Queryable,
  cipher: Cipher,
  binding: { system: string; oldIdentifier: string },
): Promise<string | undefined> {
  const [row] = await db.query<{ citizen_id: string }>(
    'select citizen_id from bindings where system = $1 and index = $2',
    [binding.system, bindingIndex(cipher, binding)],
  );
  return row?.citizen_id;
}

/** @throws Problem `document_shared` 409 when somebody else has a passport with that number. */
async function findDocumentOwner(
  db: Queryable,
  cipher: Cipher,
  person: NewCitizen,
): Promise<string | undefined> {
  const [row] = await db.query<{ citizen_id: string }>(
    `select citizen_id from identifiers where kind = 'id_number' and index = $1`,
    [cipher.blindIndex('id_number', documentKey(person.idNumber))],
  );
  const owner = row && (await readCitizen(db, cipher, row.citizen_id));
  if (owner && !isSamePerson(owner, person)) throw new Problem('document_shared', 409);
  return owner?.id;
}
