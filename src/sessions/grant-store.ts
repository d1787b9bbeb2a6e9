import type { Queryable } from '../platform/database.ts';

export interface GrantRecord {
  accountId?: string;
  clientId: string;
  exp: number;
  [member: string]: unknown;
}

export async function findGrant(db: Queryable, id: string, now: Date): Promise<GrantRecord | undefined> {
  const [row] = await db.query<{ payload: GrantRecord }>(
    'select payload from grants where id = $1 and expires_at > $2',
    [id, now],
  );
  return row?.payload;
}

export async function saveGrant(db: Queryable, id: string, record: GrantRecord): Promise<void> {
  await db.query(
    `insert into grants (id, account_id, client_id, payload, expires_at) values ($1, $2, $3, $4, $5)
     on conflict (id) do update set payload = excluded.payload, expires_at = excluded.expires_at`,
    [id, record.accountId ?? null, record.clientId, JSON.stringify(record), new Date(record.exp * 1000)],
  );
}
