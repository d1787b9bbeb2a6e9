import test from 'ava';
import fc from 'fast-check';
import { ingest } from '../../../src/health-code/collection/ingest.ts';
import type { Database } from '../../../src/platform/database.ts';
import { cipher, NOW, residentIdOf } from '../../support/citizens.ts';
import { freshDatabase } from '../../support/database.ts';
import { ndjson } from '../../support/health-sources.ts';

const hours = (count: number) => new Date(NOW.getTime() - count * 3_600_000).toISOString();

/** One thing that the centre for disease control says about somebody, in one of its versions. */
const row = fc
  .record({
    person: fc.integer({ min: 1, max: 3 }),
    reference: fc.integer({ min: 1, max: 4 }),
    version: fc.integer({ min: 1, max: 3 }),
    taken: fc.boolean(),
  })
  .map(({ person, reference, version, taken }) => {
    // What a version says follows from its number: a source never says two things under one.
    const type = ['CASE_CONFIRMED', 'CLOSE_CONTACT', 'RELEASE'][(reference + version) % 3]!;
    const target = reference % 2 === 0 ? 'RELEASE' : type === 'RELEASE' ? 'CO_TRAVELLER' : type;
    const late = (reference + version) % 5 === 0 ? 500 : 0;
    return {
      reference: `${target === 'RELEASE' ? 'release' : 'evidence'}-${reference}`,
      idNumber: residentIdOf(person),
      type: target,
      version,
      at: hours(person * 10 + version + late),
      purpose: 'epidemic_prevention',
      ...(target === 'CASE_CONFIRMED' && version > 1 && { dischargedAt: hours(1) }),
      ...(taken && { revokedAt: hours(version) }),
    };
  });

const rowsAndAnotherOrder = fc
  .array(row, { minLength: 1, maxLength: 14 })
  .chain((rows) =>
    fc.tuple(
      fc.constant(rows),
      fc.shuffledSubarray(rows, { minLength: rows.length, maxLength: rows.length }),
      fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 14, maxLength: 14 }),
      fc.array(fc.nat({ max: rows.length - 1 }), { maxLength: 4 }),
    ),
  );

async function send(db: Database, rows: readonly unknown[], chunkRows = 20_000): Promise<void> {
  const feed = { clientId: 'cdc-1', source: 'cdc' };
  async function* body() {
    yield Buffer.from(ndjson(rows));
  }
  const settings = { lineBytes: 4_096, chunkRows, mostRows: 1_000, mostRefused: 1_000 };
  const deps = { db, cipher, clock: () => NOW, extraProvinces: ['39'] };
  await ingest(deps, { feed, body: body() }, { refused() {}, acknowledged() {} }, settings);
}

async function takeAll(db: Database): Promise<unknown> {
  const evidence = await db.query(
    `select subject, id, type, source, reference, version, at, purpose, discharged_at, superseded_at, revoked_at, late
     from health_evidence order by subject, reference`,
  );
  const releases = await db.query(
    'select subject, id, reference, version, at, revoked_at from health_releases order by subject, reference',
  );
  const feeds = await db.query('select watermark from health_feeds');
  await db.query('delete from health_evidence');
  await db.query('delete from health_releases');
  await db.query('delete from health_feeds');
  return { evidence, releases, feeds };
}

test('any order, any split into batches and any repetition give the same evidence', async (t) => {
  const db = await freshDatabase(t);
  await fc.assert(
    fc.asyncProperty(rowsAndAnotherOrder, async ([rows, shuffled, sizes, repeated]) => {
      await send(db, rows);
      const atOnce = await takeAll(db);
      const left = [...shuffled, ...repeated.map((index) => rows[index]!)];
      // An empty batch would say that the source is alive.
      for (const size of sizes) if (left.length > 0) await send(db, left.splice(0, size), 2);
      if (left.length > 0) await send(db, left);
      t.deepEqual(await takeAll(db), atOnce);
    }),
    { numRuns: 60 },
  );
});
