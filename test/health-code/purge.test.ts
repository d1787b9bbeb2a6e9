import test from 'ava';
import { checkIn } from '../../src/health-code/checkin.ts';
import { decideFor } from '../../src/health-code/decide.ts';
import { purgeHealth } from '../../src/health-code/purge.ts';
import { NOW } from '../support/citizens.ts';
import { freshDatabase } from '../support/database.ts';
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
  while ((await purgeHealth(db, { now: daysLater(1000) })) > 0);
  t.is((await db.query('select 1 from health_evidence')).length, 2);
  t.is((await decideFor(db, citizenId, daysLater(1000))).colour, 'YELLOW');
});

test('whom an order touched goes when it is long over, and with a check-in the mark that it does not count', async (t) => {
  const db = await freshDatabase(t);
  await givenHealthCode(db);
  const { citizenId, subject } = await givenDeclared(db, 1);
  await db.transaction((tx) => checkIn(tx, { citizenId, said: { temp: 39, symptoms: [] }, now: NOW }));
  await db.query(
    `insert into health_checkin_voids (citizen_id, checkin_id, appeal_id, at) select citizen_id, id, id, at from health_checkins`,
  );
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
