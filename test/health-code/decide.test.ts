import test from 'ava';
import { endEvidence } from '../../src/assurance/store.ts';
import { checkIn } from '../../src/health-code/checkin.ts';
import { decideFor } from '../../src/health-code/decide.ts';
import { readDecisions } from '../../src/health-code/decision-store.ts';
import { dayOf } from '../../src/health-code/engine/civil-day.ts';
import { ruleSets } from '../../src/health-code/engine/rule-set.ts';
import { putIntoForce, registerRuleSets, signRuleSet } from '../../src/health-code/rule-set-store.ts';
import { NoRuleSet } from '../../src/health-code/rules-in-force.ts';
import { Problem } from '../../src/platform/problem.ts';
import { givenAccount, NOW } from '../support/citizens.ts';
import { freshDatabase } from '../support/database.ts';
import { recordStatements, unindexedScans } from '../support/explain.ts';
import {
  daysLater,
  givenCitizenAtBasic,
  givenDeclared,
  givenEvidence,
  givenHealthCode,
} from '../support/health.ts';

test('somebody below basic is grey for that, somebody at basic for want of a declaration', async (t) => {
  const db = await freshDatabase(t);
  await givenHealthCode(db);
  const visitor = await givenAccount(db, 1);
  const citizen = await givenCitizenAtBasic(db, 2);
  t.deepEqual((await decideFor(db, visitor, NOW)).reasons, ['U001']);
  t.deepEqual((await decideFor(db, citizen.citizenId, NOW)).reasons, ['U002']);
  t.deepEqual(await readDecisions(db, citizen.citizenId), []);
});

test('a declaration without risks is green, and what was declared is signed, sealed and kept', async (t) => {
  const db = await freshDatabase(t);
  await givenHealthCode(db);
  const { citizenId } = await givenDeclared(db, 1);
  const [decision] = await readDecisions(db, citizenId);
  t.is(decision?.colour, 'GREEN');
  t.deepEqual(decision?.reasons, ['G301']);
  const [row] = await db.query<{ body: Buffer; digest: Buffer }>(
    'select body, digest from health_declarations',
  );
  t.false(row!.body.toString().includes('甲市'));
  t.is(row!.digest.length, 32);
});

test('the same facts leave one decision, however often they are looked at, also at once', async (t) => {
  const db = await freshDatabase(t, { max: 12 });
  await givenHealthCode(db);
  const { citizenId, subject } = await givenDeclared(db, 1);
  await givenEvidence(db, subject, { type: 'CLOSE_CONTACT', source: 'cdc', at: NOW });
  const later = new Date(NOW.getTime() + 1000);
  await Promise.all(
    Array.from({ length: 10 }, () => db.transaction((tx) => decideFor(tx, citizenId, later))),
  );
  t.deepEqual(
    (await readDecisions(db, citizenId)).map((decision) => decision.colour),
    ['RED', 'GREEN'],
  );
});

test('a clock that ends is right on read, without any schedule', async (t) => {
  const db = await freshDatabase(t);
  await givenHealthCode(db);
  const { citizenId, subject } = await givenDeclared(db, 1);
  await givenEvidence(db, subject, { type: 'CLOSE_CONTACT', source: 'cdc', at: NOW });
  t.deepEqual((await decideFor(db, citizenId, NOW)).reasons, ['R104']);
  t.deepEqual((await decideFor(db, citizenId, daysLater(15))).reasons, ['R190', 'R104']);
  const [person] = await db.query<{ next_eval_at: Date | null }>('select next_eval_at from health_people');
  t.is(person?.next_eval_at, null);
});

test('the next instant at which a colour can change by itself is kept', async (t) => {
  const db = await freshDatabase(t);
  await givenHealthCode(db);
  const { citizenId, subject } = await givenDeclared(db, 1);
  await givenEvidence(db, subject, { type: 'CLOSE_CONTACT', source: 'cdc', at: NOW });
  await decideFor(db, citizenId, NOW);
  const [person] = await db.query<{ next_eval_at: Date }>('select next_eval_at from health_people');
  t.is(person?.next_eval_at.toISOString(), '2026-12-06T16:00:00.000Z');
});

test('red does not end because the account decays below basic', async (t) => {
  const db = await freshDatabase(t);
  await givenHealthCode(db);
  const { citizenId, subject } = await givenDeclared(db, 1);
  await givenEvidence(db, subject, { type: 'CLOSE_CONTACT', source: 'cdc', at: NOW });
  await endEvidence(db, { citizenId, method: 'carrier', reason: 'new_owner', at: NOW });
  t.is((await decideFor(db, citizenId, daysLater(1))).colour, 'RED');
  t.is((await decideFor(db, citizenId, daysLater(2000))).colour, 'RED');
});

