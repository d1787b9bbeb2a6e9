import test from 'ava';
import { recordGuardianship } from '../../../src/citizens/guardianship.ts';
import { decideFor, runTransitions } from '../../../src/health-code/decide.ts';
import { ruleSets } from '../../../src/health-code/engine/rule-set.ts';
import { openAlarms, seeAlarms } from '../../../src/health-code/orders/alarm.ts';
import {
  approveOrder,
  type NewOrder,
  type OrderTools,
  refuseOrder,
  requestOrder,
  withdrawOrder,
} from '../../../src/health-code/orders/order.ts';
import { readOrder } from '../../../src/health-code/orders/store.ts';
import { readHolder } from '../../../src/health-code/people.ts';
import type { Database } from '../../../src/platform/database.ts';
import { deliver } from '../../../src/platform/outbox.ts';
import { cipher, minutesLater, NOW, phoneOf } from '../../support/citizens.ts';
import { freshDatabase } from '../../support/database.ts';
import { recordStatements, unindexedScans } from '../../support/explain.ts';
import { daysLater, givenDeclared, givenEvidence, givenHealthCode } from '../../support/health.ts';
import { givenOfficer } from '../../support/health-office.ts';

const tools: OrderTools = {
  cipher,
  t: (key, params) => `${key} ${JSON.stringify(params)}`,
  rules: ruleSets[0]!,
};
const as = { organisation: '甲市卫生健康委员会', orgType: 'health' } as const;
const subjects = (count: number) => Array.from({ length: count }, (_, n) => Buffer.alloc(32, n));
const wish = (over: Partial<NewOrder> = {}): NewOrder => ({
  colour: 'RED',
  evidenceId: '甲疾控函〔2026〕1 号',
  reason: '聚集性疫情调查期间',
  from: NOW,
  to: daysLater(7),
  subjects: subjects(1),
  ...over,
});

type Who = { citizenId: string; actor: string };
const request = (db: Database, officer: Who, over: Partial<NewOrder> = {}, now = NOW) =>
  db.transaction((tx) => requestOrder(tx, tools, { actor: { officer, as }, order: wish(over), now }));
const approve = (db: Database, officer: Who, id: string, now = NOW) =>
  db.transaction((tx) => approveOrder(tx, tools, { actor: { officer, as }, id, now }));
const withdraw = (db: Database, officer: Who, id: string, now: Date) =>
  db.transaction((tx) => withdrawOrder(tx, tools, { actor: { officer }, id, now }));

async function given(t: Parameters<typeof freshDatabase>[0]) {
  const db = await freshDatabase(t, { max: 12 });
  await givenHealthCode(db);
  const holder = await givenDeclared(db, 1);
  const [asks, approves, other] = [
    await givenOfficer(db, 2, ['health_officer']),
    await givenOfficer(db, 3, ['health_approver']),
    await givenOfficer(db, 4, ['health_approver']),
  ];
  return { db, holder, asks, approves, other };
}

test('an order holds from its approval by another officer until its end, and ends by itself', async (t) => {
  const { db, holder, asks, approves } = await given(t);
  const colour = async (now: Date) => (await decideFor(db, holder.citizenId, now)).reasons;
  const id = await request(db, asks, { subjects: [holder.subject] });
  t.deepEqual(await colour(minutesLater(1)), ['G301']);
  await approve(db, approves, id, minutesLater(2));
  t.deepEqual(await colour(minutesLater(3)), ['R180']);
  t.deepEqual(await colour(new Date(daysLater(7).getTime() - 1)), ['R180']);
  t.is(await runTransitions(db, { now: daysLater(7) }), 1);
  t.deepEqual(await colour(daysLater(7)), ['G301']);
});

test('an order that begins later begins by itself', async (t) => {
  const { db, holder, asks, approves } = await given(t);
  const id = await request(db, asks, { subjects: [holder.subject], colour: 'YELLOW', from: daysLater(1) });
  await approve(db, approves, id);
  t.is((await decideFor(db, holder.citizenId, NOW)).colour, 'GREEN');
  t.is(await runTransitions(db, { now: daysLater(1) }), 1);
  t.is((await decideFor(db, holder.citizenId, daysLater(1))).colour, 'YELLOW');
});

test('a green order lifts yellow and never red', async (t) => {
  const { db, holder, asks, approves } = await given(t);
  await givenEvidence(db, holder.subject, { type: 'FEVER_CLINIC', source: 'hospital', at: NOW });
  await approve(db, approves, await request(db, asks, { subjects: [holder.subject], colour: 'GREEN' }));
  t.deepEqual((await decideFor(db, holder.citizenId, NOW)).reasons, ['G380']);
  await givenEvidence(db, holder.subject, { type: 'CLOSE_CONTACT', source: 'cdc', at: NOW });
  t.deepEqual((await decideFor(db, holder.citizenId, NOW)).reasons, ['R104']);
});

