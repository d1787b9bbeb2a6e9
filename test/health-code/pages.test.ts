import test from 'ava';
import { deactivate, liveActivation } from '../../src/health-code/activation.ts';
import { parseTemperature } from '../../src/health-code/forms.ts';
import { givenAccount, NOW } from '../support/citizens.ts';
import {
  daysLater,
  givenCitizenAtBasic,
  givenDeclared,
  givenEvidence,
  givenHealthCode,
} from '../support/health.ts';
import { DECLARATION, type HealthSite, startHealth } from '../support/health-pages.ts';

const NAME = '示例一';

async function signedIn(site: HealthSite): Promise<string> {
  await givenHealthCode(site.db);
  const holder = await givenCitizenAtBasic(site.db, 1);
  site.world.citizenId = holder.citizenId;
  return holder.citizenId;
}
const colourOf = (text: string) => /data-colour="(\w+)"/.exec(text)?.[1];
const reasonsOf = (text: string) => [...text.matchAll(/data-reason="(\w+)"/g)].map(([, code]) => code);

test('while no activation is in force every page says so, and nobody is sent to log in', async (t) => {
  const site = await startHealth(t);
  for (const path of ['/health/code', '/health/declare', '/health/checkin']) {
    const page = await site.jar.get(path);
    t.is(page.status, 404);
    t.regex(page.text, /name="ymt-error" content="health_off"/);
  }
  await givenHealthCode(site.db);
  t.is((await site.jar.get('/health/code')).status, 302);
  await deactivate(site.db, (await liveActivation(site.db, NOW))!.id, NOW);
  t.is((await site.jar.get('/health/code')).status, 404);
});

test('from nothing to a code: grey, declaration, green', async (t) => {
  const site = await startHealth(t);
  await signedIn(site);
  const before = await site.jar.get('/health/code');
  t.is(colourOf(before.text), 'GREY');
  t.regex(before.text, /href="\/health\/declare"/);
  t.is((await site.jar.get('/health/declare')).status, 200);
  const sent = await site.submit('/health/declare', { ...DECLARATION, signature: NAME });
  t.is(sent.status, 303);
  const after = await site.jar.get(sent.location!);
  t.is(colourOf(after.text), 'GREEN');
  t.deepEqual(reasonsOf(after.text), ['G301']);
  t.regex(after.text, /申报已提交/);
  t.regex(after.text, /依据的信息来源<\/dt><dd>本人申报</);
  t.regex(after.text, /data-clock>2026年11月23日 10:00:00</);
  t.regex(after.text, /示\*\*/);
  t.notRegex(after.text, new RegExp(NAME));
});

test('somebody below basic is told to confirm who they are', async (t) => {
  const site = await startHealth(t);
  await givenHealthCode(site.db);
  site.world.citizenId = await givenAccount(site.db, 3);
  const page = await site.jar.get('/health/code');
  t.deepEqual(reasonsOf(page.text), ['U001']);
  t.regex(page.text, /href="\/account"/);
});

test('a temperature is compared as it was typed, and kept without rounding it up', (t) => {
  const read = (typed: string) => parseTemperature(typed, { lowest: 30, highest: 45 });
  for (const [typed, value] of [
    ['37.25', 37.2],
    ['37.29', 37.2],
    ['37.3', 37.3],
    ['37.30', 37.3],
    ['37.39℃', 37.3],
    ['３７，２９', 37.2],
    ['36.96', 36.9],
    ['37', 37],
    ['45.00', 45],
    ['45.01', undefined],
    ['29.99', undefined],
    ['365', undefined],
    ['37.255', undefined],
  ] as const) {
    t.is(read(typed), value, typed);
  }
});

/** For declarations that are refused. */
let refusing: HealthSite;
test.before(async (t) => {
  refusing = await startHealth(t);
  await signedIn(refusing);
});
test.after.always(() => refusing?.db.close());

const wrong: [string, Record<string, string>, RegExp][] = [
  [
    'nothing at all',
    { address: '', high_risk: '', medium_risk: '', arrived: '', contact: '', agree: '', signature: '' },
    /请填写现住址/,
  ],
  ['a temperature of 85', { temperature: '85' }, /请填写 30 到 45 之间的体温/],
  ['a temperature in words', { temperature: '三十六' }, /请填写 30 到 45 之间的体温/],
  ['a stay without its last day', { high_risk: 'yes' }, /请填写日期/],
  [
    'a stay that ends tomorrow',
    { high_risk: 'yes', high_risk_until: '2026-11-24' },
    /日期应在2026年11月10日到2026年11月23日之间/,
  ],
  [
    'a stay whose clock ended this midnight',
    { high_risk: 'yes', high_risk_until: '2026-11-09' },
    /日期应在2026年11月10日/,
  ],
  ['a stay of a month ago', { medium_risk: 'yes', medium_risk_until: '2026-10-20' }, /日期应在/],
  [
    'a day that does not exist',
    { arrived: 'yes', arrived_on: '2026-02-30', arrived_from: '乙省' },
    /日期应在/,
  ],
  ['an arrival from nowhere', { arrived: 'yes', arrived_on: '2026-11-20' }, /请填写从哪里来/],
  ['no agreement', { agree: '' }, /请阅读须知并勾选/],
  ['somebody else’s signature', { signature: '示例二' }, /签名与您的实名姓名不一致/],
];
for (const [what, fields, message] of wrong) {
  test(`a declaration with ${what} is refused on its page, nothing is kept, nothing typed is lost`, async (t) => {
    const page = await refusing.submit('/health/declare', { ...DECLARATION, signature: NAME, ...fields });
    t.is(page.status, 422);
    t.regex(page.text, message);
    if (fields.address === undefined) t.regex(page.text, /value="甲市示例路 1 号"/);
    t.deepEqual(await refusing.db.query('select 1 from health_declarations'), []);
    t.deepEqual(await refusing.db.query('select 1 from health_people'), []);
  });
}

