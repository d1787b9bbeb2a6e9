import test from 'ava';
import { fileAppeal } from '../../src/health-code/appeals/file-appeal.ts';
import { checkIn } from '../../src/health-code/checkin.ts';
import { decideFor } from '../../src/health-code/decide.ts';
import { ownHealthData } from '../../src/health-code/own-data.ts';
import type { Holder } from '../../src/health-code/people.ts';
import { purgeHealth } from '../../src/health-code/purge.ts';
import { declareTrip } from '../../src/health-code/travel/trip.ts';
import type { Database, Queryable } from '../../src/platform/database.ts';
import { cipher, NOW } from '../support/citizens.ts';
import { freshDatabase } from '../support/database.ts';
import { recordStatements, type Statement, unindexedScans } from '../support/explain.ts';
import { daysLater, givenDeclared, givenEvidence, givenHealthCode } from '../support/health.ts';

test('what is older than it is kept goes, in batches, and the colour stays', async (t) => {
  const db = await freshDatabase(t);
  await givenHealthCode(db);
  const { citizenId } = await givenDeclared(db, 1, { declared: { mediumRiskUntil: 20_000 + 780 } });
  const said = { temp: 36.5, symptoms: [] };
  for (let day = 0; day < 7; day += 1) {
    await db.transaction((tx) => checkIn(tx, { citizenId, said, now: daysLater(day) }));
  }
  t.deepEqual((await decideFor(db, citizenId, daysLater(7))).reasons, ['G302']);
  t.is(await purgeHealth(db, { now: daysLater(179) }), 0);
  t.true((await purgeHealth(db, { now: daysLater(190), limit: 1 })) > 0);
  t.is((await decideFor(db, citizenId, daysLater(190))).colour, 'GREEN');
  while ((await purgeHealth(db, { now: daysLater(1000), limit: 2 })) > 0);
  for (const table of ['health_declarations', 'health_checkins', 'health_evidence']) {
    t.deepEqual(await db.query(`select 1 from ${table}`), []);
  }
  t.is((await decideFor(db, citizenId, daysLater(1000))).colour, 'GREEN');
});

test('what holds a colour, and an open case of somebody unknown, is never purged', async (t) => {
  const db = await freshDatabase(t);
  await givenHealthCode(db);
  const { citizenId, subject } = await givenDeclared(db, 1);
  await givenEvidence(db, subject, { type: 'FEVER_CLINIC', source: 'hospital', at: NOW });
  await givenEvidence(db, Buffer.alloc(32, 7), { type: 'CASE_CONFIRMED', source: 'hospital', at: NOW });
  await decideFor(db, citizenId, NOW);
  const statements: Statement[] = [];
  const watched = {
    transaction: <T>(work: (tx: Queryable) => Promise<T>) =>
      db.transaction(async (tx) => {
        const recorded = recordStatements(tx);
        const done = await work(recorded);
        statements.push(...recorded.statements);
        return done;
      }),
  };
  t.true((await purgeHealth(watched as unknown as Database, { now: daysLater(1000) })) > 0);
  t.deepEqual(await unindexedScans(db, statements), [], 'by indexes only');
  while ((await purgeHealth(db, { now: daysLater(1000) })) > 0);
  t.is((await db.query('select 1 from health_evidence')).length, 2);
  t.is((await decideFor(db, citizenId, daysLater(1000))).colour, 'YELLOW');
});

/** A healthy check-in on each of these days. */
async function well(db: Database, citizenId: string, from: number, to: number): Promise<void> {
  await db.query(
    `insert into health_checkins (citizen_id, id, at, temp, symptoms)
     select $1, gen_random_uuid(), $2::timestamptz + n * interval '24 hours', 365, '{}' from generate_series($3::integer, $4) n`,
    [citizenId, NOW, from, to],
  );
}
const purgeAll = async (db: Database, now: Date) => {
  while ((await purgeHealth(db, { now, limit: 3 })) > 0);
};

