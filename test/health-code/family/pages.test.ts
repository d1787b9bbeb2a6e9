import test from 'ava';
import { readAccess } from '../../../src/audit/access-log.ts';
import { createAccount, findByIdentifier } from '../../../src/citizens/store.ts';
import { deliver } from '../../../src/platform/outbox.ts';
import { cipher, NO_PASSWORD, NOW } from '../../support/citizens.ts';
import { daysLater, givenEvidence } from '../../support/health.ts';
import { type FamilySite, keepOnPhone, startFamily } from '../../support/health-family.ts';

const colourOf = (text: string) => /data-colour="(\w+)"/.exec(text)?.[1];
const CHILD = { agree: 'yes' };

const childOf = (site: FamilySite) => {
  const { name, id_number } = site.person('du_xiaomiao');
  return { ...CHILD, name, id_number };
};
const idOfOne = async (site: FamilySite) =>
  /\/health\/code\/of\/([0-9a-f-]{36})/.exec((await site.jar.get('/health/family')).text)?.[1] ?? 'none';

test('a guardian adds a child, declares and checks in for it, and it has a code', async (t) => {
  const site = await startFamily(t);
  await site.settle('wang_xiulan');
  t.regex((await site.jar.get('/health/family')).text, /还没有由您代办的家人/);
  const added = await site.submit('/health/family/child', childOf(site));
  t.is(added.location, '/health/family?done=child');
  const id = await idOfOne(site);
  const page = await site.jar.get(`/health/declare/of/${id}`);
  t.regex(page.text, /您正在为 杜\*\* 申报/);
  t.regex(page.text, /为谁办理/);
  t.is(colourOf((await site.jar.get(`/health/code/of/${id}`)).text), 'GREY');
  await site.declare(`/health/declare/of/${id}`);
  t.is(colourOf((await site.jar.get(`/health/code/of/${id}`)).text), 'GREEN');
  const sick = await site.submit(`/health/checkin/of/${id}`, { temperature: '38.1' });
  t.is(sick.location, `/health/code/of/${id}?done=checkedIn`);
  t.is(colourOf((await site.jar.get(`/health/code/of/${id}`)).text), 'YELLOW');
  t.is(colourOf((await site.jar.get('/health/code')).text), 'GREY', 'the guardian said nothing of herself');
});

test('who spoke for the child is in the audit log, and in the access log of the child', async (t) => {
  const site = await startFamily(t);
  await site.settle('wang_xiulan');
  await site.submit('/health/family/child', childOf(site));
  await site.declare(`/health/declare/of/${await idOfOne(site)}`);
  const guardian = site.world.citizenId;
  const child = (await findByIdentifier(site.db, cipher, site.person('du_xiaomiao').id_number))!;
  t.is(child.state, 'none', 'a dependant has no account');
  const events = await site.db.query<{ type: string; actor: string }>(
    `select type, actor from audit_events where citizen_id = $1 and type <> 'health.decided' order by id`,
    [child.citizenId],
  );
  t.deepEqual(events, [
    { type: 'dependant.recorded', actor: 'system' },
    { type: 'guardianship.recorded', actor: `guardian:${guardian}` },
    { type: 'health.declared', actor: `guardian:${guardian}` },
  ]);
  const { rows } = await readAccess(site.db, child.citizenId);
  t.deepEqual(
    rows.map(({ clientId, what, purpose }) => [clientId, what, purpose]).sort(),
    [
      ['guardian', ['health_code'], 'guardianship'],
      ['guardian', ['health_declaration'], 'guardianship'],
    ].sort(),
  );
  t.deepEqual(await site.db.query('select declared_by from health_declarations'), [
    { declared_by: guardian },
  ]);
});

test('papers that a guardian made end with the guardianship, the elder’s own stay and were never theirs to print', async (t) => {
  const site = await startFamily(t);
  await site.settle('wang_xiulan', 'han_songnian');
  const { name, id_number, phone } = site.person('han_songnian');
  const asked = await site.submit('/health/family/elder', { name, id_number, phone });
  await site.jar.get(asked.location!);
  const code = /\d{6}/.exec((await site.messages(phone))[0]!)![0];
  await site.submit(asked.location!, { sms_code: code });
  const id = await idOfOne(site);
  await site.declare(`/health/declare/of/${id}`);
  const theirs = (await site.submit(`/health/paper/of/${id}`, {})).location!;
  t.is((await site.jar.get(theirs)).status, 200);
  await site.logIn('han_songnian');
  const own = (await site.submit('/health/paper', {})).location!;
  t.regex((await site.jar.get('/health/paper')).text, /代办人制作/);
  t.is((await site.jar.get(theirs.replace(`of/${id}/`, ''))).status, 200, 'the citizen prints all of them');
  await site.logIn('wang_xiulan');
  t.is((await site.jar.get(own.replace('/paper/', `/paper/of/${id}/`))).status, 404);
  await site.logIn('han_songnian');
  await site.submit('/health/family/end', { id, as: 'dependant' });
  const good = await site.db.query<{ id: string }>('select id from health_papers where revoked_at is null');
  t.deepEqual(
    good.map((paper) => paper.id),
    [own.split('/').at(-1)],
  );
});