test('declared symptoms and stays become reasons that are told in words', async (t) => {
  const site = await startHealth(t);
  await signedIn(site);
  const declared = {
    ...DECLARATION,
    signature: NAME,
    symptom_cough: 'yes',
    medium_risk: 'yes',
    medium_risk_until: '2026-11-20',
  };
  await site.submit('/health/declare', declared);
  const page = await site.jar.get('/health/code');
  t.is(colourOf(page.text), 'YELLOW');
  t.deepEqual(reasonsOf(page.text), ['Y201', 'Y202']);
  t.regex(page.text, /2026年11月30日/, 'seven days from tomorrow');
});

test('a check-in is for today, counts for the run and can be made again', async (t) => {
  const site = await startHealth(t);
  const { citizenId } = await (async () => {
    await givenHealthCode(site.db);
    return givenDeclared(site.db, 1, { declared: { mediumRiskUntil: 20_000 + 780 } });
  })();
  site.world.citizenId = citizenId;
  t.notRegex((await site.jar.get('/health/checkin')).text, /今天已打卡/);
  const sent = await site.submit('/health/checkin', { temperature: '36.6' });
  t.is(sent.status, 303);
  t.regex((await site.jar.get(sent.location!)).text, /打卡成功/);
  t.regex((await site.jar.get('/health/checkin')).text, /今天已打卡/);
  site.world.now = daysLater(1);
  t.notRegex((await site.jar.get('/health/checkin')).text, /今天已打卡/);
  await site.submit('/health/checkin', { temperature: '３８．１℃' });
  t.true(reasonsOf((await site.jar.get('/health/code')).text).includes('Y202'));
});

test('a check-in cannot name another day', async (t) => {
  const site = await startHealth(t);
  await signedIn(site);
  await site.submit('/health/declare', { ...DECLARATION, signature: NAME });
  await site.submit('/health/checkin', { temperature: '36.6', forDate: '2026-11-01', at: '2026-11-01' });
  const [row] = await site.db.query<{ at: Date }>('select at from health_checkins');
  t.deepEqual(row?.at, NOW);
});

test('a wrong temperature keeps what was ticked', async (t) => {
  const site = await startHealth(t);
  await signedIn(site);
  await site.submit('/health/declare', { ...DECLARATION, signature: NAME });
  const page = await site.submit('/health/checkin', { temperature: '85', symptom_fever: 'yes' });
  t.is(page.status, 422);
  t.regex(page.text, /name="symptom_fever" value="yes" checked/);
  t.deepEqual(await site.db.query('select 1 from health_checkins'), []);
});

test('a check-in before the declaration says what to do first', async (t) => {
  const site = await startHealth(t);
  await signedIn(site);
  const page = await site.submit('/health/checkin', { temperature: '36.6' });
  t.is(page.status, 409);
  t.regex(page.text, /health_not_declared/);
});

for (const [type, source, key] of [
  ['CASE_CONFIRMED', 'hospital', '目前无法预计'],
  ['CLOSE_CONTACT', 'cdc', '2026年12月7日'],
] as const) {
  test(`a red code says why, from whom and when it can end: ${type}`, async (t) => {
    const site = await startHealth(t);
    await givenHealthCode(site.db);
    const { citizenId, subject } = await givenDeclared(site.db, 1);
    await givenEvidence(site.db, subject, { type, source, at: NOW });
    site.world.citizenId = citizenId;
    const page = await site.jar.get('/health/code');
    t.is(colourOf(page.text), 'RED');
    t.regex(page.text, new RegExp(key));
    t.regex(page.text, source === 'cdc' ? /疾控中心/ : /医院/);
    t.regex(page.text, /认为判定有误/);
    t.regex(page.text, /判定记录/);
  });
}

test('every reason that a rule set can give has words in both languages', async (t) => {
  const { pages } = await startHealth(t);
  const { ruleSets } = await import('../../src/health-code/engine/rule-set.ts');
  for (const rules of ruleSets) {
    const codes = [
      ...Object.values(rules.types).map(({ code }) => code),
      ...Object.values(rules.overrides.codes),
      ...Object.values(rules.green),
      ...Object.values(rules.grey),
      rules.red.unproven,
      rules.degraded,
      rules.unhealthyCheckin,
    ];
    for (const code of codes) t.true(pages.texts.has(`healthCode.reasons.${code}.title`), code);
    const sources = new Set(Object.values(rules.types).flatMap(({ sources: names }) => names));
    for (const source of sources) t.true(pages.texts.has(`healthCode.source.${source}`), source);
  }
});

test('without a rule set in force the page says that no colour can be given', async (t) => {
  const site = await startHealth(t);
  const citizenId = await signedIn(site);
  await site.db.query('update health_rule_sets set live_from = null');
  site.world.citizenId = citizenId;
  const page = await site.jar.get('/health/code');
  t.is(page.status, 503);
  t.regex(page.text, /health_unavailable/);
});