test('who asked for an order cannot approve or refuse it, whatever roles they have', async (t) => {
  const { db, approves } = await given(t);
  const id = await request(db, approves);
  await t.throwsAsync(approve(db, approves, id), { message: 'health_same_person' });
  const refused = db.transaction((tx) =>
    refuseOrder(tx, tools, { actor: { officer: approves, as }, id, now: NOW }),
  );
  await t.throwsAsync(refused, { message: 'health_same_person' });
  t.is((await readOrder(db, id))?.state, 'requested');
});

test('of ten approvals and refusals at once one counts', async (t) => {
  const { db, asks, approves, other } = await given(t);
  const id = await request(db, asks);
  const acts = await Promise.allSettled(
    Array.from({ length: 10 }, (_, n) => {
      const officer = n % 2 === 0 ? approves : other;
      if (n % 3 !== 0) return approve(db, officer, id);
      return db.transaction((tx) => refuseOrder(tx, tools, { actor: { officer, as }, id, now: NOW }));
    }),
  );
  t.is(acts.filter(({ status }) => status === 'fulfilled').length, 1);
  for (const act of acts) if (act.status === 'rejected') t.is(act.reason.message, 'health_order_closed');
  const events = await db.query(
    `select 1 from audit_events where type in ('health.override_approved', 'health.override_refused')`,
  );
  t.is(events.length, 1);
});

/** For orders that are refused. */
let refusing: Awaited<ReturnType<typeof given>>;
test.before(async (t) => {
  refusing = await given(t);
});
test.after.always(() => refusing?.db.close());

for (const [what, over] of Object.entries<Partial<NewOrder>>({
  'longer than fourteen days': { to: new Date(daysLater(14).getTime() + 1) },
  'that ends before it begins': { to: daysLater(-1) },
  'that is over already': { from: daysLater(-3), to: daysLater(-1) },
  'without evidence': { evidenceId: ' ' },
  'without a reason': { reason: '' },
  'about nobody': { subjects: [] },
})) {
  test(`an order ${what} is refused and leaves nothing`, async (t) => {
    const { db, asks } = refusing;
    await t.throwsAsync(request(db, asks, over), { message: 'health_order_invalid' });
    t.deepEqual(await db.query('select 1 from health_orders'), []);
  });
}

test('an organisation that is not of health neither asks nor approves', async (t) => {
  const { db, asks, approves } = await given(t);
  const police = { organisation: '甲市公安局', orgType: 'police' } as const;
  const actor = { officer: asks, as: police };
  const asked = db.transaction((tx) => requestOrder(tx, tools, { actor, order: wish(), now: NOW }));
  await t.throwsAsync(asked, { message: 'health_order_org' });
  const id = await request(db, asks);
  const approved = db.transaction((tx) =>
    approveOrder(tx, tools, { actor: { officer: approves, as: police }, id, now: NOW }),
  );
  await t.throwsAsync(approved, { message: 'health_order_org' });
});

test('nobody asks for, or approves, an order about themselves', async (t) => {
  const { db, holder, asks } = await given(t);
  const self = { citizenId: holder.citizenId, actor: `officer:${holder.citizenId}` };
  const over = { subjects: [holder.subject] };
  await t.throwsAsync(request(db, self, over), { message: 'health_own_case' });
  const id = await request(db, asks, over);
  await t.throwsAsync(approve(db, self, id), { message: 'health_own_case' });
  t.is((await readOrder(db, id))?.state, 'requested');
});

test('an officer has no part in an order about a child of theirs, nor about themselves before they declared', async (t) => {
  const { db, holder, asks, approves, other } = await given(t);
  const kin = { dependantId: holder.citizenId, kind: 'child', reference: 'test', now: NOW } as const;
  await recordGuardianship(db, { guardianId: approves.citizenId, ...kin });
  const over = { subjects: [holder.subject] };
  const own = { message: 'health_own_case' };
  await t.throwsAsync(request(db, approves, over), own);
  const id = await request(db, asks, over);
  await t.throwsAsync(approve(db, approves, id), own);
  const refused = db.transaction((tx) =>
    refuseOrder(tx, tools, { actor: { officer: approves, as }, id, now: NOW }),
  );
  await t.throwsAsync(refused, own);
  await approve(db, other, id);
  await t.throwsAsync(withdraw(db, approves, id, NOW), own);
  t.is((await readOrder(db, id))?.state, 'approved');

  const { subject } = await readHolder(db, cipher, asks.citizenId);
  await t.throwsAsync(request(db, asks, { subjects: [subject] }), own);
});

test('a withdrawn order stops at once and cannot be approved again', async (t) => {
  const { db, holder, asks, approves, other } = await given(t);
  const id = await request(db, asks, { subjects: [holder.subject] });
  await approve(db, approves, id);
  await withdraw(db, asks, id, minutesLater(5));
  t.is((await decideFor(db, holder.citizenId, minutesLater(5))).colour, 'GREEN');
  await t.throwsAsync(approve(db, other, id, minutesLater(6)), { message: 'health_order_closed' });
  await t.throwsAsync(withdraw(db, asks, id, minutesLater(6)), { message: 'health_order_closed' });
});