test('a source’s row about the child reaches the child’s code', async (t) => {
  const site = await startFamily(t);
  await site.settle('wang_xiulan');
  await site.submit('/health/family/child', childOf(site));
  const id = await idOfOne(site);
  await site.declare(`/health/declare/of/${id}`);
  const subject = cipher.blindIndex('id_number', site.person('du_xiaomiao').id_number);
  await givenEvidence(site.db, subject, { type: 'CLOSE_CONTACT', source: 'cdc', at: NOW });
  t.is(colourOf((await site.jar.get(`/health/code/of/${id}`)).text), 'RED');
});

test('a guardian shows the code of a child of 14 to 17, until the child has an account of its own', async (t) => {
  const site = await startFamily(t);
  await site.settle('wang_xiulan');
  const { name, id_number, phone, username } = site.person('dai_shaonian');
  t.is((await site.submit('/health/family/child', { ...CHILD, name, id_number })).status, 303);
  const id = await idOfOne(site);
  await site.declare(`/health/declare/of/${id}`);
  t.is(colourOf((await site.jar.get(`/health/code/of/${id}`)).text), 'GREEN');
  const { citizenId } = (await findByIdentifier(site.db, cipher, id_number))!;
  await site.db.transaction((tx) =>
    createAccount(tx, cipher, {
      ...{ citizenId, username, phone, passwordHash: NO_PASSWORD, now: NOW },
      boundLevel: 'basic',
    }),
  );
  t.is((await site.jar.get(`/health/code/of/${id}`)).status, 404);
  const again = await site.submit('/health/family/child', { ...CHILD, name, id_number });
  t.regex(again.text, /请由孩子本人登录后出示/);
});

test('who cannot be added online is told where to go and what to bring', async (t) => {
  const site = await startFamily(t);
  await site.settle('wang_xiulan');
  const child = await site.jar.get('/health/family/child');
  t.regex(child.text, /政务服务大厅.*出生医学证明/s);
  const elder = await site.jar.get('/health/family/elder');
  t.regex(elder.text, /政务服务大厅.*委托书.*人工查验/s);
});

const refused: [string, (site: FamilySite) => Record<string, string>, RegExp][] = [
  ['of another guardian', () => ({}), /您不是这个孩子的监护人/],
  ['under another name', () => ({ name: '杜大苗' }), /姓名与证件号码不一致/],
  ['who is 18', (site) => ({ id_number: site.person('deng_yutong').id_number }), /只能添加未满 18 周岁/],
  ['with a passport', (site) => ({ id_number: site.person('john_smith').id_number }), /政务服务窗口/],
  ['with a mistyped number', () => ({ id_number: '390100201906010011' }), /证件号码/],
  ['without agreeing', () => ({ agree: '' }), /请确认您是孩子的监护人/],
];
for (const [what, change, message] of refused) {
  test(`a child ${what} is refused on the page, and nothing is kept`, async (t) => {
    const site = await startFamily(t);
    await site.settle(what === 'of another guardian' ? 'li_jianzhong' : 'wang_xiulan');
    const page = await site.submit('/health/family/child', { ...childOf(site), ...change(site) });
    t.is(page.status, 422);
    t.regex(page.text, message);
    t.deepEqual(await site.db.query('select 1 from guardianships'), []);
    t.is((await site.db.query('select 1 from citizens')).length, 1);
  });
}

test('a register that does not answer loses nothing of what was typed', async (t) => {
  const site = await startFamily(t);
  await site.settle('wang_xiulan');
  site.authorities.outage('police', 'down');
  const page = await site.submit('/health/family/child', childOf(site));
  t.is(page.status, 422);
  t.regex(page.text, /登记机关暂时没有答复/);
  t.regex(page.text, /value="杜小苗"/);
});

test('somebody else’s child is not found, nor is one’s own after the end', async (t) => {
  const site = await startFamily(t);
  await site.settle('wang_xiulan', 'li_jianzhong');
  await site.submit('/health/family/child', childOf(site));
  const id = await idOfOne(site);
  await site.logIn('li_jianzhong');
  for (const page of ['code', 'declare', 'checkin', 'travel']) {
    t.is((await site.jar.get(`/health/${page}/of/${id}`)).status, 404, page);
  }
  await site.submit('/health/family/end', { id, as: 'guardian' });
  await site.logIn('wang_xiulan');
  t.is((await site.jar.get(`/health/declare/of/${id}`)).status, 200, 'a stranger ended nothing');
  await site.declare(`/health/declare/of/${id}`);
  t.is(await keepOnPhone(site, id), 200);
  await site.submit('/health/family/end', { id, as: 'guardian' });
  const [kept] = await site.db.query<{ revoked: boolean }>('select revoked from health_attestations');
  t.true(kept?.revoked, 'what the phone kept is taken back');
  t.is((await site.jar.get(`/health/declare/of/${id}`)).status, 404);
  t.is((await site.submit(`/health/checkin/of/${id}`, { temperature: '36.5' })).status, 404);
});

