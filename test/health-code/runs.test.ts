import test from 'ava';
import { checkIn } from '../../src/health-code/checkin.ts';
import { sourceKind } from '../../src/health-code/collection/sources.ts';
import { decideFor, runTransitions } from '../../src/health-code/decide.ts';
import { readDecisions } from '../../src/health-code/decision-store.ts';
import { loadFacts } from '../../src/health-code/facts.ts';
import { loadManyFacts } from '../../src/health-code/facts-of-many.ts';
import { putIntoForce, registerRuleSets, signRuleSet } from '../../src/health-code/rule-set-store.ts';
import { rulesInForce, rulesOfStorage } from '../../src/health-code/rules-in-force.ts';
import { readRuns, startRun, stepRuns } from '../../src/health-code/runs.ts';
import type { Database } from '../../src/platform/database.ts';
import { NOW } from '../support/citizens.ts';
import { freshDatabase } from '../support/database.ts';
import { recordStatements, unindexedScans } from '../support/explain.ts';
import { daysLater, givenDeclared, givenEvidence, givenHealthCode } from '../support/health.ts';
import { milder, old, sets } from '../support/rule-sets.ts';

async function given(db: Database, count: number, type = 'CLOSE_CONTACT', source = 'cdc') {
  await givenHealthCode(db);
  const people: string[] = [];
  for (let n = 1; n <= count; n += 1) {
    const { citizenId, subject } = await givenDeclared(db, n);
    await givenEvidence(db, subject, { type, source, at: NOW });
    await decideFor(db, citizenId, NOW);
    people.push(citizenId);
  }
  return people;
}
const coloursOf = async (db: Database, citizenId: string) =>
  (await readDecisions(db, citizenId)).map(({ colour, reasons }) => `${colour} ${reasons.join()}`);

test('a clock that ran out while nothing ran is caught up with, once, however many processes try', async (t) => {
  const db = await freshDatabase(t, { max: 8 });
  const people = await given(db, 5);
  t.is(await runTransitions(db, { now: daysLater(1) }), 0);
  const late = daysLater(40);
  const catchUp = async () => {
    while ((await runTransitions(db, { now: late, limit: 2 })) > 0);
  };
  await Promise.all([catchUp(), catchUp(), catchUp()]);
  for (const citizenId of people) {
    t.deepEqual(await coloursOf(db, citizenId), ['RED R190,R104', 'RED R104', 'GREEN G301']);
  }
  t.is(await runTransitions(db, { now: late }), 0);
});

test('after three days of standing still the record reads as if every transition had been on time', async (t) => {
  const onTime = await freshDatabase(t);
  const late = await freshDatabase(t);
  const records: string[][] = [];
  for (const db of [onTime, late]) {
    await givenHealthCode(db);
    const { citizenId, subject } = await givenDeclared(db, 1);
    await givenEvidence(db, subject, { type: 'CLOSE_CONTACT', source: 'cdc', at: NOW });
    const phone = { type: 'TELECOM_PROXIMITY', source: 'telecom', at: NOW, phoneOwnerVerified: true };
    const weak = await givenEvidence(db, subject, phone);
    await decideFor(db, citizenId, NOW);
    // Red until the 7th at 00:00, then unproven; released at noon of the 7th; the weak evidence lapses on the 8th.
    await db.query(
      `insert into health_releases (subject, id, source, reference, at, received_at) values ($1, $2, 'cdc', 'r', $3, $4)`,
      [subject, weak, new Date('2026-12-07T04:00:00Z'), NOW],
    );
    await db.query('update health_evidence set appeal_at = $2 where id = $1', [
      weak,
      new Date('2026-12-07T01:00:00Z'),
    ]);
    await decideFor(db, citizenId, NOW);
    const stopped = new Date('2026-12-06T10:00:00Z');
    for (let minute = 0; minute <= 3 * 24 * 60; minute += 30) {
      const now = new Date(stopped.getTime() + minute * 60_000);
      if (db === onTime || minute === 3 * 24 * 60) await runTransitions(db, { now });
    }
    const rows = (await readDecisions(db, citizenId)).reverse();
    records.push(rows.map(({ at, colour, reasons }) => `${at.toISOString()} ${colour} ${reasons.join()}`));
    t.is(await runTransitions(db, { now: daysLater(17) }), 0);
  }
  t.deepEqual(records[0], records[1]);
  t.deepEqual(records[1], [
    '2026-11-23T02:00:00.000Z GREEN G301',
    '2026-11-23T02:00:00.000Z RED R104',
    '2026-12-06T16:00:00.000Z RED R190,R104',
    '2026-12-07T04:00:00.000Z YELLOW Y208',
    '2026-12-08T01:00:00.000Z GREEN G303',
  ]);
});

