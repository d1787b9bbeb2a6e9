import { existsSync, rmSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { accountFor } from './account.ts';
import { homeOf } from './home.ts';
import { stopLeftover } from './leftover.ts';
import { takeLock } from './lock.ts';

/**
 * Deletes the database that `startPostgres` keeps for `dataDir`, wherever it really lies, after stopping a
 * server that was left behind on it.
 *
 * @throws Error when a running process uses it.
 */
export async function removePostgres(folder: string): Promise<void> {
  const dataDir = resolve(folder);
  if (!existsSync(dirname(dataDir))) return;
  const lock = takeLock(`${dataDir}.lock`);
  if ('heldBy' in lock) {
    throw new Error(`The database in ${dataDir} is in use by process ${lock.heldBy}. Stop that one first.`);
  }
  try {
    const home = homeOf(dataDir, accountFor(statSync(dataDir, { throwIfNoEntry: false })));
    await stopLeftover(home);
    for (const path of [home, `${home}.new`, `${dataDir}.password`, `${dataDir}.log`]) {
      rmSync(path, { recursive: true, force: true });
    }
    if (home !== dataDir) rmSync(dirname(home), { recursive: true, force: true });
  } finally {
    lock.release();
  }
}
