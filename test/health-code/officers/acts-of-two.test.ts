import test from 'ava';
import { activate, liveActivation } from '../../../src/health-code/activation.ts';
import { approveActivation, requestActivation } from '../../../src/health-code/activations/store.ts';
import { decideFor, runTransitions } from '../../../src/health-code/decide.ts';
import { dayOf, formatDay, startOf } from '../../../src/health-code/engine/civil-day.ts';
import { daysOff } from '../../../src/health-code/outages/days-off.ts';
import { noticeDaysOff } from '../../../src/health-code/outages/store.ts';
import type { Database } from '../../../src/platform/database.ts';
import { minutesLater, NOW } from '../../support/citizens.ts';
import { freshDatabase } from '../../support/database.ts';
import { daysLater, givenDeclared, givenEvidence, givenHealthCode } from '../../support/health.ts';
import { errorOf, givenOfficer, type Office, startOffice } from '../../support/health-office.ts';

const ACTIVATIONS = '/health/officer/activations';
const OUTAGES = '/health/officer/outages';
const ACTIVATION = {
  legal_basis: '示例省传染病防治应急预案',
  region: '390100',
  from: '2026-11-23',
  to: '2026-12-22',
};
const idsOf = (what: 'activation' | 'outage', html: string) =>
  [...html.matchAll(new RegExp(`data-${what}="([^"]+)"`, 'g'))].map(([, id]) => id);

async function twoOfficers(
  t: Parameters<typeof startOffice>[0],
): Promise<{ site: Office; as(n: 0 | 1): void }> {
  const site = await startOffice(t);
  const officers = [
    await givenOfficer(site.db, 2, ['activation_approver']),
    await givenOfficer(site.db, 3, ['activation_approver']),
  ];
  const as = (n: 0 | 1) => {
    site.officer.citizenId = officers[n]!.citizenId;
  };
  as(0);
  return { site, as };
}

test('it takes two to switch the health code on and one to switch it off, and the pages say so', async (t) => {
  const { site, as } = await twoOfficers(t);
  t.is((await site.submit(ACTIVATIONS, ACTIVATION)).status, 303);
  const [id] = idsOf('activation', (await site.jar.get(ACTIVATIONS)).text);
  t.is(await liveActivation(site.db, NOW), undefined);
  t.is(errorOf((await site.submit(`${ACTIVATIONS}/${id}/approve`, {})).text), 'health_same_person');
  as(1);
  t.is((await site.submit(`${ACTIVATIONS}/${id}/approve`, {})).status, 303);
  t.is((await liveActivation(site.db, NOW))?.region, '390100');
  t.regex((await site.jar.get(ACTIVATIONS)).text, /生效中/);
  t.is(errorOf((await site.submit(`${ACTIVATIONS}/${id}/approve`, {})).text), 'health_activation_closed');
  t.is((await site.submit(`${ACTIVATIONS}/${id}/withdraw`, {})).status, 303);
  t.is(await liveActivation(site.db, NOW), undefined);
  const actors = await site.db.query<{ type: string; actor: string }>(
    `select type, actor from audit_events where type like 'health.%activat%' order by id`,
  );
  t.deepEqual(
    actors.map(({ type }) => type),
    ['health.activation_requested', 'health.activated', 'health.deactivated'],
  );
  t.true(actors.every(({ actor }) => actor.startsWith('officer:')));
});

test('of two approvals at once one counts, and what was refused stays off', async (t) => {
  const db = await freshDatabase(t, { max: 8 });
  const by = (n: number) => givenOfficer(db, n, ['activation_approver']);
  const [first, ...others] = [await by(2), await by(3), await by(4)];
  const wish = { legalBasis: '预案', region: '390000', from: NOW, to: daysLater(30), now: NOW };
  const id = await requestActivation(db, { officer: first!, ...wish });
  const acts = await Promise.allSettled(
    others.map((officer) => db.transaction((tx) => approveActivation(tx, { officer, id, now: NOW }))),
  );
  t.is(acts.filter(({ status }) => status === 'fulfilled').length, 1);
});