test('many citizens at once are given the same facts as one by one', async (t) => {
  const db = await freshDatabase(t);
  await givenHealthCode(db);
  const people: string[] = [];
  for (let n = 1; n <= 3; n += 1) {
    const { citizenId, subject } = await givenDeclared(db, n, { declared: { symptoms: ['cough'] } });
    const phone = { type: 'TELECOM_PROXIMITY', source: 'telecom', at: NOW, phoneOwnerVerified: n > 1 };
    await givenEvidence(db, subject, phone);
    const said = { temp: 36.4 + n / 10, symptoms: n > 1 ? [] : ['fever'] };
    await db.transaction((tx) => checkIn(tx, { citizenId, said, now: daysLater(n) }));
    people.push(citizenId);
  }
  await db.query(
    `insert into health_releases (subject, id, source, reference, at, received_at)
     select subject, citizen_id, 'cdc', 'r', $1, $1 from health_people`,
    [NOW],
  );
  await db.query(
    'update health_evidence set revoked_at = $1, appeal_at = $1 where id = (select min(id::text)::uuid from health_evidence)',
    [NOW],
  );
  const many = await loadManyFacts(db, people, daysLater(4));
  for (const citizenId of people) {
    const { inputAt, ...one } = (await loadFacts(db, citizenId, daysLater(4)))!;
    const { inputAt: same, ...other } = many.find(({ person }) => person.citizenId === citizenId)!;
    t.is(JSON.stringify(other), JSON.stringify(one));
    t.is(JSON.stringify(same(NOW.getTime())), JSON.stringify(inputAt(NOW.getTime())));
  }
});

test('a transition that is interrupted leaves nothing half done', async (t) => {
  const db = await freshDatabase(t);
  const [citizenId] = await given(db, 1);
  const late = daysLater(40);
  const crash = db.transaction(async (tx) => {
    await decideFor(tx, citizenId!, late);
    throw new Error('killed');
  });
  await t.throwsAsync(crash, { message: 'killed' });
  t.is((await coloursOf(db, citizenId!)).length, 2);
  t.is(await runTransitions(db, { now: late }), 1);
  t.is((await coloursOf(db, citizenId!)).length, 3);
});

test('a new rule set runs in shadow over everyone, changes nobody and shows the shift of colours', async (t) => {
  const db = await freshDatabase(t);
  const people = await given(db, 5, 'FEVER_CLINIC', 'hospital');
  await givenDeclared(db, 6);
  await registerRuleSets(db, sets, NOW);
  while ((await stepRuns(db, { now: NOW }, sets)) !== undefined);
  await startRun(db, { kind: 'shadow', version: '2026-9', from: NOW }, sets);
  t.is(await stepRuns(db, { now: NOW, batch: 2 }, sets), 2);
  const [half] = await readRuns(db, '2026-9');
  t.deepEqual([half?.done, half?.total, half?.finishedAt], [2, 6, undefined]);
  while ((await stepRuns(db, { now: NOW, batch: 2 }, sets)) !== undefined);
  const [run] = await readRuns(db, '2026-9');
  t.deepEqual(run?.shifts, { 'YELLOW>GREEN': 5, 'GREEN>GREEN': 1 });
  t.is(run?.done, 6);
  t.truthy(run?.finishedAt);
  t.deepEqual(await coloursOf(db, people[0]!), ['YELLOW Y203', 'GREEN G301']);
});

test('a rule set that replaces another goes live only after its shadow and two signatures, and decides everybody anew', async (t) => {
  const db = await freshDatabase(t);
  const people = await given(db, 3, 'FEVER_CLINIC', 'hospital');
  await registerRuleSets(db, sets, NOW);
  const now = daysLater(1);
  while ((await stepRuns(db, { now: NOW }, sets)) !== undefined);
  const live = () => db.transaction((tx) => putIntoForce(tx, { version: '2026-9', from: now, now }, sets));
  for (const signer of ['a', 'b']) await signRuleSet(db, { version: '2026-9', signer, now });
  await t.throwsAsync(live, { message: 'health_rule_set_no_shadow' });
  await startRun(db, { kind: 'shadow', version: '2026-9', from: now }, sets);
  await t.throwsAsync(live, { message: 'health_rule_set_no_shadow' });
  while ((await stepRuns(db, { now }, sets)) !== undefined);
  await live();
  while ((await stepRuns(db, { now, batch: 2 }, sets)) !== undefined);
  for (const citizenId of people) {
    t.is((await coloursOf(db, citizenId))[0], 'GREEN G301');
    const [decision] = await readDecisions(db, citizenId);
    t.is(decision?.ruleSet, '2026-9');
    t.is(decision?.at.getTime(), now.getTime());
  }
  t.deepEqual((await decideFor(db, people[0]!, now, sets)).reasons, ['G301']);
});

