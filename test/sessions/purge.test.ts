import test, { type ExecutionContext } from 'ava';
import { purgeProtocolRecords } from '../../src/sessions/purge.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { textOf } from '../support/sources.ts';

const NOW = new Date('2026-11-23T02:00:00Z');
const TABLES = [
  'interactions',
  'authorization_codes',
  'access_tokens',
  'refresh_tokens',
  'pushed_authorization_requests',
  'replay_records',
  'grants',
  'sessions',
] as const;

/** `over` rows in each table that expired an hour ago and `live` that expire in one. */
async function fill(db: TestDatabase, over: number, live: number): Promise<void> {
  const expiry = `case when n <= $1 then $3::timestamptz - interval '1 hour' else $3::timestamptz + interval '1 hour' end`;
  const rows = 'generate_series(1, $1::int + $2::int) n';
  const values = [over, live, NOW];
  const key = (prefix: string) => `sha256(('${prefix}' || n)::bytea)`;
  for (const table of ['interactions', 'pushed_authorization_requests']) {
    await db.query(
      `insert into ${table} (key, payload, expires_at) select ${key(table)}, '{}', ${expiry} from ${rows}`,
      values,
    );
  }
  for (const table of ['authorization_codes', 'access_tokens', 'refresh_tokens']) {
    await db.query(
      `insert into ${table} (key, payload, expires_at) select ${key(table)}, '{}', ${expiry} from ${rows}`,
      values,
    );
  }
  await db.query(
    `insert into replay_records (key, expires_at) select ${key('r')}, ${expiry} from ${rows}`,
    values,
  );
  await db.query(
    `insert into grants (id, client_id, payload, expires_at) select 'g' || n, 'c', '{}', ${expiry} from ${rows}`,
    values,
  );
  await db.query(
    `insert into sessions (uid, key, account_id, details, created_at, expires_at, ended_at)
     select 'u' || n, ${key('s')}, 'a', '{}', $3, ${expiry}, case when n % 2 = 0 then $3::timestamptz end from ${rows}`,
    values,
  );
}

const counts = async (db: TestDatabase) => {
  const pairs = await Promise.all(
    TABLES.map(async (table) => {
      const [row] = await db.query<{ n: number }>(`select count(*)::int as n from ${table}`);
      return [table, row?.n ?? -1] as const;
    }),
  );
  return Object.fromEntries(pairs);
};

const each = (n: number, sessions: number) => ({
  ...Object.fromEntries(TABLES.map((table) => [table, n])),
  sessions,
});

test('what has expired is deleted in batches, what has not stays, and so do sessions that nobody was told about', async (t) => {
  const db = await freshDatabase(t);
  await fill(db, 100, 10);
  const gone = await purgeProtocolRecords(db, { now: NOW, limit: 30 });
  t.is(gone, 7 * 100 + 50);
  t.deepEqual(await counts(db), each(10, 60));
  const deletes = db.statements.filter((text) => /^\s*delete from interactions/.test(text));
  t.is(deletes.length, 4, 'four batches of at most thirty');
  t.is(await purgeProtocolRecords(db, { now: NOW }), 0);
});

test('a record outlives its expiry by a minute, so that a late replay is still known as one', async (t) => {
  const db = await freshDatabase(t);
  await db.query(`insert into refresh_tokens (key, payload, expires_at) values ('\\x01', '{}', $1)`, [NOW]);
  const at = (seconds: number) => new Date(NOW.getTime() + seconds * 1000);
  t.is(await purgeProtocolRecords(db, { now: at(59) }), 0);
  t.is(await purgeProtocolRecords(db, { now: at(60) }), 1);
});

async function withLocks(t: ExecutionContext, db: TestDatabase, work: () => Promise<void>): Promise<void> {
  const busy = await db.pool.connect();
  try {
    await busy.query('begin');
    const { rows } = await busy.query(
      `select key from access_tokens order by expires_at, key limit 5 for update`,
    );
    t.is(rows.length, 5);
    await work();
  } finally {
    await busy.query('rollback');
    busy.release();
  }
}

test('two purgers at once delete everything once between them', async (t) => {
  const db = await freshDatabase(t, { max: 8 });
  await fill(db, 500, 5);
  const gone = await Promise.all([1, 2, 3].map(() => purgeProtocolRecords(db, { now: NOW, limit: 20 })));
  t.is(
    gone.reduce((sum, n) => sum + n, 0),
    7 * 500 + 250,
  );
  t.deepEqual(await counts(db), each(5, 255));
});

test('a purge passes over rows that somebody is using instead of waiting for them', async (t) => {
  const db = await freshDatabase(t, { max: 8 });
  await fill(db, 40, 0);
  await withLocks(t, db, async () => {
    await purgeProtocolRecords(db, { now: NOW, limit: 10 });
    t.is((await counts(db)).access_tokens, 5);
  });
  await purgeProtocolRecords(db, { now: NOW, limit: 10 });
  t.is((await counts(db)).access_tokens, 0);
});

test('the purge is on the schedule', (t) => {
  t.regex(textOf('src/schedule.ts'), /every\(60, 'purge'[\s\S]*purgeProtocolRecords\(db, \{ now \}\)/);
});
