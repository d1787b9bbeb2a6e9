import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { START_LOCK } from './open.ts';
import { takeLock } from './postgres/lock.ts';
import { removePostgres } from './postgres/remove.ts';

/** `npm run reset`: forgets everything the sandbox keeps, after stopping a database that was left behind. */
const dataDir = process.env.SANDBOX_DATA || fileURLToPath(new URL('../.data', import.meta.url));

async function reset(): Promise<string> {
  if (!existsSync(dataDir)) return 'There is nothing to reset.';
  const lock = takeLock(join(dataDir, START_LOCK));
  if ('heldBy' in lock) throw new Error(`The sandbox runs, as process ${lock.heldBy}. Stop it first.`);
  try {
    await removePostgres(join(dataDir, 'postgres'));
    await removePostgres(join(dataDir, 'neighbour/postgres'));
  } finally {
    lock.release();
  }
  rmSync(dataDir, { recursive: true, force: true });
  return `${dataDir} is empty again.`;
}

try {
  process.stdout.write(`${await reset()}\n`);
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}