/** For activations that are none. */
let refusing: Office;
test.before(async (t) => {
  refusing = (await twoOfficers(t)).site;
});
test.after.always(() => refusing?.db.close());

for (const [what, over, words] of [
  ['no legal basis', { legal_basis: '' }, /field-legal_basis/],
  ['a region that is none', { region: '39-1' }, /六位行政区划代码/],
  ['another province', { region: '310000' }, /本省或省内市、县/],
  ['an impossible day', { from: '2026-02-30' }, /开始日期不能早于今天/],
  ['an end before the beginning', { to: '2026-11-22' }, /结束日期应在开始日期之后/],
  ['half a year and more', { to: '2027-06-01' }, /最长 180 天/],
] as const) {
  test(`an activation with ${what} is refused, and what was typed stays`, async (t) => {
    const page = await refusing.submit(ACTIVATIONS, { ...ACTIVATION, ...over });
    t.is(page.status, 422);
    t.regex(page.text, words);
    t.deepEqual(await refusing.db.query('select 1 from health_activations'), []);
  });
}

test('an activation that was withdrawn turns every page of the health code off at once', async (t) => {
  const { site } = await twoOfficers(t);
  await givenHealthCode(site.db);
  site.world.citizenId = (await givenDeclared(site.db, 1)).citizenId;
  t.is((await site.jar.get('/health/code')).status, 200);
  const [id] = idsOf('activation', (await site.jar.get(ACTIVATIONS)).text);
  await site.submit(`${ACTIVATIONS}/${id}/withdraw`, {});
  site.world.now = minutesLater(1);
  for (const path of ['/health/code', '/health/declare', '/health/checkin', '/health/appeals']) {
    const page = await site.jar.get(path);
    t.is(page.status, 404, path);
    t.is(errorOf(page.text), 'health_off', path);
  }
});

/** Somebody whose yellow began at day 0, with a healthy check-in on each of these days. */
async function yellow(db: Database, n: number, days: readonly number[]) {
  const { citizenId, subject } = await givenDeclared(db, n);
  await givenEvidence(db, subject, { type: 'FEVER_CLINIC', source: 'hospital', at: NOW });
  await db.query(
    `insert into health_checkins (citizen_id, id, at, temp, symptoms)
     select $1, gen_random_uuid(), $2::timestamptz + n * interval '24 hours', 365, '{}' from unnest($3::integer[]) n`,
    [citizenId, NOW, days],
  );
  const exit = async (day: number) => {
    const { reasons, earliestExit } = await decideFor(db, citizenId, daysLater(day));
    return `${reasons.join()} ${earliestExit ? dayOf(earliestExit.getTime()) - dayOf(NOW.getTime()) : 'none'}`;
  };
  return { citizenId, exit };
}

