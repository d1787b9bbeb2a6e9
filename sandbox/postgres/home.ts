import { createHash } from 'node:crypto';
import { chmodSync, lstatSync, mkdirSync, realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Account, canEnter } from './account.ts';

/**
 * A folder of ours, outside the project, that `account` can enter. Its name is predictable and its parent is
 * everybody's, so it only counts when it belongs to us and nobody else can write to it.
 */
export function sharedFolder(account: Account | undefined, name: string): string {
  const us = process.getuid?.() ?? 0;
  const refused: string[] = [];
  for (const parent of new Set(['/var/tmp', '/tmp', tmpdir(), '/var/lib'])) {
    const folder = join(parent, `yimatong-${us}-${name}`);
    try {
      mkdirSync(folder, { recursive: true, mode: 0o755 });
      const found = lstatSync(folder);
      if (!found.isDirectory() || found.uid !== us || (found.mode & 0o022) !== 0) {
        refused.push(`${folder} belongs to somebody else`);
        continue;
      }
      chmodSync(folder, 0o755);
      if (canEnter(account, folder)) return folder;
      refused.push(`${folder} cannot be entered`);
    } catch (error) {
      refused.push((error as Error).message);
    }
  }
  throw new Error(`No folder that PostgreSQL's user can enter: ${refused.join('; ')}. Set DATABASE_URL.`);
}

/** The name under which data of `dataDir` are kept when they cannot lie there. */
const elsewhere = (dataDir: string) =>
  `data-${createHash('sha256')
    .update(realpathSync(dirname(dataDir)))
    .update(dataDir)
    .digest('hex')
    .slice(0, 12)}`;

/** Where the data of `dataDir` are really kept: there, or where `account` can go. */
export function homeOf(dataDir: string, account: Account | undefined): string {
  if (account === undefined || canEnter(account, dirname(dataDir))) return dataDir;
  return join(sharedFolder(account, elsewhere(dataDir)), 'postgres');
}