test('an elder agrees by a code to their own phone, and is told', async (t) => {
  const site = await startFamily(t);
  await site.settle('wang_xiulan');
  const { name, id_number, phone } = site.person('meng_qiuping');
  const asked = await site.submit('/health/family/elder', { name, id_number, phone });
  t.regex(asked.location ?? '', /^\/health\/family\/elder\/[0-9a-f-]{36}$/);
  t.regex((await site.jar.get(asked.location!)).text, new RegExp(`将发送到${name}尾号 ${phone.slice(-4)}`));
  await deliver(site.db, cipher, () => Promise.reject(new Error('no gateway')), NOW);
  t.regex((await site.jar.get(asked.location!)).text, /短信暂时发不出去[\s\S]*再回到本页/);
  await site.db.query('update outbox set due_at = created_at');
  const [message = ''] = await site.messages(phone);
  t.regex((await site.jar.get(asked.location!)).text, new RegExp(`已发到${name}尾号 ${phone.slice(-4)}`));
  t.regex(message, /王\*\*申请为您代办健康码/);
  const code = /\d{6}/.exec(message)![0];
  const wrong = await site.submit(asked.location!, { sms_code: code === '000000' ? '000001' : '000000' });
  t.is(wrong.status, 422);
  t.deepEqual(await site.db.query('select 1 from guardianships'), []);
  t.is((await site.submit(asked.location!, { sms_code: code })).location, '/health/family?done=elder');
  t.regex((await site.messages(phone))[0] ?? '', /已可以为您代办/);
  await site.declare(`/health/declare/of/${await idOfOne(site)}`);
  t.is((await site.submit(asked.location!, { sms_code: code })).location, '/health/family/elder', 'used up');
});

test('an elder with an account keeps it, sees who acts, and ends it', async (t) => {
  const site = await startFamily(t);
  await site.settle('wang_xiulan', 'han_songnian');
  const { name, id_number, phone } = site.person('han_songnian');
  const asked = await site.submit('/health/family/elder', { name, id_number, phone });
  await site.jar.get(asked.location!);
  const code = /\d{6}/.exec((await site.messages(phone))[0]!)![0];
  await site.submit(asked.location!, { sms_code: code });
  const id = await idOfOne(site);
  await site.logIn('han_songnian');
  const page = await site.jar.get('/health/family');
  t.regex(page.text, /可以为我代办的人/);
  t.regex(page.text, /王秀岚/);
  await site.submit('/health/family/end', { id, as: 'dependant' });
  await site.logIn('wang_xiulan');
  t.is((await site.jar.get(`/health/code/of/${id}`)).status, 404);
});

for (const [what, username, change, message] of [
  ['with a phone in another name', 'ding_guiying', {}, /不是以老人本人名义登记/],
  ['who is no elder', 'deng_yutong', {}, /只能添加 60 周岁以上/],
  ['who has died', 'cai_guyuan', {}, /姓名与证件号码不一致/],
  ['with a phone that is none', 'meng_qiuping', { phone: '12' }, /手机号/],
] as const) {
  test(`an elder ${what} is refused on the page, and gets no message`, async (t) => {
    const site = await startFamily(t);
    await site.settle('wang_xiulan');
    const { name, id_number, phone } = site.person(username);
    const page = await site.submit('/health/family/elder', { name, id_number, phone, ...change });
    t.is(page.status, 422);
    t.regex(page.text, message);
    t.deepEqual(await site.messages(phone), []);
  });
}

test('the code of another’s request, or one that is a day old, leads back to the form', async (t) => {
  const site = await startFamily(t);
  await site.settle('wang_xiulan', 'li_jianzhong');
  const { name, id_number, phone } = site.person('meng_qiuping');
  const asked = await site.submit('/health/family/elder', { name, id_number, phone });
  await site.logIn('li_jianzhong');
  t.is((await site.jar.get(asked.location!)).location, '/health/family/elder');
  await site.logIn('wang_xiulan');
  site.world.now = daysLater(1.01);
  t.is((await site.jar.get(asked.location!)).location, '/health/family/elder');
});

test('whoever is not confirmed themselves answers for nobody', async (t) => {
  const site = await startFamily(t);
  await site.settle('zhou_guoliang');
  const page = await site.jar.get('/health/family/child');
  t.is(page.status, 403);
  t.regex(page.text, /health_family_level/);
  t.is((await site.submit('/health/family/child', childOf(site))).status, 403);
});
