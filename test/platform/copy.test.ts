import test from 'ava';
import { freshDatabase } from '../support/database.ts';

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
