import test from 'ava';
import { recordGuardianship } from '../../../src/citizens/guardianship.ts';
import { claimAppeal, decideAppeal } from '../../../src/health-code/appeals/decide-appeal.ts';
import { fileAppeal, withdrawAppeal } from '../../../src/health-code/appeals/file-appeal.ts';
import { readAppeal, readItems, workList } from '../../../src/health-code/appeals/store.ts';
import { checkIn } from '../../../src/health-code/checkin.ts';
import { decideFor, runTransitions } from '../../../src/health-code/decide.ts';
import { readDecisions } from '../../../src/health-code/decision-store.ts';
import { ruleSets } from '../../../src/health-code/engine/rule-set.ts';
import { approveOrder, requestOrder } from '../../../src/health-code/orders/order.ts';
import type { Holder } from '../../../src/health-code/people.ts';
import { purgeHealth } from '../../../src/health-code/purge.ts';
import type { Database, Queryable } from '../../../src/platform/database.ts';
import { cipher, minutesLater, NOW } from '../../support/citizens.ts';
import { freshDatabase } from '../../support/database.ts';
import { recordStatements, unindexedScans } from '../../support/explain.ts';
import { daysLater, givenDeclared, givenEvidence, givenHealthCode } from '../../support/health.ts';
import { givenOfficer } from '../../support/health-office.ts';

const TEXT = '我当天在外地出差，有车票为证，编号 G123。';
const ANSWER = '已与来源单位核对，情况属实，予以更正。';
const hoursLater = (hours: number) => minutesLater(hours * 60);

const NOBODY = '00000000-0000-7000-8000-000000000000';
const listFor = (db: Queryable, wish: Partial<Parameters<typeof workList>[1]> = {}) =>
  workList(db, { officerId: NOBODY, freeAfter: NOW, ...wish });

async function appealNow(db: Database, holder: Holder, now = NOW) {
  const { id: decisionId } = await decideFor(db, holder.citizenId, now);
  const filed = await db.transaction((tx) =>
    fileAppeal(tx, cipher, { holder, decisionId: decisionId!, text: TEXT, now }),
  );
  return { ...filed, decisionId: decisionId! };
}

test('weak evidence under appeal lapses after 24 hours to the second, by the schedule, and the record says when', async (t) => {
  const db = await freshDatabase(t);
  await givenHealthCode(db);
  const holder = await givenDeclared(db, 1);
  const proximity = { type: 'TELECOM_PROXIMITY', source: 'telecom', at: NOW, phoneOwnerVerified: true };
  await givenEvidence(db, holder.subject, proximity);
  const { decision } = await appealNow(db, holder, hoursLater(1));
  t.is(decision.colour, 'YELLOW');
  const [person] = await db.query<{ next_eval_at: Date }>('select next_eval_at from health_people');
  t.deepEqual(person?.next_eval_at, hoursLater(25));
  t.is(await runTransitions(db, { now: new Date(hoursLater(25).getTime() - 1) }), 0);
  t.is(await runTransitions(db, { now: hoursLater(30) }), 1);
  const [newest] = await readDecisions(db, holder.citizenId);
  t.deepEqual([newest?.colour, newest?.at], ['GREEN', hoursLater(25)]);
});

test('strong evidence does not lapse, however long nobody decides', async (t) => {
  const db = await freshDatabase(t);
  await givenHealthCode(db);
  const holder = await givenDeclared(db, 1);
  await givenEvidence(db, holder.subject, { type: 'CLOSE_CONTACT', source: 'cdc', at: NOW });
  await appealNow(db, holder);
  t.is((await decideFor(db, holder.citizenId, daysLater(10))).colour, 'RED');
});

for (const [outcome, colour] of [
  ['upheld', 'GREEN'],
  ['rejected', 'RED'],
] as const) {
  test(`an appeal that is ${outcome} makes the colour ${colour} at once, and the citizen can read why`, async (t) => {
    const db = await freshDatabase(t);
    await givenHealthCode(db);
    const holder = await givenDeclared(db, 1);
    await givenEvidence(db, holder.subject, { type: 'CLOSE_CONTACT', source: 'cdc', at: NOW });
    const { id } = await appealNow(db, holder);
    const officer = await givenOfficer(db, 2, ['health_officer']);
    await db.transaction((tx) => claimAppeal(tx, { officer, id, now: hoursLater(1) }));
    const decision = await db.transaction((tx) =>
      decideAppeal(tx, cipher, { officer, id, outcome, answer: ANSWER, now: hoursLater(2) }),
    );
    t.is(decision.colour, colour);
    const appeal = await readAppeal(db, cipher, holder.citizenId, id);
    t.is(appeal?.state, outcome);
    t.is(appeal?.answer, ANSWER);
    const rows = await db.query('select type, actor from audit_events where actor = $1 order by id', [
      officer.actor,
    ]);
    t.deepEqual(rows, [
      { type: 'health.appeal_claimed', actor: officer.actor },
      { type: 'health.appeal_decided', actor: officer.actor },
    ]);
    t.deepEqual(await db.query(`select kind from health_notices where kind = 'appeal'`), [
      { kind: 'appeal' },
    ]);
  });
}

