import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { residentCheckDigit } from '../src/citizens/check-digits.ts';
import { seedActivation } from '../src/health-code/activation.ts';
import { type Database, openDatabase } from '../src/platform/database.ts';
import { onFreshDatabase } from './database.ts';

interface IngestionMeasure {
  rows: number;
  /** Rows a second: one HTTP stream through the endpoint, everybody it concerns marked. */
  ingested: number;
  /** The same rows, sent once more: nothing is new. */
  repeated: number;
  /** `COPY` of the same values into a table without indexes, and with those that evidence has. */
  rawCopy: number;
  indexedCopy: number;
  /** Largest resident size of the process that ingests, in bytes. */
  peakMemory: number;
  /** The same for a tenth of the rows: what does not grow with them is bounded. */
  peakMemoryOfTenth: number;
}

const TYPES = ['FEVER_CLINIC', 'CASE_SUSPECTED', 'CASE_CONFIRMED'];

/** A valid number of the sandbox's province for each of a few million people. */
function numberOf(n: number): string {
  const day = new Date(Date.UTC(1950, 0, 1) + Math.floor(n / 1_000) * 86_400_000);
  const body = `390100${day.toISOString().slice(0, 10).replaceAll('-', '')}${String(n % 1_000).padStart(3, '0')}`;
  return body + residentCheckDigit(body);
}

function* linesOf(first: number, end: number, at: string): Generator<string> {
  for (let n = first; n < end; n += 200) {
    let text = '';
    for (let k = n; k < Math.min(end, n + 200); k += 1) {
      text += `{"reference":"R${k}","idNumber":"${numberOf(k)}","type":"${TYPES[k % 3]}","at":"${at}","purpose":"epidemic_prevention"}\n`;
    }
    yield text;
  }
}

function* copyText(rows: number, at: string): Generator<string> {
  for (let n = 0; n < rows; n += 200) {
    let text = '';
    for (let k = n; k < Math.min(rows, n + 200); k += 1) {
      const subject = k.toString(16).padStart(64, '0');
      text += `\\\\x${subject}\t${subject.slice(32)}\t${TYPES[k % 3]}\thospital\tbench/R${k}\t${at}\tepidemic_prevention\t${at}\n`;
    }
    yield text;
  }
}

const COLUMNS = 'subject, id, type, source, reference, at, purpose, received_at';
const COPY_BARE = `copy bench_bare (${COLUMNS}) from stdin`;
const COPY_INDEXED = `copy bench_indexed (${COLUMNS}) from stdin`;

const secondsOf = async (work: () => Promise<unknown>): Promise<number> => {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1_000;
};

async function askChild<T>(child: ChildProcess, question?: string): Promise<T> {
  const answer = once(child, 'message');
  if (question) child.send(question);
  const [message] = (await answer) as [T];
  return message;
}

async function startServer(url: string) {
  const child = fork(fileURLToPath(new URL('./ingest-server.ts', import.meta.url)), [url]);
  const { port } = await askChild<{ port: number }>(child);
  return {
    async send(file: string, rows: number): Promise<void> {
      const response = await fetch(`http://127.0.0.1:${port}/health/ingest/hospital`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-ndjson', authorization: 'Bearer bench' },
        body: Readable.toWeb(createReadStream(file, { highWaterMark: 65_536 })),
        duplex: 'half',
      } as RequestInit);
      const last = JSON.parse((await response.text()).trim().split('\n').at(-1) ?? '{}') as { kept?: number };
      if (last.kept !== rows) throw new Error(`not all rows were kept: ${JSON.stringify(last)}`);
    },
    peak: async () => (await askChild<{ peak: number }>(child, 'peak')).peak,
    async stop() {
      child.disconnect();
      await once(child, 'exit');
    },
  };
}

async function prepare(db: Database, rows: number): Promise<void> {
  await seedActivation(db, new Date());
  await db.query('create table bench_bare as select * from health_evidence with no data');
  await db.query('create table bench_indexed (like health_evidence including all)');
  // Somebody to decide anew, so that looking for them is measured too.
  await db.query(
    `insert into health_people (citizen_id, subject, declared_at, level_ever)
     select gen_random_uuid(), sha256(n::text::bytea), $2, 'basic' from generate_series(1, $1::integer) n`,
    [Math.round(rows / 10), new Date()],
  );
  await db.query('analyze health_people');
}

/** Loads `rows` rows in one stream. */
const measureIngestion = (rows: number): Promise<IngestionMeasure> =>
  onFreshDatabase((url, folder) => measureOn(url, folder, rows));

async function measureOn(url: string, folder: string, rows: number): Promise<IngestionMeasure> {
  const db = openDatabase(url, { max: 2 });
  try {
    await prepare(db, rows);
    const at = new Date(Date.now() - 3_600_000).toISOString();
    const [whole, tenth] = [join(folder, 'rows.ndjson'), join(folder, 'tenth.ndjson')];
    await pipeline(Readable.from(linesOf(0, rows, at)), createWriteStream(whole));
    const few = Math.round(rows / 10);
    await pipeline(Readable.from(linesOf(rows, rows + few, at)), createWriteStream(tenth));

    const raw = (statement: string) =>
      secondsOf(() => db.transaction((_tx, copyIn) => copyIn(statement, copyText(rows, at))));
    const bare = await raw(COPY_BARE);
    const indexed = await raw(COPY_INDEXED);
    await db.query('drop table bench_bare, bench_indexed');

    const small = await startServer(url);
    await small.send(tenth, few);
    const peakMemoryOfTenth = await small.peak();
    await small.stop();
    const server = await startServer(url);
    const first = await secondsOf(() => server.send(whole, rows));
    const again = await secondsOf(() => server.send(whole, rows));
    const peakMemory = await server.peak();
    await server.stop();
    return {
      rows,
      ingested: rows / first,
      repeated: rows / again,
      rawCopy: rows / bare,
      indexedCopy: rows / indexed,
      peakMemory,
      peakMemoryOfTenth,
    };
  } finally {
    await db.close();
  }
}

const number = (value: number) => Math.round(value).toLocaleString('en').padStart(10);
const megabytes = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MB`;

/** Measures and prints. */
export async function benchIngestion(print: (line: string) => void, rows: number): Promise<void> {
  const measured = await measureIngestion(rows);
  const { ingested, repeated, rawCopy, indexedCopy, peakMemory, peakMemoryOfTenth } = measured;
  const line = (what: string, perSecond: number) =>
    print(
      `${number(perSecond)} rows/s  ${(perSecond / rawCopy).toFixed(3).padStart(6)} of raw COPY  ${what}`,
    );
  line(`raw COPY of ${rows.toLocaleString('en')} rows, no indexes`, rawCopy);
  line('raw COPY into the indexes that evidence has', indexedCopy);
  line('one stream over HTTP: checked, indexed, upserted, citizens marked', ingested);
  line('the same stream again', repeated);
  print(`peak memory ${megabytes(peakMemory)}; for a tenth of the rows ${megabytes(peakMemoryOfTenth)}`);
}