test('nobody becomes red, or yellow, because what had ended it is deleted', async (t) => {
  const db = await freshDatabase(t);
  await givenHealthCode(db);
  const [contact, late, fever, suspended] = [
    await givenDeclared(db, 1),
    await givenDeclared(db, 2),
    await givenDeclared(db, 3),
    await givenDeclared(db, 4),
  ];
  const given = (of: Holder, type: string, source: string, day: number) =>
    givenEvidence(db, of.subject, { type, source, at: daysLater(day) });
  const reasons = async (of: Holder, day: number) =>
    (await decideFor(db, of.citizenId, daysLater(day))).reasons.join();

  // A contact that ended, and a yellow half a year later that does not.
  await given(contact, 'CLOSE_CONTACT', 'cdc', 0);
  await well(db, contact.citizenId, 0, 13);
  t.is(await reasons(contact, 20), 'G303');
  await given(contact, 'FEVER_CLINIC', 'hospital', 175);
  t.is(await reasons(contact, 175), 'Y203');

  // A case of which we were told long after its discharge.
  const id = await given(late, 'CASE_CONFIRMED', 'hospital', 0);
  await db.query('update health_evidence set discharged_at = $2, received_at = $3 where id = $1', [
    id,
    daysLater(1),
    daysLater(60),
  ]);
  await well(db, late.citizenId, 1, 14);
  t.is(await reasons(late, 60), 'G303');

  // A fever and a yellow that a red absorbed, from which a release freed.
  await db.transaction((tx) =>
    checkIn(tx, { citizenId: fever.citizenId, said: { temp: 39, symptoms: [] }, now: daysLater(1) }),
  );
  await given(fever, 'MEDIUM_RISK_STAY', 'transport', 2);
  await given(fever, 'CLOSE_CONTACT', 'cdc', 3);
  await db.query('update health_evidence set received_at = $2 where subject = $1 and type = $3', [
    fever.subject,
    daysLater(16),
    'MEDIUM_RISK_STAY',
  ]);
  await db.query(
    `insert into health_releases (subject, id, source, reference, at, received_at)
     values ($1, gen_random_uuid(), 'cdc', 'r', $2, $2)`,
    [fever.subject, daysLater(18)],
  );
  t.is(await reasons(fever, 20), 'G303');

  // A yellow that a green order hides for some days.
  await given(suspended, 'FEVER_CLINIC', 'hospital', 0);
  await db.query(
    `with made as (
       insert into health_orders (id, colour, purpose, org_type, organisation, evidence_id, valid_from, valid_to,
         approver1, approver2, state, requested_at, decided_at)
       values ($1, 'GREEN', 'epidemic_prevention', 'health', 'o', 'e', $2, $3, 'a', 'b', 'approved', $2, $2)
       returning id
     ) insert into health_order_subjects (subject, order_id) select $4, id from made`,
    [suspended.citizenId, daysLater(195), daysLater(205), suspended.subject],
  );
  t.is(await reasons(suspended, 199), 'G380');

  // An open case that came too late to count.
  const forgotten = await given(fever, 'CASE_CONFIRMED', 'hospital', -200);
  await db.query(`update health_evidence set in_time = '{}' where id = $1`, [forgotten]);

  for (const day of [181, 197, 199, 201, 203, 210]) {
    await purgeAll(db, daysLater(day));
    t.is(await reasons(contact, day), 'Y203', `day ${day}`);
    t.is((await decideFor(db, late.citizenId, daysLater(day))).colour, 'GREEN', `day ${day}`);
    t.is((await decideFor(db, fever.citizenId, daysLater(day))).colour, 'GREEN', `day ${day}`);
  }
  t.is(await reasons(suspended, 210), 'Y203');
  await well(db, contact.citizenId, 210, 216);
  await well(db, suspended.citizenId, 210, 216);
  t.is(await reasons(contact, 217), 'G302');
  t.is(await reasons(suspended, 217), 'G302');
  await purgeAll(db, daysLater(460));
  for (const table of ['health_evidence', 'health_checkins', 'health_releases']) {
    t.deepEqual(await db.query(`select 1 from ${table}`), [], `nothing is kept for ever: ${table}`);
  }
});

test('whom an order touched goes when it is long over, and with a check-in the mark that it does not count', async (t) => {
  const db = await freshDatabase(t);
  await givenHealthCode(db);
  const { citizenId, subject } = await givenDeclared(db, 1);
  await db.transaction((tx) => checkIn(tx, { citizenId, said: { temp: 39, symptoms: [] }, now: NOW }));
  await db.query(
    `insert into health_checkin_voids (citizen_id, checkin_id, appeal_id, at) select citizen_id, id, id, at from health_checkins`,
  );
  await decideFor(db, citizenId, NOW);
  await db.query(
    `insert into health_orders (id, colour, purpose, org_type, organisation, evidence_id, valid_from, valid_to, approver1,
       state, requested_at)
     values ($1, 'RED', 'epidemic_prevention', 'health', 'o', 'e', $2, $3, 'a', 'withdrawn', $2)`,
    [citizenId, NOW, daysLater(7)],
  );
  await db.query('insert into health_order_subjects (subject, order_id) values ($1, $2)', [
    subject,
    citizenId,
  ]);
  while ((await purgeHealth(db, { now: daysLater(300) })) > 0);
  t.deepEqual(await db.query('select 1 from health_checkin_voids'), []);
  t.is((await db.query('select 1 from health_order_subjects')).length, 1);
  while ((await purgeHealth(db, { now: daysLater(800) })) > 0);
  t.deepEqual(await db.query('select 1 from health_order_subjects'), []);
  t.is((await db.query('select 1 from health_orders')).length, 1);
});

test('the copy of somebody’s data has what they declared, said of their trips and appealed against', async (t) => {
  const db = await freshDatabase(t);
  await givenHealthCode(db);
  const holder = await givenDeclared(db, 1);
  const trip = {
    province: '41',
    city: '郑州市',
    from: 20_775,
    to: 20_777,
    way: 'train',
    number: 'G1',
  } as const;
  const declared = { holder, trip: { ...trip, signature: '示例' }, ask: false, now: NOW };
  await db.transaction((tx) => declareTrip(tx, cipher, declared));
  const { id } = await decideFor(db, holder.citizenId, NOW);
  const text = '我当天在外地出差，有车票为证，编号 G123。';
  await db.transaction((tx) => fileAppeal(tx, cipher, { holder, decisionId: id!, text, now: NOW }));
  const data = await ownHealthData(db, cipher, holder.citizenId);
  t.is(data.declarations.length, 1);
  t.like(data.trips[0]?.declared, { city: '郑州市', from: '2026-11-18', to: '2026-11-20' });
  t.like(data.appeals[0], { at: NOW, text, state: 'open' });
});