test('weak evidence that was reviewed in time and stands counts on after 24 hours', async (t) => {
  const db = await freshDatabase(t);
  await givenHealthCode(db);
  const holder = await givenDeclared(db, 1);
  await givenEvidence(db, holder.subject, { type: 'FEVER_DRUG', source: 'insurance', at: NOW });
  const { id } = await appealNow(db, holder);
  const officer = await givenOfficer(db, 2, ['health_officer']);
  await db.transaction((tx) => claimAppeal(tx, { officer, id, now: hoursLater(1) }));
  await db.transaction((tx) =>
    decideAppeal(tx, cipher, { officer, id, outcome: 'rejected', answer: ANSWER, now: hoursLater(23) }),
  );
  t.is((await decideFor(db, holder.citizenId, hoursLater(30))).colour, 'YELLOW');
});

test('a mistyped check-in no longer counts after its appeal was upheld, and still stands as it was said', async (t) => {
  const db = await freshDatabase(t);
  await givenHealthCode(db);
  const holder = await givenDeclared(db, 1);
  const { citizenId } = holder;
  await db.transaction((tx) => checkIn(tx, { citizenId, said: { temp: 39.5, symptoms: [] }, now: NOW }));
  const { id } = await appealNow(db, holder, minutesLater(1));
  const officer = await givenOfficer(db, 2, ['health_officer']);
  const [item] = await readItems(db, { citizenId, appealId: id, subject: holder.subject });
  t.deepEqual([item?.kind, item?.temp], ['checkin', 39.5]);
  await db.transaction((tx) => claimAppeal(tx, { officer, id, now: minutesLater(2) }));
  const decision = await db.transaction((tx) =>
    decideAppeal(tx, cipher, { officer, id, outcome: 'upheld', answer: ANSWER, now: minutesLater(3) }),
  );
  t.is(decision.colour, 'GREEN');
  t.is((await db.query('select 1 from health_checkins')).length, 1);
});

test('an order stops to hold for the one whose appeal was upheld, and for nobody else', async (t) => {
  const db = await freshDatabase(t);
  await givenHealthCode(db);
  const [one, other] = [await givenDeclared(db, 1), await givenDeclared(db, 2)];
  const asks = await givenOfficer(db, 3, ['health_officer']);
  const approves = await givenOfficer(db, 4, ['health_approver', 'health_officer']);
  const reviews = await givenOfficer(db, 5, ['health_officer']);
  const as = { organisation: '甲市卫生健康委员会', orgType: 'health' } as const;
  const tools = { cipher, t: (key: string) => key, rules: ruleSets[0]! };
  const orderId = await db.transaction((tx) =>
    requestOrder(tx, tools, {
      actor: { officer: asks, as },
      order: {
        colour: 'RED',
        evidenceId: '文号 1',
        reason: '聚集性疫情调查',
        from: NOW,
        to: daysLater(7),
        subjects: [one.subject, other.subject],
      },
      now: NOW,
    }),
  );
  await db.transaction((tx) =>
    approveOrder(tx, tools, { actor: { officer: approves, as }, id: orderId, now: NOW }),
  );
  const { id } = await appealNow(db, one, hoursLater(1));
  const taken = db.transaction((tx) => claimAppeal(tx, { officer: approves, id, now: hoursLater(1) }));
  await t.throwsAsync(taken, { message: 'health_own_case' });
  await db.transaction((tx) => claimAppeal(tx, { officer: reviews, id, now: hoursLater(1) }));
  await db.transaction((tx) =>
    decideAppeal(tx, cipher, { officer: reviews, id, outcome: 'upheld', answer: ANSWER, now: hoursLater(2) }),
  );
  t.is((await decideFor(db, one.citizenId, hoursLater(2))).colour, 'GREEN');
  t.is((await decideFor(db, other.citizenId, hoursLater(2))).colour, 'RED');
});

