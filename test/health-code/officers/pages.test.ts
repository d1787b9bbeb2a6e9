import Router from '@koa/router';
import test from 'ava';
import { readAccess } from '../../../src/audit/access-log.ts';
import { registerRuleSets, seedRuleSet } from '../../../src/health-code/rule-set-store.ts';
import { ruleSetRoutes } from '../../../src/health-code/rule-sets/routes.ts';
import { stepRuns } from '../../../src/health-code/runs.ts';
import { bodyParser } from '../../../src/platform/http/forms.ts';
import { cipher, NOW, residentIdOf } from '../../support/citizens.ts';
import { freshDatabase } from '../../support/database.ts';
import { daysLater, givenDeclared, givenEvidence, givenHealthCode } from '../../support/health.ts';
import { errorOf, givenOfficer, type Office, startOffice } from '../../support/health-office.ts';
import { serve } from '../../support/http.ts';
import { openJar } from '../../support/http-client.ts';
import { milder, old, sets } from '../../support/rule-sets.ts';

const ORDER = {
  colour: 'YELLOW',
  evidence_id: '甲疾控函〔2026〕1 号',
  reason: '聚集性疫情调查期间',
  from: '2026-11-23',
  to: '2026-11-29',
  people: residentIdOf(1),
};

async function ordering(t: Parameters<typeof startOffice>[0]) {
  const site = await startOffice(t);
  await givenHealthCode(site.db);
  const holder = await givenDeclared(site.db, 1);
  const asks = await givenOfficer(site.db, 2, ['health_officer']);
  const approves = await givenOfficer(site.db, 3, ['health_approver']);
  site.officer.citizenId = asks.citizenId;
  return { site, holder, asks, approves };
}
const ask = async (site: Office, over: Partial<typeof ORDER> = {}) =>
  site.submit('/health/officer/orders/new', { ...ORDER, ...over });

test('one officer asks for an order, another approves it, the citizen reads who and why', async (t) => {
  const { site, holder, approves } = await ordering(t);
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
  await site.db.query(
    `insert into clients (client_id, metadata, source, updated_at) values ('epidemic', $1, 'file', $2)`,
    [{ department: '甲市卫生健康委员会', 'department#en': 'Health Commission of City A' }, NOW],
  );
  for (const inEnglish of ['/health/appeals', '/health/officer', path])
    t.regex((await site.jar.get(`${inEnglish}?lang=en`)).text, /Health Commission of City A/);
  const { rows } = await readAccess(site.db, holder.citizenId);
  t.true(rows.some(({ clientId, purpose }) => clientId === 'health_office' && purpose === 'health_order'));
  t.is((await site.submit(`${path}/withdraw`, {})).status, 303);
  t.regex((await site.jar.get('/health/code')).text, /data-colour="GREEN"/);
});

/** For orders that are refused. */
let refusing: Office;
test.before(async (t) => {
  refusing = (await ordering(t)).site;
});
test.after.always(() => refusing?.db.close());

for (const [what, over, words] of [
  ['a fifteenth day', { to: '2026-12-07' }, /最长 14 天/],
  ['an impossible day', { to: '2026-02-30' }, /结束日期不能早于开始日期/],
  ['a day gone by', { from: '2026-11-22' }, /开始日期应为今天或之后 7 天内/],
  ['an end before the beginning', { from: '2026-11-25', to: '2026-11-24' }, /结束日期不能早于开始日期/],
  ['a wrong number in the third line', { people: `${residentIdOf(1)}\n\n39010019900101999X` }, /第 3 行/],
  [
    'the number of the officer who asks',
    { people: `${residentIdOf(1)}\n${residentIdOf(2)}` },
    /您需要回避[\s\S]*聚集性疫情调查期间/,
  ],
  ['no colour', { colour: 'PINK' }, /请选择颜色/],
  ['no evidence', { evidence_id: ' \u0000 ' }, /field-evidence_id/],
  ['a reason of two letters', { reason: '没啥' }, /至少用 5 个字写明理由/],
] as const) {
  test(`an order with ${what} is refused, and what was typed stays`, async (t) => {
    const page = await ask(refusing, over);
    t.is(page.status, 422);
    t.regex(page.text, words);
    t.regex(page.text, /甲疾控函|聚集性疫情/);
    t.deepEqual(await refusing.db.query('select 1 from health_orders'), []);
  });
}

test('fourteen days from now are accepted, and a number given twice counts once', async (t) => {
  const { site } = await ordering(t);
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
  const { site } = await ordering(t);
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
  const { site, approves, asks } = await ordering(t);
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
  const { site } = await ordering(t);
  for (const id of ['1', "'--", '00000000-0000-7000-8000-000000000000', '%00']) {
    const page = await site.jar.get(`/health/officer/orders/${id}`);
    t.true([400, 404].includes(page.status), `${id}: ${page.status}`);
  }
  site.world.now = daysLater(1, NOW);
});

