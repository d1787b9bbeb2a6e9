import { type Queryable, UNFLUSHED } from '../platform/database.ts';
import { recordKey } from './record-key.ts';
import type { SessionRecord } from './session-store.ts';

export type TokenTable = 'authorization_codes' | 'access_tokens' | 'refresh_tokens';

export interface TokenRecord {
  jti: string;
  exp: number;
  grantId?: string;
  sessionUid?: string;
  consumed?: number;
  [member: string]: unknown;
}

/** A token with what every use of it needs next, as one statement saw them. */
export interface FoundToken {
  table: TokenTable;
  token: TokenRecord;
  grant?: Record<string, unknown>;
  session?: SessionRecord;
  consumedAt?: Date;
}

interface Row {
  table: TokenTable;
  payload: TokenRecord;
  consumed_at: string | null;
  grant_payload: Record<string, unknown> | null;
  session_details: SessionRecord | null;
  session_authorizations: SessionRecord['authorizations'] | null;
}

/**
 * SQL that selects one `Row` by a token's key (`$1`, now is `$2`), whichever kind of token it is: introspection
 * and revocation do not know. The token is `t`, so that more can be joined to it. Each `limit 1` ends a look-up at what
 * it found, and keeps the planner from reading a table end to end that was small when it planned. The row comes as one
 * JSON object, which is read sooner than ten columns.
 */
export const tokenSql = (alsoSelect = '', alsoJoin = '') => `
  select row_to_json(found) as row from (
  select t."table", t.payload, t.consumed_at, g.payload as grant_payload, s.details as session_details,
         s.authorizations as session_authorizations ${alsoSelect}
    from (
      select 'access_tokens' as "table", payload, grant_id, session_uid, null::timestamptz as consumed_at
        from access_tokens where key = $1
      union all
      select 'refresh_tokens', payload, grant_id, session_uid, consumed_at from refresh_tokens where key = $1
      union all
      select 'authorization_codes', payload, grant_id, session_uid, consumed_at
        from authorization_codes where key = $1
      limit 1
    ) t
    left join lateral (
      select payload from grants where id = t.grant_id and expires_at > $2 limit 1) g on true
    left join lateral (
      select details, authorizations from sessions
       where uid = t.session_uid and ended_at is null and expires_at > $2 limit 1) s on true
    ${alsoJoin}) found`;

/**
 * Finds a token by its value in one round trip.
 *
 * @param sql of `tokenSql`
 * @returns it, and the row for what `sql` selects beside it
 */
export async function queryToken<Extra>(
  db: Queryable,
  sql: string,
  value: string,
  now: Date,
): Promise<{ found: FoundToken; row: Extra } | undefined> {
  const [answer] = await db.query<{ row: Row & Extra }>(sql, [recordKey(value), now.toISOString()]);
  if (answer === undefined) return undefined;
  const { row } = answer;
  const consumedAt = row.consumed_at === null ? undefined : new Date(row.consumed_at);
  const found: FoundToken = {
    table: row.table,
    token: {
      ...row.payload,
      jti: value,
      ...(consumedAt && { consumed: Math.floor(consumedAt.getTime() / 1000) }),
    },
    ...(row.grant_payload && { grant: row.grant_payload }),
    ...(row.session_details && {
      session: { ...row.session_details, authorizations: row.session_authorizations ?? {} },
    }),
    ...(consumedAt && { consumedAt }),
  };
  return { found, row };
}

const TOKEN = tokenSql();

/** The token with its grant and session. */
export async function findToken(db: Queryable, value: string, now: Date): Promise<FoundToken | undefined> {
  return (await queryToken(db, TOKEN, value, now))?.found;
}

const save = (table: TokenTable) => `
  insert into ${table} (key, grant_id, session_uid, payload, expires_at) values ($1, $2, $3, $4, $5)
  on conflict (key) do update set payload = excluded.payload, expires_at = excluded.expires_at`;

const SAVE: Record<TokenTable, string> = {
  authorization_codes: save('authorization_codes'),
  // After a crash of the database the newest are unknown, and their clients refresh once more.
  access_tokens: `${UNFLUSHED}
    insert into access_tokens (key, grant_id, session_uid, payload, expires_at)
    select $1::bytea, $2::text, $3::text, $4::jsonb, $5::timestamptz from unflushed
    on conflict (key) do update set payload = excluded.payload, expires_at = excluded.expires_at`,
  refresh_tokens: save('refresh_tokens'),
};

/** Not inside a transaction: see `UNFLUSHED`. */
export async function saveToken(db: Queryable, table: TokenTable, value: string, record: TokenRecord) {
  const { jti: _, ...payload } = record;
  await db.query(SAVE[table], [
    recordKey(value),
    record.grantId ?? null,
    record.sessionUid ?? null,
    JSON.stringify(payload),
    new Date(record.exp * 1000),
  ]);
}

export type ConsumableTable = 'authorization_codes' | 'refresh_tokens' | 'pushed_authorization_requests';

const consume = (table: ConsumableTable) =>
  `update ${table} set consumed_at = $2 where key = $1 and consumed_at is null returning 1 as won`;

const CONSUME: Record<ConsumableTable, string> = {
  authorization_codes: consume('authorization_codes'),
  refresh_tokens: consume('refresh_tokens'),
  pushed_authorization_requests: consume('pushed_authorization_requests'),
};

/** Uses a record up. @returns false when somebody else already had */
export async function consumeRecord(
  db: Queryable,
  table: ConsumableTable,
  value: string,
  now: Date,
): Promise<boolean> {
  const rows = await db.query(CONSUME[table], [recordKey(value), now]);
  return rows.length === 1;
}

const DESTROY: Record<TokenTable, string> = {
  authorization_codes: 'delete from authorization_codes where key = $1',
  access_tokens: 'delete from access_tokens where key = $1',
  refresh_tokens: 'delete from refresh_tokens where key = $1',
};

export async function destroyToken(db: Queryable, table: TokenTable, value: string): Promise<void> {
  await db.query(DESTROY[table], [recordKey(value)]);
}
