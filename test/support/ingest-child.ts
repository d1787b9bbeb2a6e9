import { ingest } from '../../src/health-code/collection/ingest.ts';
import { openDatabase } from '../../src/platform/database.ts';
import { cipher, NOW, residentIdOf } from './citizens.ts';
import { ndjson, rowOf } from './health-sources.ts';

/** Loads a stream of rows in a process of its own and prints what it took: `url rows first-number`. */
const [url = '', rows = '0', from = '0'] = process.argv.slice(2);
const db = openDatabase(url, { max: 2 });

// A hundred people with many rows each: making numbers is not what is looked at.
const people = Array.from({ length: 100 }, (_, n) => residentIdOf(n));

async function* body() {
  const end = Number(from) + Number(rows);
  for (let first = Number(from); first < end; first += 500) {
    const some = Array.from({ length: Math.min(500, end - first) }, (_, n) =>
      rowOf(0, { reference: `${first + n}`, idNumber: people[(first + n) % 100] }),
    );
    yield Buffer.from(`${ndjson(some)}\n`);
  }
}

/** What is alive, not what waits to be collected. */
let peak = 0;
const done = await ingest(
  { db, cipher, clock: () => NOW, extraProvinces: ['39'] },
  { feed: { clientId: 'hospital-1', source: 'hospital' }, body: body() },
  {
    refused() {},
    acknowledged() {
      globalThis.gc?.();
      const { heapUsed, external } = process.memoryUsage();
      peak = Math.max(peak, heapUsed + external);
    },
  },
);
await db.close();
process.stdout.write(JSON.stringify({ kept: done.kept, peak }));
