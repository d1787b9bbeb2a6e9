import type { Queryable } from '../platform/database.ts';
import { recordKey } from './record-key.ts';

/** Records that live for minutes: interactions and pushed authorization requests (RFC 9126). */
export type ShortLivedTable = 'interactions' | 'pushed_authorization_requests';

export interface ShortLivedRecord {
  jti?: string;
  exp: number;
  consumed?: number;
  [member: string]: unknown;
}

const FIND: Record<ShortLivedTable, string> = {
  interactions: 'select payload, null::timestamptz as consumed_at from interactions where key = $1',
  pushed_authorization_requests:
    'select payload, consumed_at from pushed_authorization_requests where key = $1',
};

export async function findShortLived(
  db: Queryable,
  table: ShortLivedTable,
  id: string,
): Promise<ShortLivedRecord | undefined> {
  const [row] = await db.query<{ payload: ShortLivedRecord; consumed_at: Date | null }>(FIND[table], [
    recordKey(id),
  ]);
  if (row === undefined) return undefined;
  const consumed = row.consumed_at && { consumed: Math.floor(row.consumed_at.getTime() / 1000) };
  return { ...row.payload, jti: id, ...consumed };
}

const save = (table: ShortLivedTable) => `
  insert into ${table} (key, payload, expires_at) values ($1, $2, $3)
  on conflict (key) do update set payload = excluded.payload, expires_at = excluded.expires_at`;

const SAVE: Record<ShortLivedTable, string> = {
  interactions: save('interactions'),
  pushed_authorization_requests: save('pushed_authorization_requests'),
};

/** @param keepUntil when the row may be purged; when the record itself expires is the library's to say */
export async function saveShortLived(
  db: Queryable,
  table: ShortLivedTable,
  id: string,
  record: ShortLivedRecord,
  keepUntil: Date,
): Promise<void> {
  const { jti: _, ...payload } = record;
  await db.query(SAVE[table], [recordKey(id), JSON.stringify(payload), keepUntil]);
}

const DESTROY: Record<ShortLivedTable, string> = {
  interactions: 'delete from interactions where key = $1',
  pushed_authorization_requests: 'delete from pushed_authorization_requests where key = $1',
};

export async function destroyShortLived(db: Queryable, table: ShortLivedTable, id: string): Promise<void> {
  await db.query(DESTROY[table], [recordKey(id)]);
}