test('every instant missed while nothing ran is decided under the rule set that was in force then', async (t) => {
  const db = await freshDatabase(t);
  await givenHealthCode(db);
  const { citizenId, subject } = await givenDeclared(db, 1);
  const codes = { ...old.overrides.codes, RED: 'R181' };
  const second = { ...old, version: '2026-8', overrides: { ...old.overrides, codes } };
  const installed = [old, second, milder];
  for (const [from, to] of [
    [2, 4],
    [11, 12],
  ] as const) {
    await db.query(
      `with made as (
         insert into health_orders (id, colour, purpose, org_type, organisation, evidence_id, valid_from, valid_to,
           approver1, approver2, state, requested_at, decided_at)
         values (gen_random_uuid(), 'RED', 'epidemic_prevention', 'health', 'o', 'e', $1, $2, 'a', 'b', 'approved', $3, $3)
         returning id
       ) insert into health_order_subjects (subject, order_id) select $4, id from made`,
      [daysLater(from), daysLater(to), NOW, subject],
    );
  }
  await decideFor(db, citizenId, NOW);
  await registerRuleSets(db, installed, NOW);
  for (const [version, day] of [
    ['2026-8', 10],
    ['2026-9', 20],
  ] as const) {
    await db.query(
      `update health_rule_sets set signer1 = 'a', signer2 = 'b', live_from = $2 where version = $1`,
      [version, daysLater(day)],
    );
  }
  await decideFor(db, citizenId, daysLater(40), installed);
  t.deepEqual(
    (await readDecisions(db, citizenId))
      .reverse()
      .map(({ at, ruleSet, reasons }) => [(at.getTime() - NOW.getTime()) / 86_400_000, ruleSet, ...reasons]),
    [
      [0, '2020-1', 'G301'],
      [2, '2020-1', 'R180'],
      [4, '2020-1', 'G301'],
      [10, '2026-8', 'G301'],
      [11, '2026-8', 'R181'],
      [12, '2026-8', 'G301'],
      [20, '2026-9', 'G301'],
    ],
  );
});

test('a rule set decides only what it is signed, put into force and valid for; facts are taken by all that are installed', async (t) => {
  const db = await freshDatabase(t);
  const [citizenId] = await given(db, 1, 'FEVER_CLINIC', 'hospital');
  const short = { ...milder, validTo: daysLater(7).getTime() };
  const both = [old, short];
  await registerRuleSets(db, both, NOW);
  t.is((await rulesInForce(db, NOW, both)).version, old.version, 'the newest installed one is not in force');
  const { rules, any } = await rulesOfStorage(db, NOW, both);
  t.is(rules.version, old.version);
  t.true(sourceKind('hospital', any).types.has('FEVER_CLINIC'));
  t.true(sourceKind('hospital', [short, old]).types.has('FEVER_CLINIC'), 'although one drops it');
  for (const signer of ['a', 'b']) await signRuleSet(db, { version: '2026-9', signer, now: NOW });
  await startRun(db, { kind: 'shadow', version: '2026-9', from: NOW }, both);
  while ((await stepRuns(db, { now: NOW }, both)) !== undefined);
  const put = (from: Date) => putIntoForce(db, { version: '2026-9', from, now: from }, both);
  await t.throwsAsync(put(daysLater(7)), { message: 'health_rule_set_not_valid' });
  await put(daysLater(1));
  const reasons = async (day: number) => (await decideFor(db, citizenId!, daysLater(day), both)).reasons;
  t.deepEqual(await reasons(1), ['G301']);
  const [person] = await db.query<{ next_eval_at: Date }>('select next_eval_at from health_people');
  t.deepEqual(person?.next_eval_at, daysLater(7));
  t.deepEqual(await reasons(7), ['Y203']);
});

test('a run stopped in the middle of a batch goes on and decides everybody once', async (t) => {
  const db = await freshDatabase(t);
  const people = await given(db, 5);
  const late = daysLater(20);
  await startRun(db, { kind: 'live', version: old.version, from: late });
  await stepRuns(db, { now: late, batch: 2 });
  const broken = { ...db, transaction: () => Promise.reject(new Error('killed')) };
  await t.throwsAsync(stepRuns(broken, { now: late, batch: 2 }), { message: 'killed' });
  while ((await stepRuns(db, { now: late, batch: 2 })) !== undefined);
  for (const citizenId of people) t.is((await coloursOf(db, citizenId)).length, 3);
});

test('transitions and runs use indexes only', async (t) => {
  const db = await freshDatabase(t);
  await given(db, 2);
  const recorded = recordStatements(db);
  const watched = { ...db, transaction: <T>(work: (tx: typeof recorded) => Promise<T>) => work(recorded) };
  await runTransitions(watched as unknown as Database, { now: daysLater(40) });
  await startRun(db, { kind: 'live', version: old.version, from: NOW });
  await stepRuns(watched as unknown as Database, { now: daysLater(41) });
  const small = /^(health_sources|health_outage_days|health_rule_sets|h|d|n):/;
  const scans = (await unindexedScans(db, recorded.statements)).filter((scan) => !small.test(scan));
  t.deepEqual(scans, []);
});
