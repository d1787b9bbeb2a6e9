import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { startTemporaryPostgres } from '../sandbox/postgres/temporary.ts';

/**
 * `npm test`: all tests, or those named after `--`, on a throw-away PostgreSQL, or on `DATABASE_URL` (whose
 * user must be allowed to create databases). Ends with a plain line that says how many passed and failed.
 */
const given = process.env.DATABASE_URL;
const postgres = given ? { url: given, stop: dropLeftovers } : await startTemporaryPostgres();

/** On a server that stays, databases that tests made in hooks are dropped when all are done. */
async function dropLeftovers(): Promise<void> {
  const client = new pg.Client(given);
  await client.connect();
  const { rows } = await client.query<{ datname: string }>(
    'select datname from pg_database where starts_with(datname, $1)',
    [`ymt_test_${process.pid}_`],
  );
  for (const { datname } of rows) await client.query(`drop database if exists ${datname} with (force)`);
  await client.end();
}

const root = fileURLToPath(new URL('..', import.meta.url));
const ava = join(root, 'node_modules/ava/entrypoints/cli.js');
const run = spawn(process.execPath, [ava, ...process.argv.slice(2)], {
  cwd: root,
  stdio: ['inherit', 'pipe', 'inherit'],
  env: {
    ...process.env,
    DATABASE_URL: postgres.url,
    TEST_RUN: String(process.pid),
    // Each test file is a process of its own and loads a thousand modules.
    NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join(tmpdir(), 'yimatong-compile-cache'),
    ...(process.stdout.isTTY && !process.env.NO_COLOR && { FORCE_COLOR: '1' }),
  },
});

const escapes = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g');
// Ava's closing lines leave out how many passed when any failed, so its marks are counted.
const count = { passed: 0, failed: 0 };
createInterface({ input: run.stdout }).on('line', (line) => {
  process.stdout.write(`${line}\n`);
  const mark = line.replace(escapes, '').match(/^\s*([✔√]|[✘×]) /)?.[1];
  if (mark) count[mark === '✔' || mark === '√' ? 'passed' : 'failed'] += 1;
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => run.kill(signal));

const exitCode = await new Promise<number>((ended) => {
  run.once('close', (code, signal) => ended(code ?? (signal === 'SIGINT' ? 130 : 1)));
});
await postgres.stop();

const broken = exitCode !== 0 && count.failed === 0 ? ', but the run itself failed: see above' : '';
process.stdout.write(`${count.passed} passed, ${count.failed} failed${broken}\n`);
process.exitCode = exitCode;
