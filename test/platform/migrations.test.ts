import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { listMigrations, migrate, missingMigrations } from '../../src/platform/migrations.ts';
import { freshDatabase } from '../support/database.ts';

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
