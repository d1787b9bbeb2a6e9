import type { Database } from '../platform/database.ts';
import type { Cipher } from '../platform/field-encryption.ts';

const FIRST = '00000000-0000-0000-0000-000000000000';

/**
 * Wraps the persons' keys anew with the current master key, one batch a transaction; what is sealed with them
 * stays. Persons who are done are passed over, so that it may be stopped and run again. What a master key seals
 * by itself is the matter of `platform/reseal.ts`.
 *
 * @returns how many keys were wrapped anew.
 */
export async function rotateMasterKey(db: Database, cipher: Cipher, { limit = 500 } = {}): Promise<number> {
  let after = FIRST;
  let rotated = 0;
  for (;;) {
    const rows = await db.transaction(async (tx) => {
      const batch = await tx.query<{ id: string; wrapped_key: Buffer }>(
        'select id, wrapped_key from citizens where id > $1 order by id limit $2 for update',
        [after, limit],
      );
      const changed = batch.flatMap(({ id, wrapped_key }) => {
        const wrapped = cipher.rewrap(wrapped_key, id);
        return wrapped ? [{ id, wrapped }] : [];
      });
      if (changed.length > 0) {
        await tx.query(
          `update citizens c set wrapped_key = n.wrapped
           from unnest($1::uuid[], $2::bytea[]) as n (id, wrapped) where c.id = n.id`,
          [changed.map(({ id }) => id), changed.map(({ wrapped }) => wrapped)],
        );
      }
      rotated += changed.length;
      return batch;
    });
    const last = rows.at(-1);
    if (!last) return rotated;
    after = last.id;
  }
}
