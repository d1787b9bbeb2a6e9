import type { Queryable } from '../platform/database.ts';
import { newId } from '../platform/id.ts';
import { accessRow, UnsafeAuditEvent } from './check-event.ts';

/** One look at a citizen's data, as the citizen reads it. */
export interface Access {
  id: string;
  clientId: string;
  /** Names of what was seen (`health_code`, `name` …), never its content. */
  what: string[];
  purpose: string;
  at: Date;
}

/**
 * Writes that a client saw something of a citizen, in the transaction that gives it out.
 *
 * @param options.unlessSince writes nothing where the same client saw the same for the same since then: for what is
 * looked at again and again.
 * @throws UnsafeAuditEvent when a field is not a plain name.
 */
export async function recordAccess(
  tx: Queryable,
  access: { citizenId: string; clientId: string; what: string[]; purpose: string; at: Date },
  { unlessSince }: { unlessSince?: Date } = {},
): Promise<void> {
  const checked = accessRow.safeParse(access);
  if (!checked.success) {
    const fields = checked.error.issues.map((issue) => issue.path.join('.') || 'an unknown field');
    throw new UnsafeAuditEvent(`an access row may not hold this: ${[...new Set(fields)].join(', ')}`);
  }
  await tx.query(
    `insert into access_log (citizen_id, id, client_id, what, purpose, at)
     select $1, $2, $3, $4, $5, $6 where $7::timestamptz is null or not exists (
       select 1 from access_log
       where citizen_id = $1 and at > $7 and client_id = $3 and what = $4 and purpose = $5)`,
    [access.citizenId, newId(), access.clientId, access.what, access.purpose, access.at, unlessSince ?? null],
  );
}

interface Row {
  id: string;
  client_id: string;
  what: string[];
  purpose: string;
  at: Date;
}

/** Where the next page begins: the last row of this one. */
export interface AccessCursor {
  at: Date;
  id: string;
}

/**
 * A page of who saw a citizen's data, newest first.
 *
 * @param page.after the `next` of the page before.
 * @param page.limit rows a page, 20 unless told, 100 at most.
 */
export async function readAccess(
  db: Queryable,
  citizenId: string,
  page: { after?: AccessCursor | undefined; limit?: number } = {},
): Promise<{ rows: Access[]; next: AccessCursor | undefined }> {
  const limit = Math.min(page.limit ?? 20, 100);
  const rows = page.after
    ? await db.query<Row>(
        `select id, client_id, what, purpose, at from access_log
         where citizen_id = $1 and (at, id) < ($2, $3)
         order by at desc, id desc limit $4`,
        [citizenId, page.after.at, page.after.id, limit + 1],
      )
    : await db.query<Row>(
        `select id, client_id, what, purpose, at from access_log
         where citizen_id = $1 order by at desc, id desc limit $2`,
        [citizenId, limit + 1],
      );
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return {
    rows: shown.map((row) => ({
      id: row.id,
      clientId: row.client_id,
      what: row.what,
      purpose: row.purpose,
      at: row.at,
    })),
    next: rows.length > limit && last ? { at: last.at, id: last.id } : undefined,
  };
}
