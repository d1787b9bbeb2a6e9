import { familyOf } from '../../citizens/guardianship.ts';
import { readCitizen } from '../../citizens/store.ts';
import type { Queryable } from '../../platform/database.ts';
import type { Cipher } from '../../platform/field-encryption.ts';
import { Problem } from '../../platform/problem.ts';
import { subjectOf } from '../people.ts';

/** Whose cases an officer leaves to others: their own, and those of their family. */
const tooNear = async (db: Queryable, officerId: string): Promise<string[]> => [
  officerId,
  ...(await familyOf(db, officerId)),
];

/**
 * Nobody decides an appeal of their own or of their family, nor one against an order that they gave.
 *
 * @throws Problem `health_own_case` 409
 */
export async function requireOthersAppeal(
  db: Queryable,
  { appealId, officerId }: { appealId: string; officerId: string },
): Promise<void> {
  const [own] = await db.query(
    `select 1 from health_appeals a where a.id = $1 and (a.citizen_id = any ($2::uuid[]) or exists (
       select from health_appeal_items i join health_orders o on i.kind = 'order' and o.id = i.item_id
       where i.citizen_id = a.citizen_id and i.appeal_id = a.id and $3 in (o.approver1, o.approver2)))`,
    [appealId, await tooNear(db, officerId), officerId],
  );
  if (own) throw new Problem('health_own_case', 409);
}

/**
 * Nobody gives, refuses or ends an order about themselves or their family. They are known by their documents: an
 * order may be about somebody who has no code yet.
 *
 * @throws Problem `health_own_case` 409
 */
export async function requireOthersOrder(
  db: Queryable,
  cipher: Cipher,
  { orderId, officerId }: { orderId: string; officerId: string },
): Promise<void> {
  const subjects: Buffer[] = [];
  for (const citizenId of await tooNear(db, officerId)) {
    const citizen = await readCitizen(db, cipher, citizenId);
    if (citizen) subjects.push(subjectOf(cipher, citizen.idNumber));
  }
  const [own] = await db.query(
    'select 1 from health_order_subjects where order_id = $1 and subject = any ($2::bytea[]) limit 1',
    [orderId, subjects],
  );
  if (own) throw new Problem('health_own_case', 409);
}
