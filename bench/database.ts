import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removePostgres } from '../sandbox/postgres/remove.ts';
import { startPostgres } from '../sandbox/postgres/start.ts';
import { migrate } from '../src/platform/migrations.ts';

/**
 * Lends a migrated, empty database on a PostgreSQL of its own that keeps what it acknowledges.
 *
 * @param work gets its address and a folder for files; both are gone afterwards.
 */
export async function onFreshDatabase<T>(work: (url: string, folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'yimatong-bench-'));
  const dataDir = join(folder, 'postgres');
  const postgres = await startPostgres({ dataDir, durable: true });
  try {
    await migrate(postgres.url);
    return await work(postgres.url, folder);
  } finally {
    await postgres.stop();
    await removePostgres(dataDir);
    rmSync(folder, { recursive: true, force: true });
  }
}
