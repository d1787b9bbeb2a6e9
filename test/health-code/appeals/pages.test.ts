import test from 'ava';
import { readAccess } from '../../../src/audit/access-log.ts';
import { recordGuardianship } from '../../../src/citizens/guardianship.ts';
import { deactivate, liveActivation } from '../../../src/health-code/activation.ts';
import { minutesLater, NOW } from '../../support/citizens.ts';
import { daysLater, givenDeclared, givenEvidence, givenHealthCode } from '../../support/health.ts';
import { errorOf, givenOfficer, type Office, startOffice } from '../../support/health-office.ts';

const TEXT = '我当天在外地出差，\r\n有车票为证，编号 G123。';
const ANSWER = '已与来源单位核对，情况属实，予以更正。';

/** A citizen with yellow evidence, at the citizen's pages. */
async function givenYellow(site: Office) {
  await givenHealthCode(site.db);
  const holder = await givenDeclared(site.db, 1);
  const proximity = { type: 'TELECOM_PROXIMITY', source: 'telecom', at: NOW, phoneOwnerVerified: true };
  await givenEvidence(site.db, holder.subject, proximity);
  site.world.citizenId = holder.citizenId;
  return holder;
}

/** Appeals the present decision as the page would. @returns the path of the appeal. */
async function appeal(site: Office, text = TEXT): Promise<string> {
  const code = await site.jar.get('/health/code');
  const [, form] = /href="(\/health\/appeals\/new\?decision=[0-9a-f-]{36})"/.exec(code.text) ?? [];
  const sent = await site.submit(form!, { text });
  return new URL(sent.location!).pathname;
}

test('a citizen appeals from the code page, an officer takes it and decides, and the citizen reads the answer', async (t) => {
  const site = await startOffice(t);
  const holder = await givenYellow(site);
  const path = await appeal(site);
  t.regex((await site.jar.get(path)).text, /已进入待办，应于 2026年11月24日/);
  const list = await site.jar.get('/health/appeals');
  t.regex(list.text, /正在复核/);

  const { citizenId } = await givenOfficer(site.db, 2, ['health_officer']);
  site.officer.citizenId = citizenId;
  const desk = await site.jar.get('/health/officer');
  t.regex(desk.text, /1 件/);
  const work = await site.jar.get('/health/officer/appeals');
  const [, id] = /data-appeal="([^"]+)"/.exec(work.text)!;
  const item = `/health/officer/appeals/${id}`;
  t.notRegex((await site.jar.get(item)).text, /G123/);
  t.is((await site.submit(`${item}/claim`, {})).status, 303);
  const opened = await site.jar.get(item);
  t.regex(opened.text, /G123/);
  t.regex(opened.text, new RegExp(`示\\*\\*（证件号码末两位 ${holder.lastTwo}）`));
  t.notRegex(opened.text, new RegExp(holder.name));
  t.regex(opened.text, /通信数据提示，来源：通信运营商/);

  const short = await site.submit(item, { outcome: 'upheld', answer: '对' });
  t.is(short.status, 422);
  t.regex(short.text, /至少用 10 个字写明理由/);
  t.is((await site.submit(item, { outcome: 'upheld', answer: ANSWER })).status, 303);
  const answered = await site.jar.get(path);
  t.regex(answered.text, new RegExp(ANSWER));
  t.regex((await site.jar.get('/health/code')).text, /data-colour="GREEN"/);
  const { rows } = await readAccess(site.db, holder.citizenId);
  t.deepEqual(
    rows.map(({ clientId, purpose }) => `${clientId} ${purpose}`),
    ['health_office health_appeal', 'health_office health_appeal'],
  );
});

test('what an officer typed stays when the login has become too old', async (t) => {
  const site = await startOffice(t);
  await givenYellow(site);
  await appeal(site);
  const officer = await givenOfficer(site.db, 2, ['health_officer']);
  site.officer.citizenId = officer.citizenId;
  const [, id] = /data-appeal="([^"]+)"/.exec((await site.jar.get('/health/officer/appeals')).text)!;
  await site.submit(`/health/officer/appeals/${id}/claim`, {});
  site.officer.fresh = false;
  const late = await site.submit(`/health/officer/appeals/${id}`, { outcome: 'upheld', answer: ANSWER });
  t.is(late.status, 422);
  t.regex(late.text, /请先在新窗口重新登录/);
  t.regex(late.text, new RegExp(ANSWER));
  const [row] = await site.db.query<{ state: string }>('select state from health_appeals');
  t.is(row?.state, 'open');
});

test("nobody sees or withdraws somebody else's appeal", async (t) => {
  const site = await startOffice(t);
  await givenYellow(site);
  const path = await appeal(site);
  site.world.citizenId = (await givenDeclared(site.db, 3)).citizenId;
  t.is(errorOf((await site.jar.get(path)).text), 'health_no_record');
  t.is(errorOf((await site.submit(`${path}/withdraw`, {})).text), 'health_appeal_closed');
});

/** For appeals that are refused. */
let refusing: Office;
test.before(async (t) => {
  refusing = await startOffice(t);
  await givenYellow(refusing);
});
test.after.always(() => refusing?.db.close());

