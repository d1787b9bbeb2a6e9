import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { startAuthorities } from '../../sandbox/authorities/server.ts';
import { SANDBOX_KEYS } from '../../sandbox/keys.ts';
import type { Person } from '../../sandbox/people/person.ts';
import { createCipher } from '../../src/platform/field-encryption.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

const decoded = (text: string | undefined) => Buffer.from(text ?? '', 'base64');
const [masterId = '', masterKey] = SANDBOX_KEYS.MASTER_KEYS!.split(':');

/** Opens what such a process has sealed. */
export const sandboxCipher = createCipher({
  current: masterId,
  keys: { [masterId]: decoded(masterKey) },
  indexKey: decoded(SANDBOX_KEYS.INDEX_KEY),
});

/** The real process of the product, which a test may kill. */
export interface Product {
  issuer: string;
  /** Starts it and waits until it is ready; resolves at once when it already is. */
  start(): Promise<void>;
  /** Ends it as a power failure would. */
  kill(): Promise<void>;
  /** Asks it to end. @returns its exit code, once it has */
  end(): Promise<number | null>;
  /** Resolves when it is ready: at once, or after the start that follows a kill. */
  up(): Promise<void>;
}

/** A port that nobody listens on just now. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, 'localhost');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/**
 * `src/main.ts` as a process of its own, on a test's database and with the simulated authorities.
 *
 * @param people who live in the world; each needs a `fixed_code`.
 * @param clients for `CLIENTS_FILE`.
 */
export async function product(
  t: ExecutionContext,
  {
    databaseUrl,
    people,
    clients,
    env = {},
  }: { databaseUrl: string; people: readonly Person[]; clients: object[]; env?: Record<string, string> },
): Promise<Product> {
  const world = await startAuthorities({ port: 0, people });
  const folder = mkdtempSync(join(tmpdir(), 'yimatong-product-'));
  const peopleFile = join(folder, 'people.json');
  const clientsFile = join(folder, 'clients.json');
  writeFileSync(peopleFile, JSON.stringify(people));
  writeFileSync(clientsFile, JSON.stringify(clients));
  const port = await freePort();
  const issuer = `http://localhost:${port}`;
  let child: ChildProcess | undefined;
  let starting: Promise<void> | undefined;
  /** Resolves when the process that follows a kill is ready. */
  let next = Promise.withResolvers<void>();

  async function launch(): Promise<void> {
    const started = spawn(process.execPath, [MAIN], {
      env: {
        PATH: process.env.PATH,
        NODE_COMPILE_CACHE: join(tmpdir(), 'yimatong-compile-cache'),
        ...SANDBOX_KEYS,
        SANDBOX: '1',
        ISSUER: issuer,
        HOST: 'localhost',
        PORT: String(port),
        DATABASE_URL: databaseUrl,
        CLIENTS_FILE: clientsFile,
        AUTHORITIES_URL: world.url,
        SANDBOX_PEOPLE_FILE: peopleFile,
        SANDBOX_PROVINCES: '39',
        LOG_LEVEL: 'error',
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    child = started;
    let output = '';
    for (const stream of [started.stdout, started.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        output = (output + text).slice(-4_000);
      });
    }
    await new Promise<void>((ready, failed) => {
      started.once('message', () => ready());
      started.once('exit', (code) =>
        failed(new Error(`ended with ${code} instead of getting ready: ${output}`)),
      );
    });
    next.resolve();
  }

  const self: Product = {
    issuer,
    start() {
      starting ??= launch();
      return starting;
    },
    async kill() {
      await starting;
      starting = undefined;
      next = Promise.withResolvers<void>();
      const gone = once(child!, 'exit');
      child!.kill('SIGKILL');
      await gone;
    },
    async end() {
      const gone = once(child!, 'exit');
      child!.kill('SIGTERM');
      return (await gone)[0];
    },
    up: () => next.promise,
  };
  t.teardown(async () => {
    // Whoever still waits for the next start, after another has failed, need wait no longer.
    next.promise.catch(() => {});
    next.reject(new Error('the test is over'));
    if (child?.exitCode === null && child.signalCode === null) {
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    }
    await world.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return self;
}