test('an order that was not approved in time can no longer be', async (t) => {
  const { db, asks, approves } = await given(t);
  const id = await request(db, asks);
  await t.throwsAsync(approve(db, approves, id, daysLater(7)), { message: 'health_order_closed' });
});

async function messages(db: Database): Promise<{ to: string; text: string }[]> {
  const sent: { to: string; text: string }[] = [];
  const send = async ({ to, text }: { to: string; text: string }) => {
    sent.push({ to, text });
    return undefined;
  };
  await deliver(db, cipher, send, minutesLater(1));
  return sent;
}

test('fifty people raise no alarm; fifty-one raise it at the request and at the approval, to every contact', async (t) => {
  const { db, asks, approves, other } = await given(t);
  await givenOfficer(db, 5, ['alarm_contact']);
  await givenOfficer(db, 6, ['alarm_contact']);
  await request(db, approves, { subjects: subjects(50) });
  t.deepEqual(await openAlarms(db), []);
  t.deepEqual(await messages(db), []);
  const id = await request(db, asks, { subjects: subjects(51) });
  t.deepEqual(
    (await openAlarms(db)).map(({ orderId, kind, people }) => ({ orderId, kind, people })),
    [{ orderId: id, kind: 'requested', people: 51 }],
  );
  t.deepEqual((await messages(db)).map(({ to }) => to).sort(), [phoneOf(5), phoneOf(6)]);
  await approve(db, approves, id);
  t.deepEqual(
    (await openAlarms(db)).map(({ kind }) => kind),
    ['requested', 'approved'],
  );
  t.is((await messages(db)).length, 2);
  const events = await db.query<{ detail: { count: number } }>(
    `select detail from audit_events where type = 'health.override_alarm'`,
  );
  t.deepEqual(
    events.map(({ detail }) => detail.count),
    [51, 51],
  );
  for (const gave of [asks, approves]) {
    t.is(await seeAlarms(db, { orderId: id, officer: gave, now: NOW }), 0);
  }
  t.is(await seeAlarms(db, { orderId: id, officer: other, now: NOW }), 2);
  t.deepEqual(await openAlarms(db), []);
});

test('a large order cut into pieces raises the alarm all the same, also when it is approved', async (t) => {
  const { db, asks, approves } = await given(t);
  const ids: string[] = [];
  for (const piece of [1, 2, 3])
    ids.push(await request(db, asks, { subjects: subjects(20) }, minutesLater(piece)));
  t.deepEqual(
    (await openAlarms(db)).map(({ people }) => people),
    [60],
  );
  await request(db, asks, { subjects: subjects(20) }, daysLater(2));
  t.is((await openAlarms(db)).length, 1);
  t.is(await seeAlarms(db, { orderId: ids[2]!, officer: approves, now: NOW }), 1);
  for (const id of ids) await approve(db, approves, id, minutesLater(4));
  t.is(await seeAlarms(db, { orderId: ids[2]!, officer: approves, now: NOW }), 0);
  t.deepEqual(
    (await openAlarms(db)).map(({ kind, people }) => ({ kind, people })),
    [{ kind: 'approved', people: 60 }],
  );
});

test('pieces that are asked for at the same moment count together', async (t) => {
  const { db, asks } = await given(t);
  let second: Promise<string> | undefined;
  await db.transaction(async (tx) => {
    const order = wish({ subjects: subjects(30) });
    await requestOrder(tx, tools, { actor: { officer: asks, as }, order, now: NOW });
    let done = false;
    second = request(db, asks, { subjects: subjects(30) }).finally(() => {
      done = true;
    });
    const waiting = `select 1 from pg_locks where not granted and locktype = 'advisory'`;
    while (!done && (await db.query(waiting)).length === 0);
  });
  const orderId = await second;
  t.deepEqual(
    (await openAlarms(db)).map((alarm) => [alarm.orderId, alarm.people]),
    [[orderId, 60]],
  );
});

test('orders use indexes only', async (t) => {
  const { db, holder, asks, approves } = await given(t);
  for (let n = 0; n < 60; n += 1) await request(db, approves);
  await db.query('analyze health_orders');
  const recorded = recordStatements(db);
  const actor = { officer: asks, as };
  const order = wish({ subjects: [holder.subject, ...subjects(60)] });
  const id = await requestOrder(recorded, tools, { actor, order, now: NOW });
  await approveOrder(recorded, tools, { actor: { officer: approves, as }, id, now: NOW });
  await withdrawOrder(recorded, tools, { actor, id, now: NOW });
  const small = /^(health_sources|health_outage_days|health_rule_sets|health_officers|h|d|n):/;
  // The facts of many citizens are looked at in `runs.test.ts`.
  const own = recorded.statements.filter(({ text }) => !text.includes('s.subject as of'));
  const scans = (await unindexedScans(db, own)).filter((scan) => !small.test(scan));
  t.deepEqual(scans, []);
});
