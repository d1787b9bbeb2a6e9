import { spawn } from 'node:child_process';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import test from 'ava';
import { addRow, emptyChunk } from '../../../src/health-code/collection/chunk.ts';
import { readRow } from '../../../src/health-code/collection/row.ts';
import { sourceKind } from '../../../src/health-code/collection/sources.ts';
import { loadChunk } from '../../../src/health-code/collection/store.ts';
import { ruleSets } from '../../../src/health-code/engine/rule-set.ts';
import { cipher, NOW } from '../../support/citizens.ts';
import { freshDatabase } from '../../support/database.ts';
import { ndjson, readAnswer, rowOf, startSources } from '../../support/health-sources.ts';

const evidence = 'select 1 from health_evidence';

test('a truncated or damaged gzip stream is settled with a sentence, and can be sent again', async (t) => {
  const site = await startSources(t);
  const whole = gzipSync(ndjson(Array.from({ length: 500 }, (_, n) => rowOf(n))));
  const headers = { 'content-encoding': 'gzip', 'idempotency-key': 'torn', 'accept-language': 'en' };
  const damaged = Buffer.from(whole);
  damaged.fill(0x55, Math.floor(damaged.length / 2));
  for (const body of [whole.subarray(0, whole.length - 20), damaged, Buffer.from('not gzip at all')]) {
    const answer = await site.send('hospital', body, { headers });
    t.is(answer.status, 400);
    t.like(answer.last, { outcome: 'incomplete', reason: 'stream_broken', acknowledged: 0 });
    t.regex(String(answer.last.message), /send the whole batch again/);
  }
  t.deepEqual(await site.db.query(evidence), []);
  t.like((await site.send('hospital', whole, { headers })).last, { outcome: 'complete', kept: 500 });
});

test('a huge line and one that is not UTF-8 cost only themselves', async (t) => {
  const site = await startSources(t);
  const body = Buffer.concat([
    Buffer.from(`{"reference":"${'x'.repeat(3_000_000)}"}\n`),
    Buffer.from([0xc3, 0x28, 0x0a]),
    Buffer.from(ndjson([rowOf(1)])),
  ]);
  const answer = await site.send('hospital', body);
  t.is(answer.status, 200);
  t.deepEqual(
    answer.refused.map(({ line, reason }) => [line, reason]),
    [
      [1, 'line_too_long'],
      [2, 'not_utf8'],
    ],
  );
});

test('a wrong file is given up, and what was acknowledged before is kept', async (t) => {
  const site = await startSources(t);
  const rows = [
    ...Array.from({ length: 10_000 }, (_, n) => rowOf(n % 999, { reference: `${n}` })),
    ...Array.from({ length: 12_000 }, () => 'x'),
  ];
  const answer = await site.send('hospital', ndjson(rows), { headers: { 'idempotency-key': 'wrong' } });
  t.like(answer.last, { outcome: 'incomplete', reason: 'too_many_refused', acknowledged: 10_000 });
  t.true(answer.refused.length <= 10_001);
  t.is((await site.db.query('select 1 from health_evidence')).length, 10_000);
});

test('a connection that dies leaves what was acknowledged, and repeating is harmless', async (t) => {
  const site = await startSources(t);
  const lines = Array.from({ length: 15_000 }, (_, n) => rowOf(n % 999, { reference: `${n}` }));
  const { port } = new URL(site.url);
  const text = `${ndjson(lines)}\n`;
  const acknowledged = await new Promise<string>((resolve, reject) => {
    const socket = connect(Number(port), '127.0.0.1', () => {
      socket.write(
        `POST /health/ingest/hospital HTTP/1.1\r\nHost: localhost:${port}\r\nContent-Type: application/x-ndjson\r\n` +
          `Authorization: Bearer hospital-1 ingest:hospital\r\nIdempotency-Key: dies\r\n` +
          `Content-Length: ${text.length + 1_000_000}\r\n\r\n${text}`,
      );
    });
    let heard = '';
    socket.on('error', reject).on('data', (bytes) => {
      heard += bytes.toString();
      if (/"acknowledged":10000/.test(heard)) {
        socket.destroy();
        resolve(heard);
      }
    });
  });
  t.regex(acknowledged, /HTTP\/1.1 200/);
  const again = await site.send('hospital', text, { headers: { 'idempotency-key': 'dies' } });
  t.like(again.last, { outcome: 'complete', rows: 15_000, kept: 15_000, changed: 5_000 });
});

