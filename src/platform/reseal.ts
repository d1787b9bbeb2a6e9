import type { Database } from './database.ts';
import type { Cipher } from './field-encryption.ts';

/** A column that holds values of `Cipher.sealShared`. All parts are constants of the program, never input. */
export interface SealedColumn {
  table: string;
  column: string;
  purpose: string;
  /** SQL over the row that gives the owner's name, as the room that seals it says it. */
  owner: string;
}

/** Allows a guarded table to have a sealed value replaced by the same one under another key, and nothing else. */
const ALLOW = `select set_config('yimatong.reseal', 'on', true)`;

/**
 * Seals the values of a column anew with the current master key, one batch a transaction. Rows that are sealed
 * with it already are passed over, so that it may be stopped and run again.
 *
 * @returns how many values were sealed anew.
 */
export async function resealColumn(
  db: Database,
  cipher: Cipher,
  { table, column, purpose, owner }: SealedColumn,
  { limit = 500 } = {},
): Promise<number> {
  let resealed = 0;
  let after = '(0,0)';
  for (;;) {
    const batch = await db.transaction(async (tx) => {
      await tx.query(ALLOW);
      // Pages of the table in their order: no index is needed, and each page is read once.
      const rows = await tx.query<{ at: string; owner: string; sealed: Buffer }>(
        `select ctid::text as at, ${owner} as owner, ${column} as sealed from ${table}
         where ctid > $1::tid and ${column} is not null order by ctid limit $2 for update`,
        [after, limit],
      );
      const changed = rows.flatMap((row) => {
        const sealed = cipher.resealShared(purpose, row.owner, row.sealed);
        return sealed ? [{ at: row.at, sealed }] : [];
      });
      if (changed.length > 0) {
        await tx.query(
          `update ${table} t set ${column} = n.sealed from unnest($1::tid[], $2::bytea[]) as n (at, sealed)
           where t.ctid = n.at`,
          [changed.map(({ at }) => at), changed.map(({ sealed }) => sealed)],
        );
      }
      resealed += changed.length;
      return rows;
    });
    const last = batch.at(-1);
    if (!last) return resealed;
    after = last.at;
  }
}

/** How many values of a column still are under another key than the current one: written meanwhile by a process
 *  that has not been restarted. */
export async function remainingSealed(
  db: Database,
  cipher: Cipher,
  { table, column }: Pick<SealedColumn, 'table' | 'column'>,
): Promise<number> {
  const { currentHeader: header } = cipher;
  const [row] = await db.query<{ n: number }>(
    `select count(*) as n from ${table} where ${column} is not null and substring(${column} from 1 for $1) <> $2`,
    [header.length, header],
  );
  return row?.n ?? 0;
}
