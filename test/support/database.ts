import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import pg from 'pg';
import { type Database, openDatabase } from '../../src/platform/database.ts';
import { listMigrations, MIGRATIONS, migrate } from '../../src/platform/migrations.ts';

/** A migrated database of one test's own. */
export interface TestDatabase extends Database {
  /** Its address, for other processes that are to work on it. */
  readonly url: string;
  /** Statements sent through `query` and `transaction` so far, without BEGIN and COMMIT. */
  readonly statements: readonly string[];
}

const server = (): string => {
  const url = process.env.DATABASE_URL;
  if (!url)
    throw new Error('Tests with a database run through "npm test -- test/….test.ts", or set DATABASE_URL.');
  return url;
};

const onServer = (database: string): string => {
  const url = new URL(server());
  url.pathname = `/${database}`;
  return url.href;
};

let shared: pg.Pool | undefined;
const admin = () => {
  shared ??= new pg.Pool({
    connectionString: server(),
    max: 2,
    idleTimeoutMillis: 1_000,
    allowExitOnIdle: true,
  });
  return shared;
};

/** The template's name changes with the migrations, so that one server can serve several checkouts. */
function templateName(): string {
  const hash = createHash('sha256');
  for (const file of listMigrations()) hash.update(file).update(readFileSync(join(MIGRATIONS, file)));
  return `ymt_template_${hash.digest('hex').slice(0, 16)}`;
}

async function createTemplate(): Promise<string> {
  const name = templateName();
  const exists = 'select 1 from pg_database where datname = $1';
  if ((await admin().query(exists, [name])).rowCount) return name;
  const connection = await admin().connect();
  try {
    await connection.query(`select pg_advisory_lock(hashtext('ymt_template'))`);
    if ((await connection.query(exists, [name])).rowCount) return name;
    // Under its final name only when it is complete: a killed run must not leave half a template.
    await connection.query(`drop database if exists ${name}_new with (force)`);
    await connection.query(`create database ${name}_new`);
    await migrate(onServer(`${name}_new`));
    await connection.query(`alter database ${name}_new rename to ${name}`);
    return name;
  } finally {
    await connection.query(`select pg_advisory_unlock(hashtext('ymt_template'))`);
    connection.release();
  }
}

let template: Promise<string> | undefined;
let count = 0;

/** Creates a database as the migrations leave it. */
async function createCopy(): Promise<string> {
  template ??= createTemplate();
  const name = `ymt_test_${process.env.TEST_RUN ?? process.pid}_${process.pid}_${Date.now().toString(36)}_${++count}`;
  await admin().query(`create database ${name} template ${await template} strategy file_copy`);
  return name;
}

/**
 * Gives the test a migrated database of its own, dropped when the test ends; called in a hook (`test.before`), it is
 * left to `test/run.ts`.
 */
export async function freshDatabase(
  t: ExecutionContext<unknown>,
  options: { max?: number } = {},
): Promise<TestDatabase> {
  const name = await createCopy();
  const url = onServer(name);
  const statements: string[] = [];
  const db = openDatabase(url, { max: options.max ?? 5, onQuery: (text) => statements.push(text) });
  let closed: Promise<void> | undefined;
  const close = () => {
    closed ??= db.close();
    return closed;
  };
  const drop = async () => {
    await close();
    await admin().query(`drop database if exists ${name} with (force)`);
  };
  if (!isHook(t)) t.teardown(drop);
  return { ...db, close, url, statements };
}

/** Ava knows no teardown in hooks, and says which one it is only in the title. */
export const isHook = (t: ExecutionContext<unknown>): boolean => /^(before|beforeEach) hook/.test(t.title);
