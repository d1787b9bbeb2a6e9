import {
  accessSync,
  chmodSync,
  constants,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  statfsSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { holderOf, isAlive } from './lock.ts';
import { removePostgres } from './remove.ts';
import { startPostgres } from './start.ts';

const PREFIX = 'yimatong-temporary-';

/** A folder in memory, where Linux has one. */
const IN_MEMORY = '/dev/shm';
const ENOUGH_BYTES = 2 * 2 ** 30;

/** Where the data go: tests make hundreds of databases, and a busy disk takes seconds for each. */
function place(): string {
  try {
    accessSync(IN_MEMORY, constants.W_OK);
    const { bavail, bsize } = statfsSync(IN_MEMORY);
    if (bavail * bsize >= ENOUGH_BYTES) return IN_MEMORY;
  } catch {
    // There is none, or it is not ours: the disk serves as well.
  }
  return realpathSync(tmpdir());
}

/** Removes what runs that were killed left there. */
async function sweep(home: string): Promise<void> {
  for (const name of readdirSync(home)) {
    if (!name.startsWith(PREFIX)) continue;
    // The name carries its maker's process id: a folder whose maker has not yet taken the lock is in use too.
    const maker = Number(name.slice(PREFIX.length).split('-')[0]);
    const folder = join(home, name);
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
  const home = place();
  await sweep(home);
  const folder = mkdtempSync(join(home, `${PREFIX}${process.pid}-`));
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
