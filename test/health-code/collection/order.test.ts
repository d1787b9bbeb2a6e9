import test from 'ava';
import fc from 'fast-check';
import { ingest } from '../../../src/health-code/collection/ingest.ts';
import { decideFor } from '../../../src/health-code/decide.ts';
import type { Database } from '../../../src/platform/database.ts';
import { cipher, NOW, residentIdOf } from '../../support/citizens.ts';
import { freshDatabase } from '../../support/database.ts';
import { daysLater, givenDeclared } from '../../support/health.ts';
import { ndjson, rowOf, startSources } from '../../support/health-sources.ts';

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

test('a case that was discharged longer ago than its observation lasts gives no colour', async (t) => {
  const site = await startSources(t);
  const { citizenId } = await givenDeclared(site.db, 1);
  const dates = { at: '2026-09-01T08:00:00+08:00', dischargedAt: '2026-10-01T08:00:00+08:00' };
  const discharged = rowOf(1, { type: 'CASE_CONFIRMED', ...dates, version: 2 });
  const answer = await site.send('hospital', ndjson([{ ...discharged, version: 1 }, discharged]));
  t.deepEqual(
    answer.refused.map(({ line, reason }) => [line, reason]),
    [
      [1, 'too_old'],
      [2, 'too_old'],
    ],
  );
  t.like(answer.last, { kept: 0, changed: 0 });
  t.deepEqual((await decideFor(site.db, citizenId, NOW)).reasons, ['G301']);
  // Its admission, which comes after it, tells nothing that is not over, whatever it calls the case and with it or alone.
  const admission = { ...discharged, dischargedAt: undefined, version: 1 };
  const suspicion = { ...admission, type: 'CASE_SUSPECTED' };
  for (const rows of [[admission], [suspicion], [discharged, admission], [discharged, suspicion]]) {
    await site.send('hospital', ndjson(rows));
    t.deepEqual((await decideFor(site.db, citizenId, NOW)).reasons, ['G301']);
  }
  await site.send('hospital', ndjson([{ ...admission, version: 3 }]));
  t.deepEqual((await decideFor(site.db, citizenId, NOW)).reasons, ['R101'], 'a newer version opens it again');
});

test('a discharge that is told late ends the case that was told, under whatever name', async (t) => {
  const site = await startSources(t);
  const { citizenId } = await givenDeclared(site.db, 1);
  const suspected = rowOf(1, { type: 'CASE_SUSPECTED', at: '2026-09-01T08:00:00+08:00' });
  await site.send('hospital', ndjson([suspected]));
  t.deepEqual((await decideFor(site.db, citizenId, NOW)).reasons, ['R102']);
  const dischargedAt = '2026-10-01T08:00:00+08:00';
  const confirmed = { ...suspected, version: 2, type: 'CASE_CONFIRMED', dischargedAt };
  const answer = await site.send('hospital', ndjson([confirmed]));
  t.like(answer.last, { kept: 1, changed: 1 });
  const decision = await decideFor(site.db, citizenId, NOW);
  t.deepEqual(decision.reasons, ['R190', 'R101']);
  t.not(decision.earliestExit, undefined);
  await site.send('hospital', ndjson([suspected]));
  t.deepEqual((await decideFor(site.db, citizenId, NOW)).reasons, ['R190', 'R101']);
});

test('however old a row is, its source can discharge, revoke and correct it, but not make more of it', async (t) => {
  const site = await startSources(t);
  const people = [1, 2, 3, 4].map((n) => givenDeclared(site.db, n));
  const [open, taken, corrected, worse] = await Promise.all(people);
  const confirmed = { type: 'CASE_CONFIRMED' };
  const all = [
    rowOf(1, confirmed),
    rowOf(2, confirmed),
    rowOf(3, confirmed),
    rowOf(4, { type: 'CO_TRAVELLER' }),
  ];
  await site.send('cdc', ndjson(all));
  site.world.now = daysLater(200);
  const now = site.world.now;
  const at = (days: number) => daysLater(days).toISOString();
  const answer = await site.send(
    'cdc',
    ndjson([
      { ...all[0], version: 2, dischargedAt: at(199) },
      { ...all[1], revokedAt: at(199) },
      { ...all[2], version: 2, dischargedAt: at(30) },
      { ...all[3], version: 2, type: 'CLOSE_CONTACT' },
      rowOf(5, { ...confirmed, reference: 'news' }),
      { ...rowOf(5, confirmed), revokedAt: at(199) },
    ]),
  );
  t.deepEqual(
    answer.refused.map(({ line, reason }) => [line, reason]),
    [
      [4, 'too_old'],
      [5, 'too_old'],
    ],
  );
  const reasons = async (citizenId: string) => (await decideFor(site.db, citizenId, now)).reasons.join();
  t.is(await reasons(open!.citizenId), 'R101');
  t.is(
    (await decideFor(site.db, open!.citizenId, now)).earliestExit?.toISOString(),
    '2027-06-23T16:00:00.000Z',
  );
  t.is(await reasons(taken!.citizenId), 'G301');
  t.is(await reasons(corrected!.citizenId), 'R190,R101');
  t.is(await reasons(worse!.citizenId), 'Y204', 'what is refused changes nothing');
});

test('what an appeal took out of account comes back only when its source asserts something else', async (t) => {
  const site = await startSources(t);
  const { citizenId } = await givenDeclared(site.db, 1);
  const suspected = rowOf(1, { type: 'CASE_SUSPECTED' });
  await site.send('hospital', ndjson([suspected]));
  await site.db.query(`update health_evidence set appeal_at = $1, appeal_decision = 'upheld'`, [NOW]);
  const colour = async () => (await decideFor(site.db, citizenId, NOW)).colour;
  t.is(await colour(), 'GREEN');
  await site.send('hospital', ndjson([{ ...suspected, version: 2, at: '2026-11-23T09:01:00+08:00' }]));
  t.is(await colour(), 'GREEN');
  const past = { at: '2026-09-01T08:00:00+08:00', dischargedAt: '2026-10-01T08:00:00+08:00' };
  const answer = await site.send(
    'hospital',
    ndjson([{ ...suspected, ...past, version: 3, type: 'CASE_CONFIRMED' }]),
  );
  t.is(answer.refused[0]?.reason, 'too_old');
  t.is(await colour(), 'GREEN');
  await site.send('hospital', ndjson([{ ...suspected, version: 4, type: 'CASE_CONFIRMED' }]));
  t.is(await colour(), 'RED');
});
