import test from 'ava';
import { liveActivation } from '../../../src/health-code/activation.ts';
import { approveActivation, requestActivation } from '../../../src/health-code/activations/store.ts';
import { minutesLater, NOW } from '../../support/citizens.ts';
import { freshDatabase } from '../../support/database.ts';
import { daysLater, givenDeclared, givenHealthCode } from '../../support/health.ts';
import { errorOf, givenOfficer, type Office, startOffice } from '../../support/health-office.ts';

const PAGE = '/health/officer/activations';
const FORM = {
  legal_basis: '示例省传染病防治应急预案',
  region: '390100',
  from: '2026-11-23',
  to: '2026-12-22',
};
const ids = (html: string) => [...html.matchAll(/data-activation="([^"]+)"/g)].map(([, id]) => id);

async function given(t: Parameters<typeof startOffice>[0]): Promise<{ site: Office; as(n: 0 | 1): void }> {
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
  const { site, as } = await given(t);
  t.is((await site.submit(PAGE, FORM)).status, 303);
  const [id] = ids((await site.jar.get(PAGE)).text);
  t.is(await liveActivation(site.db, NOW), undefined);
  t.is(errorOf((await site.submit(`${PAGE}/${id}/approve`, {})).text), 'health_same_person');
  as(1);
  t.is((await site.submit(`${PAGE}/${id}/approve`, {})).status, 303);
  t.is((await liveActivation(site.db, NOW))?.region, '390100');
  t.regex((await site.jar.get(PAGE)).text, /生效中/);
  t.is(errorOf((await site.submit(`${PAGE}/${id}/approve`, {})).text), 'health_activation_closed');
  t.is((await site.submit(`${PAGE}/${id}/withdraw`, {})).status, 303);
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

for (const [what, over, words] of [
  ['no legal basis', { legal_basis: '' }, /field-legal_basis/],
  ['a region that is none', { region: '39-1' }, /六位行政区划代码/],
  ['another province', { region: '310000' }, /本省或省内市、县/],
  ['an impossible day', { from: '2026-02-30' }, /开始日期不能早于今天/],
  ['an end before the beginning', { to: '2026-11-22' }, /结束日期应在开始日期之后/],
  ['half a year and more', { to: '2027-06-01' }, /最长 180 天/],
] as const) {
  test(`an activation with ${what} is refused, and what was typed stays`, async (t) => {
    const { site } = await given(t);
    const page = await site.submit(PAGE, { ...FORM, ...over });
    t.is(page.status, 422);
    t.regex(page.text, words);
    t.deepEqual(await site.db.query('select 1 from health_activations'), []);
  });
}

test('an activation that was withdrawn turns every page of the health code off at once', async (t) => {
  const { site } = await given(t);
  await givenHealthCode(site.db);
  site.world.citizenId = (await givenDeclared(site.db, 1)).citizenId;
  t.is((await site.jar.get('/health/code')).status, 200);
  const [id] = ids((await site.jar.get(PAGE)).text);
  await site.submit(`${PAGE}/${id}/withdraw`, {});
  site.world.now = minutesLater(1);
  for (const path of ['/health/code', '/health/declare', '/health/checkin', '/health/appeals']) {
    const page = await site.jar.get(path);
    t.is(page.status, 404, path);
    t.is(errorOf(page.text), 'health_off', path);
  }
});
