import { documentKey } from '../citizens/identifiers.ts';
import { readCitizen } from '../citizens/store.ts';
import type { Queryable } from '../platform/database.ts';
import type { Cipher } from '../platform/field-encryption.ts';
import { Problem } from '../platform/problem.ts';

/** What sources' rows are filed under: the blind index of the document number. */
export const subjectOf = (cipher: Cipher, idNumber: string): Buffer =>
  cipher.blindIndex('id_number', documentKey(idNumber));

/** A citizen as far as a health page shows them. */
export interface Holder {
  citizenId: string;
  name: string;
  maskedName: string;
  /** For comparison with a document: never more than this. */
  lastTwo: string;
  subject: Buffer;
}

/**
 * The name with everything but its first character hidden: `张*`, `欧**`, `A***`. Long names get no more
 * than three stars, so that their length says nothing.
 */
export function maskName(name: string): string {
  const [first = '', ...rest] = Array.from(name.trim());
  return first + '*'.repeat(Math.min(rest.length, 3));
}

/** @throws Problem `health_no_person` 404 for somebody who is not known, or deceased. */
export async function readHolder(db: Queryable, cipher: Cipher, citizenId: string): Promise<Holder> {
  const citizen = await readCitizen(db, cipher, citizenId);
  if (citizen?.state !== 'active') throw new Problem('health_no_person', 404);
  return {
    citizenId,
    name: citizen.name,
    maskedName: maskName(citizen.name),
    lastTwo: citizen.idNumber.slice(-2),
    subject: subjectOf(cipher, citizen.idNumber),
  };
}
