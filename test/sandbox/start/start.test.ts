import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import pg from 'pg';
import { removePostgres } from '../../../sandbox/postgres/remove.ts';
import { freshDatabase } from '../../support/database.ts';

const ENTRY = fileURLToPath(new URL('entry.ts', import.meta.url));
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

interface Started {
  process: ChildProcess;
  /** Everything written so far, standard output and errors together. */
  output(): string;
  /** Resolves with the line that begins with `ready`; rejects when the process ends instead. */
  ready: Promise<string>;
  exit: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

function folder(t: ExecutionContext): string {
  const path = mkdtempSync(join(tmpdir(), 'yimatong-sandbox-'));
  chmodSync(path, 0o711);
  t.teardown(async () => {
    await removePostgres(join(path, 'postgres'));
    rmSync(path, { recursive: true, force: true });
  });
  return path;
}

/** Ports below those that the system hands out by itself, a different few for each test. */
let nextPort = 20_000 + (process.pid % 500) * 20;
function ports(count: number): number {
  const first = nextPort;
  nextPort += count;
  return first;
}

function run(t: ExecutionContext, args: (string | number)[], env: Record<string, string>): Started {
  const child = spawn(process.execPath, args.map(String), {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: ROOT,
  });
  let output = '';
  const exit = once(child, 'close').then(([code, signal]) => ({ code, signal }));
  const ready = new Promise<string>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
        const line = /^ready.*$/m.exec(output)?.[0];
        if (line) resolve(line);
      });
    }
    void exit.then(() => reject(new Error(`ended instead of getting ready: ${output}`)));
  });
  ready.catch(() => {});
  t.teardown(async () => {
    child.kill('SIGTERM');
    await exit;
  });
  return { process: child, output: () => output, ready, exit };
}

interface Answer {
  pid: number;
  database: string;
}

/** A connection of its own each time: one kept from a program that was killed would fail the next question. */
const ask = (port: number, path = '/healthz') =>
  new Promise<Answer>((resolve, reject) => {
    request({ port, path, agent: false }, (response) => {
      let text = '';
      response
        .setEncoding('utf8')
        .on('data', (chunk: string) => {
          text += chunk;
        })
        .on('end', () => resolve(JSON.parse(text) as Answer))
        .on('error', reject);
    })
      .on('error', reject)
      .end();
  });

/** Asks until nobody answers any more; ava's own time-out ends it if somebody always does. */
async function isGone(port: number): Promise<true> {
  for (;;) {
    try {
      await ask(port);
    } catch {
      return true;
    }
  }
}

test('it says ready when all programs answer, and a signal stops all of them cleanly', async (t) => {
  const { url } = await freshDatabase(t);
  const port = ports(3);
  const started = run(t, [ENTRY, folder(t), port, 'good', 'silent', 'good'], { DATABASE_URL: url });
  t.is(await started.ready, `ready ${port} ${port + 1} ${port + 2}`);
  t.not((await ask(port)).pid, (await ask(port + 2)).pid, 'one process for each port');

  started.process.kill('SIGINT');
  t.deepEqual(await started.exit, { code: 0, signal: null });
  t.true(await isGone(port));
  t.true(await isGone(port + 2));
});

test('a program that dies stops all others and is named', async (t) => {
  const { url } = await freshDatabase(t);
  const port = ports(2);
  const started = run(t, [ENTRY, folder(t), port, 'good', 'mortal'], { DATABASE_URL: url });
  await started.ready;
  await t.throwsAsync(ask(port + 1, '/die'));
  t.is((await started.exit).code, 1);
  t.regex(started.output(), new RegExp(`The mortal program on port ${port + 1} ended with exit code 3`));
  t.true(await isGone(port));
});

test('a program that cannot start is named with its last words, and nothing stays behind', async (t) => {
  const { url } = await freshDatabase(t);
  const port = ports(2);
  const started = run(t, [ENTRY, folder(t), port, 'good', 'fail'], { DATABASE_URL: url });
  t.is((await started.exit).code, 1);
  t.regex(started.output(), /The fail program on port \d+ ended with exit code 4[\s\S]*no entry 3/);
  t.notRegex(started.output(), /^ready/m);
  t.true(await isGone(port));
});

test('a port that is taken is named with what to do', async (t) => {
  const { url } = await freshDatabase(t);
  const port = ports(2);
  const other = createServer().listen(port + 1);
  t.teardown(() => other.close());
  const started = run(t, [ENTRY, folder(t), port, 'good', 'second'], { DATABASE_URL: url });
  t.is((await started.exit).code, 1);
  t.regex(
    started.output(),
    new RegExp(`listens on port ${port + 1} \\(second program\\).*PORT_OFFSET=100 npm start`),
  );
});

test('a second start in the same folder says so and does not disturb the first', async (t) => {
  const { url } = await freshDatabase(t);
  const dataDir = folder(t);
  const port = ports(2);
  const first = run(t, [ENTRY, dataDir, port, 'good'], { DATABASE_URL: url });
  await first.ready;
  const second = run(t, [ENTRY, dataDir, port + 1, 'good'], { DATABASE_URL: url });
  t.is((await second.exit).code, 1);
  t.regex(second.output(), new RegExp(`already runs in this folder, as process ${first.process.pid}`));
  t.is(typeof (await ask(port)).pid, 'number');

  const reset = run(t, ['sandbox/reset.ts'], { SANDBOX_DATA: dataDir });
  t.is((await reset.exit).code, 1);
  t.regex(reset.output(), /The sandbox runs, as process \d+\. Stop it first/);
});

test('after kill -9 its programs end, and it starts again with all its data', async (t) => {
  const dataDir = folder(t);
  const port = ports(2);
  const env = { OWN_DATABASE: '1' };
  const first = run(t, [ENTRY, dataDir, port, 'good', 'good'], env);
  await first.ready;
  const { database } = (await (await fetch(`http://localhost:${port}/healthz`)).json()) as {
    database: string;
  };
  const client = new pg.Client(database);
  await client.connect();
  await client.query('create table kept (id int)');
  await client.end();
  first.process.kill('SIGKILL');
  await first.exit;
  t.true(await isGone(port));

  const second = run(t, [ENTRY, dataDir, port, 'good', 'good'], env);
  await second.ready;
  const again = new pg.Client((await ask(port)).database);
  await again.connect();
  t.is((await again.query('select * from kept')).rowCount, 0);
  await again.end();

  second.process.kill('SIGTERM');
  t.is((await second.exit).code, 0);
  const reset = run(t, ['sandbox/reset.ts'], { SANDBOX_DATA: dataDir });
  t.is((await reset.exit).code, 0);
  t.false(existsSync(dataDir));
});

test('the sandbox refuses to be production, and a port offset that is none', async (t) => {
  const production = run(t, ['sandbox/start.ts'], { NODE_ENV: 'production' });
  t.is((await production.exit).code, 1);
  t.regex(production.output(), /npm run serve/);
  const offset = run(t, ['sandbox/start.ts'], { PORT_OFFSET: 'ten' });
  t.is((await offset.exit).code, 1);
  t.regex(offset.output(), /PORT_OFFSET must be/);
});
