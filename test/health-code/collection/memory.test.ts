import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { freshDatabase } from '../../support/database.ts';

const CHILD = fileURLToPath(new URL('../../support/ingest-child.ts', import.meta.url));
const ROWS = 100_000;

test('a stream of 100,000 rows needs no more memory than one of 20,000', async (t) => {
  const db = await freshDatabase(t, { max: 2 });
  const run = async (rows: number, from: number) => {
    const child = spawn(
      process.execPath,
      ['--expose-gc', '--max-old-space-size=96', CHILD, db.url, `${rows}`, `${from}`],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    const parts = { stdout: '', stderr: '' };
    child.stdout.on('data', (bytes) => {
      parts.stdout += bytes;
    });
    child.stderr.on('data', (bytes) => {
      parts.stderr += bytes;
    });
    const code = await new Promise((resolve) => child.once('close', resolve));
    t.is(code, 0, parts.stderr);
    return JSON.parse(parts.stdout) as { kept: number; peak: number };
  };
  const short = await run(20_000, ROWS);
  const long = await run(ROWS, 0);
  t.is(long.kept, ROWS);
  const megabytes = (bytes: number) => Math.round(bytes / 2 ** 20);
  t.true(long.peak < short.peak + 24 * 2 ** 20, `${megabytes(long.peak)} MB, of ${megabytes(short.peak)} MB`);
});