const RULE_SET = '/health/officer/rule-sets/2026-9';

async function signing(t: Parameters<typeof freshDatabase>[0]) {
  const db = await freshDatabase(t);
  await givenHealthCode(db);
  for (const n of [1, 2, 3]) {
    const { subject } = await givenDeclared(db, n);
    if (n < 3) await givenEvidence(db, subject, { type: 'FEVER_CLINIC', source: 'hospital', at: NOW });
  }
  await registerRuleSets(db, sets, NOW);
  const finishRuns = async () => {
    while ((await stepRuns(db, { now: NOW }, sets)) !== undefined);
  };
  await finishRuns();
  const officer = { citizenId: '' };
  const signers = [await givenOfficer(db, 4, ['rule_signer']), await givenOfficer(db, 5, ['rule_signer'])];
  const site = await serve(t as Parameters<typeof serve>[0], (pages) => {
    const router = new Router();
    router.use(bodyParser());
    const deps = { db, cipher, pages, clock: () => NOW };
    ruleSetRoutes(
      router,
      { ...deps, officerSignedIn: async () => ({ citizenId: officer.citizenId, fresh: true }) },
      sets,
    );
    return router;
  });
  const jar = openJar(site.url);
  const press = (step: string) =>
    jar.post(`${RULE_SET}/${step}`, new URLSearchParams(), {
      origin: site.url,
      'sec-fetch-site': 'same-origin',
    });
  const as = (n: 0 | 1) => {
    officer.citizenId = signers[n]!.citizenId;
  };
  as(0);
  return { db, jar, press, as, finishRuns, officer };
}

test('a new rule set goes through shadow, shift of colours and two signatures into force, on pages', async (t) => {
  const { db, jar, press, as, finishRuns } = await signing(t);
  t.is(errorOf((await press('sign')).text), 'health_rule_set_no_shadow');
  t.is((await press('shadow')).status, 303);
  t.is(errorOf((await press('shadow')).text), 'health_run_under_way');
  t.regex((await jar.get(RULE_SET)).text, /0 \/ 3 人（0%）/);
  await finishRuns();
  const shifted = (await jar.get(RULE_SET)).text;
  t.regex(shifted, /data-shift="YELLOW-GREEN"[\s\S]*?>2</);
  t.regex(shifted, /data-shift="GREEN-GREEN"[\s\S]*?>1</);
  t.is(errorOf((await press('live')).text), 'health_rule_set_unsigned');
  t.is((await press('sign')).status, 303);
  t.is(errorOf((await press('sign')).text), 'health_same_person');
  t.is(errorOf((await press('live')).text), 'health_rule_set_unsigned');
  as(1);
  t.is((await press('sign')).status, 303);
  t.is((await press('live')).status, 303);
  t.is(errorOf((await press('live')).text), 'health_rule_set_live');
  await finishRuns();
  t.regex((await jar.get(RULE_SET)).text, /全员重新判定[\s\S]*3 \/ 3 人（100%）/);
  const colours = await db.query('select colour, rule_set from health_people');
  t.deepEqual(
    colours,
    Array.from({ length: 3 }, () => ({ colour: 'GREEN', rule_set: '2026-9' })),
  );
  const acts = await db.query<{ type: string; actor: string }>(
    `select type, actor from audit_events where type like 'health.rule_set%' and actor like 'officer:%' order by id`,
  );
  t.deepEqual(
    acts.map(({ type }) => type),
    ['health.rule_set_shadow', 'health.rule_set_signed', 'health.rule_set_signed', 'health.rule_set_live'],
  );
});

test('an officer who signs no rules sees the progress and no button', async (t) => {
  const { db, jar, press, officer } = await signing(t);
  officer.citizenId = (await givenOfficer(db, 6, ['health_officer'])).citizenId;
  const page = await jar.get(RULE_SET);
  t.is(page.status, 200);
  t.notRegex(page.text, /rule-sets\/2026-9\/(shadow|sign|live)/);
  t.is(errorOf((await press('shadow')).text), 'health_not_officer');
});

test('a rule set that nobody knows is not found', async (t) => {
  const { jar } = await signing(t);
  for (const version of ['9999-1', "'--", '%00']) {
    const page = await jar.get(`/health/officer/rule-sets/${version}`);
    t.true([400, 404].includes(page.status), `${version}: ${page.status}`);
  }
});

test('a sandbox that gets another rule set starts, and leaves it to the officers', async (t) => {
  const db = await freshDatabase(t);
  await givenHealthCode(db);
  await seedRuleSet(db, [old, { ...milder, validFrom: old.validFrom + 1 }], NOW);
  const live = await db.query('select version from health_rule_sets where live_from is not null');
  t.deepEqual(live, [{ version: old.version }]);
});