for (const [what, path, fields] of [
  ['an id that is none', '/health/appeals/new?decision=1%27--', { text: TEXT }],
  [
    'an id that is nobody’s',
    '/health/appeals/new?decision=00000000-0000-7000-8000-000000000000',
    { text: TEXT },
  ],
  ['two ids', '/health/appeals/new?decision=1&decision=2', { text: '短' }],
  ['no words', '/health/appeals/new', {}],
  ['too many words', '/health/appeals/new', { text: '长'.repeat(2_001) }],
  ['control characters only', '/health/appeals/new', { text: '\0'.repeat(30) }],
] as const) {
  test(`an appeal with ${what} is refused with a sentence`, async (t) => {
    const page = await refusing.submit(path, fields as Record<string, string>);
    t.true([404, 422].includes(page.status), String(page.status));
    t.deepEqual(await refusing.db.query('select 1 from health_appeals'), []);
  });
}

test('a text with a NUL in it is kept without it', async (t) => {
  const site = await startOffice(t);
  await givenYellow(site);
  const page = await site.jar.get(await appeal(site, `${TEXT}\0\u0007完`));
  t.regex(page.text, /G123。完/);
});

test('who is no officer, or of another role, sees none of the officers’ pages', async (t) => {
  const site = await startOffice(t);
  await givenHealthCode(site.db);
  const { citizenId } = await givenDeclared(site.db, 1);
  site.officer.citizenId = citizenId;
  for (const path of ['', '/appeals', '/orders', '/orders/new', '/rule-sets', '/activations']) {
    const page = await site.jar.get(`/health/officer${path}`);
    t.is(page.status, 403, path);
    t.is(errorOf(page.text), 'health_not_officer');
  }
  const signer = await givenOfficer(site.db, 2, ['rule_signer']);
  site.officer.citizenId = signer.citizenId;
  t.is((await site.jar.get('/health/officer/rule-sets')).status, 200);
  for (const path of ['/appeals', '/orders', '/activations']) {
    t.is((await site.jar.get(`/health/officer${path}`)).status, 403, path);
  }
  await site.db.query('update health_officers set ended_at = $1', [NOW]);
  t.is((await site.jar.get('/health/officer/rule-sets')).status, 403);
});

test('while the health code is off nobody appeals and nothing is on the work list, and the pages say so', async (t) => {
  const site = await startOffice(t);
  await givenYellow(site);
  const officer = await givenOfficer(site.db, 2, ['health_officer']);
  site.officer.citizenId = officer.citizenId;
  await deactivate(site.db, (await liveActivation(site.db, NOW))!.id, NOW);
  for (const path of [
    '/health/appeals',
    '/health/appeals/new',
    '/health/officer/appeals',
    '/health/officer/orders/new',
  ]) {
    t.is(errorOf((await site.jar.get(path)).text), 'health_off', path);
  }
  t.regex((await site.jar.get('/health/officer')).text, /健康码未启用/);
});

test('an appeal that is late says so to both sides', async (t) => {
  const site = await startOffice(t);
  await givenYellow(site);
  const path = await appeal(site);
  site.world.now = daysLater(3);
  t.regex((await site.jar.get(path)).text, /已超过应办结时间/);
  site.officer.citizenId = (await givenOfficer(site.db, 2, ['health_officer'])).citizenId;
  t.regex((await site.jar.get('/health/officer/appeals')).text, /已逾期/);
  t.regex((await site.jar.get('/health/officer')).text, /逾期 1 件/);
});

test('a withdrawn appeal says so, and can be filed anew', async (t) => {
  const site = await startOffice(t);
  await givenYellow(site);
  const path = await appeal(site);
  site.world.now = minutesLater(5);
  const withdrawn = await site.submit(`${path}/withdraw`, {});
  t.regex((await site.jar.get(withdrawn.location!)).text, /已撤回/);
  t.not(await appeal(site), path);
});

test('a guardian appeals for a child, in the child’s name and on record as who did it; nobody else does', async (t) => {
  const site = await startOffice(t);
  const { db } = site;
  const child = await givenYellow(site);
  const guardian = await givenDeclared(db, 7);
  const guardianship = await recordGuardianship(db, {
    guardianId: guardian.citizenId,
    dependantId: child.citizenId,
    kind: 'elder',
    reference: 'test',
    now: NOW,
  });
  site.world.citizenId = guardian.citizenId;
  const { text: code } = await site.jar.get(`/health/code/of/${guardianship}`);
  const [, form] = /href="(\/health\/appeals\/new\?decision=[0-9a-f-]{36}[^"]*)"/.exec(code) ?? [];
  const path = form!.replaceAll('&amp;', '&');
  t.regex((await site.jar.get(path)).text, /为 示\*\* 办理/);
  const sent = await site.submit(path, { text: TEXT });
  t.regex((await site.jar.get(sent.location!)).text, /复核申请已提交/);
  const [event] = await db.query(`select citizen_id, actor from audit_events where type = 'health.appealed'`);
  t.deepEqual(event, { citizen_id: child.citizenId, actor: `guardian:${guardian.citizenId}` });
  site.world.citizenId = (await givenDeclared(db, 8)).citizenId;
  t.is(errorOf((await site.jar.get(path)).text), 'health_no_dependant');
});