test('declared symptoms are yellow and seven healthy days after them are green', async (t) => {
  const db = await freshDatabase(t);
  await givenHealthCode(db);
  const { citizenId } = await givenDeclared(db, 1, { declared: { symptoms: ['cough'] } });
  const said = { temp: 36.6, symptoms: [] };
  for (let day = 1; day <= 6; day += 1) {
    const now = daysLater(day);
    const { reasons } = await db.transaction((tx) => checkIn(tx, { citizenId, said, now }));
    t.deepEqual(reasons, ['Y202']);
  }
  const last = await db.transaction((tx) => checkIn(tx, { citizenId, said, now: daysLater(7) }));
  t.deepEqual(last.reasons, ['G302']);
  t.deepEqual(last.sources, ['checkin', 'declaration']);
});

test('a declared stay counts from its last day', async (t) => {
  const db = await freshDatabase(t);
  await givenHealthCode(db);
  const today = dayOf(NOW.getTime());
  const { citizenId } = await givenDeclared(db, 1, {
    declared: { highRiskUntil: today - 3, arrivedOn: today },
  });
  const decision = await decideFor(db, citizenId, NOW);
  t.deepEqual(decision.reasons, ['R105']);
  t.is(decision.earliestExit?.toISOString(), '2026-12-05T16:00:00.000Z');
});

test('a feed that fell silent is told, and is no new decision', async (t) => {
  const db = await freshDatabase(t);
  await givenHealthCode(db);
  const { citizenId } = await givenDeclared(db, 1);
  await db.query(`insert into health_sources (source, received_at) values ('hospital', $1)`, [NOW]);
  t.deepEqual((await decideFor(db, citizenId, daysLater(2))).reasons, ['G301', 'D901']);
  t.is((await readDecisions(db, citizenId)).length, 1);
});

test('a check-in before any declaration is refused, and so is the thirteenth of a day', async (t) => {
  const db = await freshDatabase(t);
  await givenHealthCode(db);
  const citizen = await givenCitizenAtBasic(db, 1);
  const said = { temp: 36.6, symptoms: [] };
  const first = db.transaction((tx) => checkIn(tx, { citizenId: citizen.citizenId, said, now: NOW }));
  await t.throwsAsync(first, { instanceOf: Problem, message: 'health_not_declared' });
  const { citizenId } = await givenDeclared(db, 2);
  const again = () => db.transaction((tx) => checkIn(tx, { citizenId, said, now: NOW }));
  for (let count = 0; count < 12; count += 1) await again();
  await t.throwsAsync(again, { instanceOf: Problem, message: 'health_checkins_many' });
});

test('decisions, declarations and check-ins are never changed or deleted', async (t) => {
  const db = await freshDatabase(t);
  await givenHealthCode(db);
  const { citizenId } = await givenDeclared(db, 1);
  await db.transaction((tx) => checkIn(tx, { citizenId, said: { temp: 36, symptoms: [] }, now: NOW }));
  await t.throwsAsync(db.query(`update health_decisions set colour = 'RED'`), { message: /append-only/ });
  await t.throwsAsync(db.query('delete from health_decisions'), { message: /append-only/ });
  await t.throwsAsync(db.query('delete from health_declarations'), { message: /append-only/ });
  await t.throwsAsync(db.query('update health_checkins set temp = 360'), { message: /append-only/ });
});

test('without a rule set signed by two nobody gets a colour', async (t) => {
  const db = await freshDatabase(t);
  await registerRuleSets(db, ruleSets, NOW);
  const citizen = await givenCitizenAtBasic(db, 1);
  await t.throwsAsync(decideFor(db, citizen.citizenId, NOW), { instanceOf: NoRuleSet });
  const version = ruleSets.at(-1)!.version;
  const put = () => putIntoForce(db, { version, from: NOW, now: NOW });
  await t.throwsAsync(put, { message: 'health_rule_set_unsigned' });
  t.false(await signRuleSet(db, { version, signer: 'a', now: NOW }));
  await t.throwsAsync(signRuleSet(db, { version, signer: 'a', now: NOW }), { message: 'health_same_person' });
  await t.throwsAsync(put, { message: 'health_rule_set_unsigned' });
  t.true(await signRuleSet(db, { version, signer: 'b', now: NOW }));
  await put();
  t.deepEqual((await decideFor(db, citizen.citizenId, NOW)).reasons, ['U002']);
});

test('a rule set that was changed after it was made known stops the start', async (t) => {
  const db = await freshDatabase(t);
  await registerRuleSets(db, ruleSets, NOW);
  const changed = [{ ...ruleSets[0]!, red: { ...ruleSets[0]!.red, clockDays: 1 } }];
  await t.throwsAsync(registerRuleSets(db, changed, NOW), { message: /Give it a new version/ });
});

test('every look at a code uses indexes only', async (t) => {
  const db = await freshDatabase(t);
  await givenHealthCode(db);
  const { citizenId } = await givenDeclared(db, 1);
  const recorded = recordStatements(db);
  await decideFor(recorded, citizenId, daysLater(1));
  await readDecisions(recorded, citizenId);
  const small = /health_sources|health_outage_days|health_rule_sets|^h:|^d:/;
  const scans = (await unindexedScans(db, recorded.statements)).filter(
    (scan) => !small.test(scan.split(':')[0]!),
  );
  t.deepEqual(scans, []);
});