test('a day of outage, recorded by two, neither breaks nor lengthens a run and makes no colour worse', async (t) => {
  const site = await startOffice(t);
  const { db } = site;
  await givenHealthCode(db);
  const missed = await yellow(db, 1, [0, 1, 2, 4, 5]);
  const present = await yellow(db, 4, [0, 1, 2, 3, 4, 5, 6]);
  const fast = await yellow(db, 5, [0, 1, 2, 4, 5, 6, 7]);
  t.is(await missed.exit(5), 'Y203 10');
  t.is(await present.exit(6), 'G302 none');
  t.is(await fast.exit(7), 'Y203 10');
  const officers = [
    await givenOfficer(db, 2, ['health_approver']),
    await givenOfficer(db, 3, ['health_approver']),
  ];
  const as = (n: 0 | 1) => {
    site.officer.citizenId = officers[n]!.citizenId;
  };
  as(0);
  site.world.now = daysLater(7);
  const day = formatDay(dayOf(NOW.getTime()) + 3);
  const refused = await site.submit(OUTAGES, { day: '2026-12-01', reason: '故障' });
  t.is(refused.status, 422);
  t.regex(refused.text, /日期应在2026年5月14日到2026年11月30日之间/);
  t.is((await site.submit(OUTAGES, { day, reason: '数据库故障' })).status, 303);
  t.is(errorOf((await site.submit(OUTAGES, { day, reason: '再次' })).text), 'health_outage_known');
  const [id] = idsOf('outage', (await site.jar.get(OUTAGES)).text);
  t.is(errorOf((await site.submit(`${OUTAGES}/${id}/approve`, {})).text), 'health_same_person');
  t.deepEqual(await db.query('select 1 from health_outage_days'), []);
  as(1);
  t.is((await site.submit(`${OUTAGES}/${id}/approve`, {})).status, 303);
  t.is(errorOf((await site.submit(`${OUTAGES}/${id}/refuse`, {})).text), 'health_outage_closed');
  t.regex((await site.jar.get(OUTAGES)).text, /已登记/);
  t.is(await runTransitions(db, { now: daysLater(7) }), 2, 'only whose run is not finished');
  const [decided] = await db.query<{ colour: string }>(
    'select colour from health_people where citizen_id = $1',
    [fast.citizenId],
  );
  t.is(decided?.colour, 'GREEN', 'seven days without that one');
  // Day 6 was missed by their own doing and day 7 is today.
  t.is(await missed.exit(7), 'Y203 13');
  t.is(await missed.exit(5), 'Y203 7', 'five days, and two more');
  t.is(await present.exit(7), 'G302 none', 'who checked in on that day keeps it');
  const events = await db.query<{ type: string; detail: { day: string } }>(
    `select type, detail from audit_events where type like 'health.outage%' order by id`,
  );
  t.deepEqual(
    events.map(({ type, detail }) => [type, detail.day]),
    [
      ['health.outage_requested', day],
      ['health.outage_recorded', day],
    ],
  );
});

test('days on which the health code was off are recorded by the platform', async (t) => {
  const db = await freshDatabase(t);
  await givenHealthCode(db);
  const { exit } = await yellow(db, 1, [0, 1, 2, 5, 6]);
  t.is(await exit(2), 'Y203 6');
  // Off from the morning of day 3 to the evening of day 4.
  await db.query('update health_activations set withdrawn_at = $1', [daysLater(3)]);
  const legal = { legalBasis: '预案', region: '390000', approver1: 'a', approver2: 'b' };
  const on = new Date(daysLater(5).getTime() - 12 * 3_600_000);
  await activate(db, { ...legal, from: on, to: daysLater(30) }, on);
  await db.query('update health_people set next_eval_at = null');
  t.is(await noticeDaysOff(db, daysLater(6)), 2);
  t.is(await noticeDaysOff(db, daysLater(6)), 0);
  const [person] = await db.query<{ next_eval_at: Date }>('select next_eval_at from health_people');
  t.deepEqual(person?.next_eval_at, daysLater(6));
  t.is(await exit(6), 'Y203 8', 'five of seven');
});

test('a day counts as off from the configured hours on, and only after the first activation', (t) => {
  const rule = { hoursOff: 12, backDays: 30 };
  const at = (day: number, hour: number) => startOf(day) + hour * 3_600_000;
  const off = (on: [number, number][], now: number) =>
    daysOff(
      on.map(([from, to]) => ({ from, to })),
      now,
      rule,
    );
  t.deepEqual(off([], at(10, 8)), []);
  t.deepEqual(off([[at(3, 20), at(20, 0)]], at(10, 8)), [], 'the first day is none');
  t.deepEqual(
    off([[at(3, 0), at(5, 12)]], at(8, 8)),
    [5, 6, 7],
    'twelve hours are enough, today is not over',
  );
  t.deepEqual(off([[at(3, 0), at(5, 13)]], at(8, 8)), [6, 7]);
  const pieces: [number, number][] = [
    [at(5, 20), at(9, 0)],
    [at(3, 0), at(5, 6)],
    [at(5, 4), at(5, 9)],
    [at(7, 0), at(7, 0)],
  ];
  t.deepEqual(off(pieces, at(8, 8)), [], 'eleven hours between two of them');
  t.deepEqual(off([[at(3, 0), at(4, 0)]], at(60, 0)).length, 30);
});