test('of ten officers who take one appeal at once one gets it, and a claim that is forgotten ends', async (t) => {
  const db = await freshDatabase(t, { max: 12 });
  await givenHealthCode(db);
  const holder = await givenDeclared(db, 1);
  const { id } = await appealNow(db, holder);
  const officers = await Promise.all(
    Array.from({ length: 10 }, (_, n) => givenOfficer(db, n + 2, ['health_officer'])),
  );
  const claims = await Promise.allSettled(
    officers.map((officer) => db.transaction((tx) => claimAppeal(tx, { officer, id, now: NOW }))),
  );
  t.is(claims.filter(({ status }) => status === 'fulfilled').length, 1);
  const loser = officers[claims.findIndex(({ status }) => status === 'rejected')]!;
  const decided = { officer: loser, id, outcome: 'upheld', answer: ANSWER } as const;
  const decide = (now: Date) => db.transaction((tx) => decideAppeal(tx, cipher, { ...decided, now }));
  await t.throwsAsync(decide(minutesLater(1)), { message: 'health_appeal_taken' });
  await db.transaction((tx) => claimAppeal(tx, { officer: loser, id, now: hoursLater(5) }));
  await decide(hoursLater(5));
  await t.throwsAsync(decide(hoursLater(5)), { message: 'health_appeal_taken' });
});

test('nobody decides their own appeal', async (t) => {
  const db = await freshDatabase(t);
  await givenHealthCode(db);
  const holder = await givenDeclared(db, 1);
  const { id } = await appealNow(db, holder);
  const officer = { citizenId: holder.citizenId, actor: `officer:${holder.citizenId}` };
  const claimed = db.transaction((tx) => claimAppeal(tx, { officer, id, now: NOW }));
  await t.throwsAsync(claimed, { message: 'health_own_case' });
  t.is((await listFor(db)).items[0]?.claimedBy, undefined);
});

test('nobody decides an appeal of somebody for whom they act, also when they came to act after taking it', async (t) => {
  const db = await freshDatabase(t);
  await givenHealthCode(db);
  const holder = await givenDeclared(db, 1);
  const { id } = await appealNow(db, holder);
  const parent = await givenOfficer(db, 2, ['health_officer']);
  const helped = await givenOfficer(db, 3, ['health_officer']);
  const kin = { reference: 'test', now: NOW };
  const { citizenId: dependantId } = holder;
  await recordGuardianship(db, { guardianId: parent.citizenId, dependantId, kind: 'child', ...kin });
  const claim = (officer: typeof parent) =>
    db.transaction((tx) => claimAppeal(tx, { officer, id, now: NOW }));
  await t.throwsAsync(claim(parent), { message: 'health_own_case' });
  await db.query(`update guardianships set ended_at = $1, ended_by = 'guardian'`, [NOW]);
  await t.throwsAsync(claim(parent), { message: 'health_own_case' });

  await claim(helped);
  await recordGuardianship(db, {
    guardianId: dependantId,
    dependantId: helped.citizenId,
    kind: 'elder',
    ...kin,
  });
  const decided = db.transaction((tx) =>
    decideAppeal(tx, cipher, { officer: helped, id, outcome: 'upheld', answer: ANSWER, now: NOW }),
  );
  await t.throwsAsync(decided, { message: 'health_own_case' });
});

test('sending an appeal twice, also at once, files it once; a sixth open one is refused', async (t) => {
  const db = await freshDatabase(t, { max: 8 });
  await givenHealthCode(db);
  const holder = await givenDeclared(db, 1);
  const filed = await Promise.all([1, 2, 3].map(() => appealNow(db, holder)));
  t.is(new Set(filed.map(({ id }) => id)).size, 1);
  const kinds = ['CLOSE_CONTACT', 'HIGH_RISK_STAY', 'CASE_CONFIRMED', 'CASE_SUSPECTED', 'CASE_ASYMPTOMATIC'];
  for (const [n, type] of kinds.entries()) {
    await givenEvidence(db, holder.subject, { type, source: 'cdc', at: NOW });
    const appeal = appealNow(db, holder, minutesLater(n + 1));
    if (n === 4) await t.throwsAsync(appeal, { message: 'health_appeals_many' });
    else await appeal;
  }
});

