import test from 'ava';
import { readAccess } from '../../../src/audit/access-log.ts';
import { NOW, residentIdOf } from '../../support/citizens.ts';
import { daysLater, givenDeclared, givenHealthCode } from '../../support/health.ts';
import { errorOf, givenOfficer, type Office, startOffice } from '../../support/health-office.ts';

const FORM = {
  colour: 'YELLOW',
  evidence_id: '甲疾控函〔2026〕1 号',
  reason: '聚集性疫情调查期间',
  from: '2026-11-23',
  to: '2026-11-29',
  people: residentIdOf(1),
};

async function given(t: Parameters<typeof startOffice>[0]) {
  const site = await startOffice(t);
  await givenHealthCode(site.db);
  const holder = await givenDeclared(site.db, 1);
  const asks = await givenOfficer(site.db, 2, ['health_officer']);
  const approves = await givenOfficer(site.db, 3, ['health_approver']);
  site.officer.citizenId = asks.citizenId;
  return { site, holder, asks, approves };
}
const ask = async (site: Office, over: Partial<typeof FORM> = {}) =>
  site.submit('/health/officer/orders/new', { ...FORM, ...over });

test('one officer asks for an order, another approves it, the citizen reads who and why', async (t) => {
  const { site, holder, approves } = await given(t);
  const sent = await ask(site);
  t.is(sent.status, 303);
  const path = new URL(sent.location!).pathname;
  const own = await site.jar.get(path);
  t.regex(own.text, /需要另一名人员审批/);
  t.notRegex(own.text, /value="approve"/);
  site.officer.citizenId = approves.citizenId;
  const page = await site.jar.get(path);
  t.regex(page.text, new RegExp(`示\\*\\*（证件号码末两位 ${holder.lastTwo}）`));
  t.notRegex(page.text, new RegExp(residentIdOf(1)));
  t.is((await site.submit(`${path}/approve`, {})).status, 303);
  site.world.citizenId = holder.citizenId;
  t.regex((await site.jar.get('/health/code')).text, /data-colour="YELLOW"/);
  t.regex(
    (await site.jar.get('/health/appeals')).text,
    /甲市卫生健康委员会[\s\S]*聚集性疫情调查期间[\s\S]*2026年11月30日/,
  );
  const { rows } = await readAccess(site.db, holder.citizenId);
  t.true(rows.some(({ clientId, purpose }) => clientId === 'health_office' && purpose === 'health_order'));
  t.is((await site.submit(`${path}/withdraw`, {})).status, 303);
  t.regex((await site.jar.get('/health/code')).text, /data-colour="GREEN"/);
});

for (const [what, over, words] of [
  ['a fifteenth day', { to: '2026-12-07' }, /最长 14 天/],
  ['an impossible day', { to: '2026-02-30' }, /结束日期不能早于开始日期/],
  ['a day gone by', { from: '2026-11-22' }, /开始日期应为今天或之后 7 天内/],
  ['an end before the beginning', { from: '2026-11-25', to: '2026-11-24' }, /结束日期不能早于开始日期/],
  ['a wrong number in the third line', { people: `${residentIdOf(1)}\n\n39010019900101999X` }, /第 3 行/],
  ['no colour', { colour: 'PINK' }, /请选择颜色/],
  ['no evidence', { evidence_id: ' \u0000 ' }, /field-evidence_id/],
  ['a reason of two letters', { reason: '没啥' }, /至少用 5 个字写明理由/],
] as const) {
  test(`an order with ${what} is refused, and what was typed stays`, async (t) => {
    const { site } = await given(t);
    const page = await ask(site, over);
    t.is(page.status, 422);
    t.regex(page.text, words);
    t.regex(page.text, /甲疾控函|聚集性疫情/);
    t.deepEqual(await site.db.query('select 1 from health_orders'), []);
  });
}

test('fourteen days from now are accepted, and a number given twice counts once', async (t) => {
  const { site } = await given(t);
  t.is(
    (await ask(site, { to: '2026-12-06', people: `${residentIdOf(1)}\r\n ${residentIdOf(1)} ` })).status,
    303,
  );
  const [row] = await site.db.query<{ valid_to: Date; people: number }>(
    'select valid_to, people from health_orders',
  );
  t.deepEqual(row, { valid_to: new Date('2026-12-06T16:00:00Z'), people: 1 });
});

test('an officer of another kind of organisation opens no page that decides about health or shows people', async (t) => {
  const { site } = await given(t);
  const police = await givenOfficer(site.db, 5, ['health_officer'], {
    organisation: '甲市公安局',
    orgType: 'police' as 'health',
  });
  site.officer.citizenId = police.citizenId;
  const pages = ['', '/orders', '/orders/new', '/appeals', '/visits', '/venues'];
  for (const path of pages) {
    const page = await site.jar.get(`/health/officer${path}`);
    t.deepEqual([page.status, errorOf(page.text)], [403, 'health_order_org'], path);
  }
  t.is(errorOf((await ask(site)).text), 'health_order_org');
  const trace = { venue: 'x', from: '', to: '', grounds: '病例 2026-11 的流行病学调查' };
  t.is(errorOf((await site.submit('/health/officer/visits', trace)).text), 'health_order_org');
});

test('an order of more than fifty shows its alarm to every officer until somebody else has looked', async (t) => {
  const { site, approves, asks } = await given(t);
  const people = Array.from({ length: 51 }, (_, n) => residentIdOf(n + 100)).join('\n');
  const path = new URL((await ask(site, { people })).location!).pathname;
  t.regex((await site.jar.get('/health/officer')).text, /涉及 51 人的人工判定/);
  t.notRegex((await site.jar.get(path)).text, /value="seen"/);
  site.officer.citizenId = approves.citizenId;
  t.notRegex((await site.jar.get(path)).text, /证件号码末两位/);
  await site.submit(`${path}/seen`, {});
  t.notRegex((await site.jar.get('/health/officer')).text, /data-alarm/);
  site.officer.citizenId = asks.citizenId;
  t.is((await site.submit(`${path}/approve`, {})).status, 403);
});

test('an order that is not there, or no order at all, is not found', async (t) => {
  const { site } = await given(t);
  for (const id of ['1', "'--", '00000000-0000-7000-8000-000000000000', '%00']) {
    const page = await site.jar.get(`/health/officer/orders/${id}`);
    t.true([400, 404].includes(page.status), `${id}: ${page.status}`);
  }
  site.world.now = daysLater(1, NOW);
});
