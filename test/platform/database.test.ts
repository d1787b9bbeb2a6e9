import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import pg from 'pg';
import { type Database, openDatabase, UNFLUSHED } from '../../src/platform/database.ts';
import { newId } from '../../src/platform/id.ts';
import { listMigrations, migrate, missingMigrations } from '../../src/platform/migrations.ts';
import { freshDatabase } from '../support/database.ts';

async function pipelined(t: Parameters<typeof freshDatabase>[0]): Promise<{ db: Database; asked: string[] }> {
  const { url } = await freshDatabase(t);
  const asked: string[] = [];
  const db = openDatabase(url, { max: 2, pipelined: true, onQuery: (text) => asked.push(text) });
  t.teardown(() => db.close());
  return { db, asked };
}

const BACKEND = 'select pg_backend_pid() as pid';

test('every look-up gets its own answer, also beside one that fails, on one connection', async (t) => {
  const { db, asked } = await pipelined(t);
  const answers = await Promise.allSettled(
    Array.from({ length: 50 }, (_, n) =>
      n % 7 === 3
        ? db.query('select 1 / $1::int as n', [0])
        : db.query<{ n: number; pid: number }>('select $1::int as n, pg_backend_pid() as pid', [n]),
    ),
  );
  for (const [n, answer] of answers.entries()) {
    if (n % 7 === 3) t.regex(String((answer as PromiseRejectedResult).reason), /division by zero/);
    else t.is((answer as PromiseFulfilledResult<{ n: number }[]>).value[0]?.n, n);
  }
  t.is(asked.length, 50);
  const backends = answers.flatMap((answer) =>
    answer.status === 'fulfilled' ? answer.value.map(({ pid }) => pid) : [],
  );
  t.is(new Set(backends).size, 1);
});

test('writes and transactions go by other connections, so a look-up never waits for them', async (t) => {
  const { db } = await pipelined(t);
  await db.query('create table things (n int)');
  const [line] = await db.query<{ pid: number }>(BACKEND);
  const [written] = await db.query<{ pid: number }>(
    'insert into things values (1) returning pg_backend_pid() as pid',
  );
  t.not(written?.pid, line?.pid);
  await db.transaction(async (tx) => {
    t.not((await tx.query<{ pid: number }>(BACKEND))[0]?.pid, line?.pid);
    await tx.query('lock table things in access exclusive mode');
    t.is((await db.query<{ pid: number }>(BACKEND))[0]?.pid, line?.pid);
  });
});

test('a write that need not be on disk goes with the look-ups, and leaves the next one as it was', async (t) => {
  const { db } = await pipelined(t);
  await db.query('create table things (n int, how text, pid int)');
  await db.query(`select set_config('synchronous_commit', 'on', false)`);
  const [line] = await db.query<{ pid: number }>(BACKEND);
  const [written] = await db.query<{ how: string; pid: number }>(
    `${UNFLUSHED} insert into things
     select $1::int, current_setting('synchronous_commit'), pg_backend_pid() from unflushed returning how, pid`,
    [1],
  );
  t.deepEqual(written, { how: 'off', pid: line!.pid });
  const [after] = await db.query<{ how: string }>(`select current_setting('synchronous_commit') as how`);
  t.is(after?.how, 'on');
});

test('look-ups under way when the connection dies are asked again, and the next has a new one', async (t) => {
  const { db } = await pipelined(t);
  const admin = new pg.Client(process.env.DATABASE_URL);
  await admin.connect();
  t.teardown(() => admin.end());
  const [line] = await db.query<{ pid: number }>(BACKEND);
  const underWay = db.query<{ n: number }>('select 1 as n from pg_sleep($1)', [0.2]);
  await admin.query('select pg_terminate_backend($1)', [line?.pid]);
  t.deepEqual(await underWay, [{ n: 1 }]);
  const [next] = await db.query<{ pid: number }>(BACKEND);
  t.not(next?.pid, line?.pid);
});

test('a server that is away is an error of the look-up, and nothing else', async (t) => {
  const db = openDatabase('postgres://nobody@127.0.0.1:1/nothing', { max: 1, pipelined: true });
  await t.throwsAsync(db.query(BACKEND), { code: 'ECONNREFUSED' });
  await t.throwsAsync(db.query(BACKEND), { code: 'ECONNREFUSED' });
  await db.close();
});

const COPY = 'copy numbers (n) from stdin';

test('what is copied belongs to the transaction', async (t) => {
  const db = await freshDatabase(t);
  await db.query('create table numbers (n integer)');
  const failed = db.transaction(async (_tx, copyIn) => {
    await copyIn(COPY, ['1\n', '2\n']);
    throw new Error('after all');
  });
  await t.throwsAsync(failed, { message: 'after all' });
  t.deepEqual(await db.query('select n from numbers'), []);
  await db.transaction((_tx, copyIn) => copyIn(COPY, ['1\n', '2\n']));
  t.is((await db.query('select n from numbers')).length, 2);
});

