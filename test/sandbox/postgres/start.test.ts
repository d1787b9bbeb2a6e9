import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import pg from 'pg';
import { accountFor } from '../../../sandbox/postgres/account.ts';
import { createLinks } from '../../../sandbox/postgres/binaries.ts';
import { homeOf } from '../../../sandbox/postgres/home.ts';
import { isAlive } from '../../../sandbox/postgres/lock.ts';
import { removePostgres } from '../../../sandbox/postgres/remove.ts';
import { startPostgres } from '../../../sandbox/postgres/start.ts';

const HOLD = fileURLToPath(new URL('hold.ts', import.meta.url));
const weAreRoot = process.getuid?.() === 0;

function folder(t: ExecutionContext, mode = 0o755): string {
  const path = mkdtempSync(join(tmpdir(), 'yimatong-start-'));
  chmodSync(path, mode);
  t.teardown(async () => {
    await removePostgres(join(path, 'postgres'));
    rmSync(path, { recursive: true, force: true });
  });
  return path;
}

async function sql(url: string, text: string): Promise<unknown[]> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

async function firstLine(child: ChildProcess): Promise<string> {
  const lines = createInterface({ input: child.stdout! });
  const [line] = (await once(lines, 'line')) as [string];
  return line;
}

test('data survive a stop and a start', async (t) => {
  const dataDir = join(folder(t), 'postgres');
  const first = await startPostgres({ dataDir, durable: false });
  await sql(first.url, 'create table kept (id int)');
  await first.stop();
  t.false(isAlive(first.process.pid!));

  const second = await startPostgres({ dataDir, durable: false });
  t.deepEqual(await sql(second.url, 'select * from kept'), []);
  await second.stop();
});

test('a second start on the same folder says who uses it and stops', async (t) => {
  const dataDir = join(folder(t), 'postgres');
  const holder = spawn(process.execPath, [HOLD, dataDir], { stdio: ['ignore', 'pipe', 'inherit'] });
  const url = await firstLine(holder);

  const error = await t.throwsAsync(startPostgres({ dataDir, durable: true }));
  t.regex(error!.message, new RegExp(`already in use by process ${holder.pid}\\. Stop that one first`));
  await t.throwsAsync(removePostgres(dataDir), { message: /in use by process/ });
  t.deepEqual(await sql(url, 'select 1 as one'), [{ one: 1 }], 'and the first one never notices');

  holder.kill('SIGKILL');
  await once(holder, 'exit');
});

test('after kill -9 the next start stops what was left behind and loses nothing', async (t) => {
  const dataDir = join(folder(t), 'postgres');
  const holder = spawn(process.execPath, [HOLD, dataDir], { stdio: ['ignore', 'pipe', 'inherit'] });
  const url = await firstLine(holder);
  await sql(url, 'create table kept (id int); insert into kept values (7)');
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  t.deepEqual(await sql(url, 'select 1 as one'), [{ one: 1 }], 'the server outlives its parent');

  const again = await startPostgres({ dataDir, durable: true });
  t.deepEqual(await sql(again.url, 'select * from kept'), [{ id: 7 }]);
  await t.throwsAsync(sql(url, 'select 1'), undefined, 'the old server is gone');
  await again.stop();
});

test('a server that was killed too, and half a first start, do no harm', async (t) => {
  const dataDir = join(folder(t), 'postgres');
  mkdirSync(`${dataDir}.new`);
  writeFileSync(join(`${dataDir}.new`, 'PG_VERSION'), '18\n');
  const first = await startPostgres({ dataDir, durable: false });
  process.kill(first.process.pid!, 'SIGKILL');
  await once(first.process, 'exit');

  const second = await startPostgres({ dataDir, durable: false });
  t.deepEqual(await sql(second.url, 'select 1 as one'), [{ one: 1 }]);
  await second.stop();
});

(weAreRoot ? test : test.skip)('root can start in a folder that only root can enter', async (t) => {
  const closed = folder(t, 0o700);
  const dataDir = join(closed, 'project/postgres');
  const postgres = await startPostgres({ dataDir, durable: false });
  t.deepEqual(await sql(postgres.url, 'select 1 as one'), [{ one: 1 }]);
  await postgres.stop();

  const home = homeOf(dataDir, accountFor(undefined));
  t.true(existsSync(home));
  await removePostgres(dataDir);
  t.false(existsSync(home), 'and npm run reset finds the data again');
});

(weAreRoot ? test : test.skip)('an ordinary user can start, and then root too', async (t) => {
  const path = folder(t, 0o777);
  const dataDir = join(path, 'postgres');
  const asNobody = ['--reuid=65534', '--regid=65534', '--clear-groups', process.execPath];
  if (spawnSync('setpriv', [...asNobody, '--check', HOLD]).status !== 0) {
    t.log('no setpriv here, or the project is in a folder that others cannot enter');
    t.pass();
    return;
  }
  const holder = spawn('setpriv', [...asNobody, HOLD, dataDir], { stdio: ['ignore', 'pipe', 'inherit'] });
  const url = await firstLine(holder);
  t.deepEqual(await sql(url, 'select 1 as one'), [{ one: 1 }]);
  holder.kill('SIGKILL');
  await once(holder, 'exit');

  const asRoot = await startPostgres({ dataDir, durable: false });
  t.deepEqual(await sql(asRoot.url, 'select 1 as one'), [{ one: 1 }]);
  await asRoot.stop();
});

test('library links that no install script made are made', (t) => {
  const root = mkdtempSync(join(tmpdir(), 'yimatong-links-'));
  t.teardown(() => rmSync(root, { recursive: true }));
  const native = join(root, 'native');
  mkdirSync(join(native, 'lib'), { recursive: true });
  const links = [{ source: 'native/lib/libpq.so.5.18', target: 'native/lib/libpq.so.5' }];
  writeFileSync(join(native, 'pg-symlinks.json'), JSON.stringify(links));
  createLinks(root, native);
  createLinks(root, native);
  t.is(readlinkSync(join(native, 'lib/libpq.so.5')), 'libpq.so.5.18');
});