test("somebody else's decision cannot be appealed", async (t) => {
  const db = await freshDatabase(t);
  await givenHealthCode(db);
  const [one, other] = [await givenDeclared(db, 1), await givenDeclared(db, 2)];
  const { id } = await decideFor(db, other.citizenId, NOW);
  const filed = db.transaction((tx) =>
    fileAppeal(tx, cipher, { holder: one, decisionId: id!, text: TEXT, now: NOW }),
  );
  await t.throwsAsync(filed, { message: 'health_no_decision' });
});

test('weak evidence counts again when its appeal is taken back', async (t) => {
  const db = await freshDatabase(t);
  await givenHealthCode(db);
  const holder = await givenDeclared(db, 1);
  await givenEvidence(db, holder.subject, { type: 'FEVER_DRUG', source: 'insurance', at: NOW });
  const { id } = await appealNow(db, holder);
  t.is((await decideFor(db, holder.citizenId, hoursLater(24))).colour, 'GREEN');
  const withdraw = () => db.transaction((tx) => withdrawAppeal(tx, { holder, id, now: hoursLater(26) }));
  t.is((await withdraw()).colour, 'YELLOW');
  await t.throwsAsync(withdraw, { message: 'health_appeal_closed' });
});

test('the work list begins with what is due first, goes on page by page without what others hold, and names nobody; what was written is sealed', async (t) => {
  const db = await freshDatabase(t);
  await givenHealthCode(db);
  for (const n of [1, 2, 3]) await appealNow(db, await givenDeclared(db, n), minutesLater(10 - n));
  // Filed last, due first: weak evidence lapses after a day.
  const weak = await givenDeclared(db, 4);
  await givenEvidence(db, weak.subject, { type: 'FEVER_DRUG', source: 'insurance', at: NOW });
  const { id: urgent } = await appealNow(db, weak, minutesLater(20));
  const first = await listFor(db, { limit: 2 });
  const { items } = first;
  t.deepEqual(
    items.map(({ filedAt }) => filedAt),
    [minutesLater(20), minutesLater(7)],
  );
  const other = await givenOfficer(db, 5, ['health_officer']);
  await db.transaction((tx) => claimAppeal(tx, { officer: other, id: urgent, now: minutesLater(21) }));
  const second = await listFor(db, { limit: 2, after: first.next });
  t.deepEqual(
    second.items.map(({ filedAt }) => filedAt),
    [minutesLater(8), minutesLater(9)],
  );
  t.deepEqual([second.next, second.taken], [undefined, 1]);
  const mine = await listFor(db, { officerId: other.citizenId });
  t.deepEqual([mine.items.length, mine.items[0]?.id, mine.taken], [4, urgent, 0]);
  t.is((await listFor(db)).items.length, 3);
  t.is((await listFor(db, { freeAfter: minutesLater(300), after: "1'--" })).items.length, 4);
  t.deepEqual(
    Object.keys(items[0]!).filter((key) => /name|citizen|text/.test(key)),
    [],
  );
  const [row] = await db.query<{ body: Buffer }>('select body from health_appeals limit 1');
  t.false(row!.body.toString().includes('车票'));
});

test('appeals use indexes only, and go when they are old', async (t) => {
  const db = await freshDatabase(t);
  await givenHealthCode(db);
  const holder = await givenDeclared(db, 1);
  await givenEvidence(db, holder.subject, { type: 'FEVER_DRUG', source: 'insurance', at: NOW });
  const officer = await givenOfficer(db, 2, ['health_officer']);
  const { id: decisionId } = await decideFor(db, holder.citizenId, NOW);
  const recorded = recordStatements(db);
  const { id } = await fileAppeal(recorded, cipher, {
    holder,
    decisionId: decisionId!,
    text: TEXT,
    now: NOW,
  });
  await listFor(recorded);
  await claimAppeal(recorded, { officer, id, now: NOW });
  await readItems(recorded, { citizenId: holder.citizenId, appealId: id, subject: holder.subject });
  await decideAppeal(recorded, cipher, { officer, id, outcome: 'upheld', answer: ANSWER, now: NOW });
  const small = /^(health_sources|health_outage_days|health_rule_sets|h|d|n):/;
  const scans = (await unindexedScans(db, recorded.statements)).filter((scan) => !small.test(scan));
  t.deepEqual(scans, []);
  while ((await purgeHealth(db, { now: daysLater(800) })) > 0);
  t.deepEqual(await db.query('select 1 from health_appeals union all select 1 from health_appeal_items'), []);
});
