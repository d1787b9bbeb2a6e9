import { chmodSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { holderOf, isAlive } from './lock.ts';
import { removePostgres } from './remove.ts';
import { startPostgres } from './start.ts';

const PREFIX = 'yimatong-temporary-';

/** Removes what runs that were killed left in the system's temporary folder. */
async function sweep(): Promise<void> {
  for (const name of readdirSync(tmpdir())) {
    if (!name.startsWith(PREFIX)) continue;
    // The name carries its maker's process id: a folder whose maker has not yet taken the lock is in use too.
    const maker = Number(name.slice(PREFIX.length).split('-')[0]);
    const folder = join(tmpdir(), name);
    if (holderOf(join(folder, 'postgres.lock')) !== undefined || isAlive(maker)) continue;
    try {
      await removePostgres(join(folder, 'postgres'));
      rmSync(folder, { recursive: true, force: true });
    } catch {
      // Another user's, or another run sweeps it at this moment.
    }
  }
}

/** Starts a throw-away server for tests and measurements: fast, without durability, gone when stopped. */
export async function startTemporaryPostgres(): Promise<{ url: string; stop(): Promise<void> }> {
  await sweep();
  const folder = mkdtempSync(join(realpathSync(tmpdir()), `${PREFIX}${process.pid}-`));
  // PostgreSQL may run under another user, who must be able to pass through.
  chmodSync(folder, 0o711);
  const dataDir = join(folder, 'postgres');
  const postgres = await startPostgres({ dataDir, durable: false });
  return {
    url: postgres.url,
    async stop() {
      await postgres.stop();
      await removePostgres(dataDir);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
