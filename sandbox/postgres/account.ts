import { spawnSync } from 'node:child_process';

/** The operating-system user that PostgreSQL runs under. */
export interface Account {
  uid: number;
  gid: number;
}

const idOf = (flag: '-u' | '-g', user: string): number | undefined => {
  const { status, stdout } = spawnSync('id', [flag, user], { encoding: 'utf8' });
  return status === 0 ? Number(stdout.trim()) : undefined;
};

/**
 * Who PostgreSQL, which refuses to be root, runs as: `undefined` means "as ourselves". Root lends it the user
 * that already owns the data, else `postgres`, else `nobody`; no user is ever created.
 */
export function accountFor(dataOwner: Account | undefined): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  if (dataOwner && dataOwner.uid !== 0) return dataOwner;
  for (const user of ['postgres', 'nobody']) {
    const uid = idOf('-u', user);
    const gid = idOf('-g', user);
    if (uid && gid) return { uid, gid };
  }
  throw new Error(
    'PostgreSQL refuses to run as root, and this machine has neither a user "postgres" nor "nobody". ' +
      'Start as an ordinary user, or set DATABASE_URL.',
  );
}

/** Whether `account` (or we ourselves) can enter the folder. Asked of the system, which knows every rule. */
export function canEnter(account: Account | undefined, folder: string): boolean {
  const { status } = spawnSync('/bin/sh', ['-c', 'cd "$1"', 'sh', folder], {
    ...account,
    cwd: '/',
    stdio: 'ignore',
  });
  return status === 0;
}
