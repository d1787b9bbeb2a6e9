import test from 'ava';
import pg from 'pg';
import { type Database, openDatabase, UNFLUSHED } from '../../src/platform/database.ts';
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