test('text that does not fit, or that fails to come, rolls back and leaves the connection in order', async (t) => {
  const db = await freshDatabase(t, { max: 1 });
  await db.query('create table numbers (n integer)');
  await t.throwsAsync(
    db.transaction((_tx, copyIn) => copyIn(COPY, ['one\n'])),
    { message: /invalid input/ },
  );
  async function* breaks() {
    yield '1\n';
    throw new Error('the source broke off');
  }
  await t.throwsAsync(
    db.transaction((_tx, copyIn) => copyIn(COPY, breaks())),
    { message: 'the source broke off' },
  );
  t.deepEqual(await db.query('select n from numbers'), []);
});

test('a connection that dies under COPY fails the transaction, not the process', async (t) => {
  const db = await freshDatabase(t, { max: 2 });
  await db.query('create table numbers (n integer)');
  const dies = db.transaction(async (tx, copyIn) => {
    const [me] = await tx.query<{ pid: number }>('select pg_backend_pid() as pid');
    async function* text() {
      for (let n = 0; n < 1_000; n += 1) {
        if (n === 5) await db.query('select pg_terminate_backend($1)', [me?.pid]);
        yield '1\n'.repeat(20_000);
      }
    }
    await copyIn(COPY, text());
  });
  await t.throwsAsync(dies);
  t.deepEqual(await db.query('select n from numbers'), []);
});

function folder(t: ExecutionContext, files: Record<string, string>): string {
  const path = mkdtempSync(join(tmpdir(), 'yimatong-migrations-'));
  t.teardown(() => rmSync(path, { recursive: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text);
  return path;
}

const creating = (table: string) => `
  export const up = (knex) => knex.raw('create table ${table} (id int); insert into ${table} values (1)');
  export const down = () => { throw new Error('forward only'); };`;

test('the migrations of this product are named so that they run in one order', (t) => {
  const files = listMigrations();
  t.deepEqual(files, files.toSorted());
});

test('a migration whose name would run out of order is refused by name', (t) => {
  t.throws(() => listMigrations(folder(t, { 'add_things.ts': '' })), { message: /add_things\.ts/ });
  t.throws(() => listMigrations(folder(t, { '202601010001_a.ts': '', '202601010001_b.ts': '' })), {
    message: /_b\.ts and 202601010001_a\.ts have the same number/,
  });
});

/** The address may have parameters already, such as the folder of a socket. */
function inSchema(address: string, schema: string): string {
  const url = new URL(address);
  url.searchParams.set('schema', schema);
  return url.href;
}

test('two processes that migrate at once run each migration once', async (t) => {
  const db = await freshDatabase(t);
  await db.query('create schema apart');
  const url = inSchema(db.url, 'apart');
  const directory = folder(t, {
    '202601010001_a.ts': creating('things'),
    '202601010002_b.ts': creating('more'),
  });
  const results = await Promise.all([
    migrate(url, directory),
    migrate(url, directory),
    migrate(url, directory),
  ]);
  t.deepEqual(results.map((done) => done.length).sort(), [0, 0, 2]);
  t.deepEqual(await db.query('select count(*) from apart.things'), [{ count: 1 }]);
});

test('a process killed while migrating does not block the next one', async (t) => {
  const db = await freshDatabase(t);
  await db.query('create schema apart');
  const url = inSchema(db.url, 'apart');
  const first = { '202601010001_a.ts': creating('things') };
  await migrate(url, folder(t, first));
  await db.query('update apart.knex_migrations_lock set is_locked = 1');
  const done = await migrate(url, folder(t, { ...first, '202601010002_b.ts': creating('more') }));
  t.is(done.length, 1);
});

test('a database that was not migrated says what it lacks', async (t) => {
  const db = await freshDatabase(t);
  t.deepEqual(await missingMigrations(db), []);
  await db.query('delete from knex_migrations where id = (select max(id) from knex_migrations)');
  t.is((await missingMigrations(db)).length, 1);
  await db.query('drop table knex_migrations');
  t.deepEqual(await missingMigrations(db), listMigrations());
});

test('an id is a version 7 UUID that carries the time', (t) => {
  const before = Date.now();
  const id = newId();
  t.regex(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  const time = Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16);
  t.true(time >= before && time <= Date.now());
});

test('ids of one process are unique and ascend, also within one millisecond', (t) => {
  const ids = Array.from({ length: 20_000 }, () => newId());
  t.is(new Set(ids).size, ids.length);
  t.deepEqual(ids, ids.toSorted());
});