test('an endless stream is answered while it is read', async (t) => {
  const site = await startSources(t);
  let sent = 0;
  let answered = () => {};
  const begun = new Promise<void>((resolve) => {
    answered = resolve;
  });
  const body = new ReadableStream({
    async pull(controller) {
      if (sent === 10_000) await begun;
      if (sent >= 11_000) return controller.close();
      const rows = Array.from({ length: 500 }, (_, n) => rowOf(n, { reference: `${sent + n}` }));
      sent += 500;
      controller.enqueue(Buffer.from(`${ndjson(rows)}\n`));
    },
  });
  const response = await fetch(`${site.url}/health/ingest/hospital`, {
    method: 'POST',
    headers: { authorization: 'Bearer h ingest:hospital', 'content-type': 'application/x-ndjson' },
    body,
    duplex: 'half',
  } as RequestInit);
  answered();
  t.like((await readAnswer(response)).last, { outcome: 'complete', kept: 11_000 });
});

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

/** The nodes of a plan, as `auto_explain` would show them. */
interface Plan {
  'Node Type': string;
  'Relation Name'?: string;
  Plans?: Plan[];
}
const nodes = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(nodes)];

test('a batch of any size looks its rows up and reads no table from end to end', async (t) => {
  const db = await freshDatabase(t);
  await db.query(
    `insert into health_evidence (subject, id, type, source, reference, at, purpose, received_at)
     select sha256(n::text::bytea), gen_random_uuid(), 'FEVER_CLINIC', 'hospital', n::text, $1, 'x', $1
     from generate_series(1, 3000) n`,
    [NOW],
  );
  await db.query(
    `insert into health_people (citizen_id, subject, declared_at, level_ever)
     select gen_random_uuid(), subject, at, 'basic' from health_evidence`,
  );
  await db.query('analyze');
  const rules = ruleSets.at(-1)!;
  const source = sourceKind('hospital', [rules]);
  const chunkOf = (size: number) => {
    const chunk = emptyChunk();
    for (let n = 0; n < size; n += 1) {
      const text = JSON.stringify(rowOf(n % 999, { reference: `${n}` }));
      const row = readRow(text, n, { source, rules, cipher, now: NOW.getTime(), extraProvinces: ['39'] });
      if (!('reason' in row)) addRow(chunk, row);
    }
    return chunk;
  };
  for (const size of [1, 2_000]) {
    const scanned = await db.transaction(async (tx, copyIn) => {
      const seen: Plan[] = [];
      const looking = {
        async query<Row>(text: string, values?: readonly unknown[]) {
          if (/^\s*(with|select s\.line)/.test(text)) {
            const [row] = await tx.query<{ 'QUERY PLAN': { Plan: Plan }[] }>(
              `explain (format json) ${text}`,
              values,
            );
            seen.push(...nodes(row!['QUERY PLAN'][0]!.Plan));
          }
          return tx.query<Row>(text, values);
        },
      };
      const feed = { clientId: 'h', source: 'hospital' };
      await loadChunk({ tx: looking, copyIn }, feed, chunkOf(size), NOW);
      await loadChunk({ tx: looking, copyIn }, feed, chunkOf(size), NOW);
      return seen.filter((node) => node['Node Type'] === 'Seq Scan').map((node) => node['Relation Name']);
    });
    t.deepEqual([...new Set(scanned)], ['health_staging']);
  }
});
