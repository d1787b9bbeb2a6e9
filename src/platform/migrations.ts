import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { openDatabase, type Queryable } from './database.ts';

export const MIGRATIONS = fileURLToPath(new URL('../../migrations', import.meta.url));

const NAME = /^2\d{11}_[a-z][a-z0-9_]*\.ts$/;
/** Any constant: whoever migrates a database holds this advisory lock of it ("ymt" and "migr" in ASCII). */
const LOCK = [0x796d74, 0x6d696772];

/**
 * The migrations in the order in which they run.
 *
 * @throws Error that names the file whose name would break that order.
 */
export function listMigrations(directory = MIGRATIONS): string[] {
  const files = readdirSync(directory)
    .filter((file) => !file.startsWith('.'))
    .sort();
  const numbers = new Map<string, string>();
  for (const file of files) {
    if (!NAME.test(file)) {
      throw new Error(
        `migrations/${file}: a migration is named YYYYMMDDNNNN_room.ts (twelve digits, a name).`,
      );
    }
    const number = file.slice(0, 12);
    const other = numbers.get(number);
    if (other)
      throw new Error(`migrations/${file} and ${other} have the same number; give one the next free one.`);
    numbers.set(number, file);
  }
  return files;
}

/**
 * Brings the database up to date. Safe in several processes at once: the second waits for the first and then
 * finds nothing to do.
 *
 * @param url as for `openDatabase`; its schema, if it names one, must exist.
 * @returns the migrations that ran, in order.
 */
export async function migrate(url: string, directory = MIGRATIONS): Promise<string[]> {
  if (await upToDate(url, directory)) return [];
  const parsed = new URL(url);
  const schema = parsed.searchParams.get('schema') ?? undefined;
  parsed.searchParams.delete('schema');
  // Loaded only here: most starts find nothing to migrate and do without its 300 modules.
  const { default: knex } = await import('knex');
  const db = knex({
    client: 'pg',
    connection: parsed.href,
    pool: { min: 0, max: 2 },
    ...(schema && { searchPath: [schema] }),
  });
  const config = { directory, loadExtensions: ['.ts'], ...(schema && { schemaName: schema }) };
  try {
    return await db.transaction(async (holder) => {
      await holder.raw('select pg_advisory_xact_lock(?, ?)', LOCK);
      // Ours ends with its connection. Knex's own lock is a row, which a killed process leaves set for good.
      await db.migrate.forceFreeMigrationsLock(config);
      const [, done] = (await db.migrate.latest(config)) as [number, string[]];
      return done;
    });
  } finally {
    await db.destroy();
  }
}

async function upToDate(url: string, directory: string): Promise<boolean> {
  const db = openDatabase(url, { max: 1 });
  try {
    return (await missingMigrations(db, directory)).length === 0;
  } finally {
    await db.close();
  }
}

/** The migrations that the database still lacks; one that is newer than this program lacks nothing. */
export async function missingMigrations(db: Queryable, directory = MIGRATIONS): Promise<string[]> {
  const [table] = await db.query<{ found: boolean }>(
    `select to_regclass('knex_migrations') is not null as found`,
  );
  const done = table?.found ? await db.query<{ name: string }>('select name from knex_migrations') : [];
  const names = new Set(done.map(({ name }) => name));
  return listMigrations(directory).filter((file) => !names.has(file));
}
