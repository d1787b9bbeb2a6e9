import test from 'ava';
import { accountLevel } from '../../../src/assurance/ladder.ts';
import { loadStanding } from '../../../src/assurance/standing.ts';
import { findByIdentifier } from '../../../src/citizens/store.ts';
import { audited } from '../../support/audited.ts';
import { cipher } from '../../support/citizens.ts';
import {
  entriesOf,
  errorOf,
  follow,
  PASSWORD,
  personNamed,
  startFrontDoor,
  submit,
  type TestFrontDoor,
} from '../../support/front-door.ts';
import type { Jar } from '../../support/http-client.ts';

/** Fills in page 1 and page 2 with the code that was sent. @returns the page after it. */
async function register(door: TestFrontDoor, jar: Jar, fields: Record<string, string>) {
  const second = await submit(jar, '/register', fields);
  if (!second.text.includes('name="sms_code"')) return second;
  return submit(jar, '/register/code', { sms_code: await door.code(fields.phone!) });
}

const accounts = (door: TestFrontDoor) =>
  door.db.query<{ n: number }>(
    'select (select count(*) from citizens) + (select count(*) from accounts) + (select count(*) from identifiers) + (select count(*) from evidence) as n',
  );

test('a person whom both registers confirm has an account at basic, with its evidence', async (t) => {
  const door = await startFrontDoor(t);
  const person = personNamed('deng_yutong');
  const done = await register(door, door.jar(), entriesOf(person));
  t.is(done.status, 200);
  t.regex(done.text, /注册成功/);
  const found = await findByIdentifier(door.db, cipher, person.id_number);
  const facts = await loadStanding(door.db, { citizenId: found!.citizenId });
  t.deepEqual(facts.evidence.map(({ method, source }) => `${method} ${source}`).sort(), [
    'carrier carrier',
    'register police',
  ]);
  t.is(accountLevel(facts.evidence, door.now()).level, 'basic');
  t.deepEqual(
    await door.db.query(`select type, detail from audit_events where type = 'registration.completed'`),
    [{ type: 'registration.completed', detail: { documentType: 'resident_id' } }],
  );
  t.deepEqual(await audited(door.db, ['level.changed']), [
    ['level.changed', { from: 'anonymous', to: 'basic' }],
  ]);
});

for (const username of [
  'ayiguli',
  'chan_kayan',
  'ho_wengfai',
  'chang_yachu',
  'maria_santos',
  'dai_shaonian',
]) {
  test(`${personNamed(username).shows.en}: registers with nothing but the fields of the form`, async (t) => {
    const door = await startFrontDoor(t);
    t.regex((await register(door, door.jar(), entriesOf(personNamed(username)))).text, /注册成功/);
  });
}

for (const [username, code] of [
  ['shen_weiming', 'identity_mismatch'],
  ['jia_wuzong', 'identity_unknown'],
  ['cai_guyuan', 'identity_deceased'],
  ['wei_qinghe', 'register_unavailable'],
  ['ding_guiying', 'phone_not_yours'],
  ['ye_zhiyuan', 'phone_unknown'],
  ['xue_yunqi', 'carrier_unavailable'],
  ['du_xiaomiao', 'too_young'],
] as const) {
  test(`${personNamed(username).shows.en}: the page says so with a next step, and nothing is created`, async (t) => {
    const door = await startFrontDoor(t);
    const page = await register(door, door.jar(), entriesOf(personNamed(username)));
    t.is(errorOf(page), code);
    t.regex(page.text, /button-primary/);
    t.regex(page.text, /class="reference"/);
    t.deepEqual(await accounts(door), [{ n: 0 }]);
  });
}

test('somebody whose phone is in another name goes on with another number, everything else kept', async (t) => {
  const door = await startFrontDoor(t);
  const jar = door.jar();
  const person = personNamed('ding_guiying');
  await register(door, jar, entriesOf(person));
  const phone = person.other_phones![0]!;
  t.regex((await submit(jar, '/register/phone', { phone })).text, /name="sms_code"/);
  const done = await submit(jar, '/register/code', { sms_code: await door.code(phone) });
  t.regex(done.text, /注册成功/);
  t.is((await findByIdentifier(door.db, cipher, phone))?.state, 'active');
});

test('a corrected name is checked again without another code', async (t) => {
  const door = await startFrontDoor(t);
  const jar = door.jar();
  const person = personNamed('xu_wenzhou');
  t.is(errorOf(await register(door, jar, entriesOf(person, { name: '许文州' }))), 'identity_mismatch');
  t.regex((await jar.get('/register?edit=1')).text, /value="许文州"/);
  const check = await submit(jar, '/register', entriesOf(person, { edit: 'yes', password: '' }));
  t.regex(check.text, /action="\/register\/check"/);
  t.regex((await submit(jar, '/register/check', { action: 'continue' })).text, /注册成功/);
});

test('wrong, expired and too many codes are each told apart, and a new code goes on', async (t) => {
  const door = await startFrontDoor(t);
  const jar = door.jar();
  const person = personNamed('fu_xiaolan');
  const send = (sms_code: string) => submit(jar, '/register/code', { sms_code });
  await submit(jar, '/register', entriesOf(person));
  const first = await door.code(person.phone);
  const wrong = first === '000000' ? '111111' : '000000';
  t.regex((await send(wrong)).text, /验证码不正确/);
  t.regex((await send('')).text, /请填写验证码/);
  for (let i = 0; i < 4; i++) await send(wrong);
  t.regex((await send(first)).text, /错误次数过多/);
  t.regex((await submit(jar, '/register/code', { action: 'resend' })).text, /秒后/);
  door.advance(61);
  t.regex((await submit(jar, '/register/code', { action: 'resend' })).text, /已发送/);
  const second = await door.code(person.phone);
  door.advance(301);
  t.regex((await send(second)).text, /已过期/);
  t.is((await door.sms(person.phone)).length, 2);
  t.regex((await jar.get('/register/code')).text, /已发送/);
  t.regex((await send(await door.code(person.phone))).text, /注册成功/);
});

test('reloading the code page sends no second code', async (t) => {
  const door = await startFrontDoor(t);
  const jar = door.jar();
  const person = personNamed('fu_xiaolan');
  await submit(jar, '/register', entriesOf(person));
  door.advance(100);
  await jar.get('/register/code');
  t.is((await door.sms(person.phone)).length, 1);
});

test('only somebody who passed every check learns that the person has an account', async (t) => {
  const door = await startFrontDoor(t);
  const person = personNamed('deng_yutong');
  await register(door, door.jar(), entriesOf(person));
  const jar = door.jar();
  const second = await submit(jar, '/register', entriesOf(person, { username: 'another_name' }));
  t.regex(second.text, /name="sms_code"/);
  door.advance(61);
  await submit(jar, '/register/code', { action: 'resend' });
  const page = await submit(jar, '/register/code', { sms_code: await door.code(person.phone) });
  t.is(errorOf(page), 'id_already_registered');
  t.regex(page.text, /href="\/recover"/);
});

test('a taken user name is the last thing asked again, with all else kept', async (t) => {
  const door = await startFrontDoor(t);
  await register(door, door.jar(), entriesOf(personNamed('deng_yutong')));
  const jar = door.jar();
  const other = personNamed('xu_wenzhou');
  const page = await register(door, jar, entriesOf(other, { username: 'deng_yutong' }));
  t.is(errorOf(page), 'username_taken');
  t.regex((await submit(jar, '/register/username', { username: 'xu_wenzhou' })).text, /注册成功/);
});

test('five clicks on the last button open one account', async (t) => {
  const door = await startFrontDoor(t);
  const jar = door.jar();
  const person = personNamed('deng_yutong');
  await submit(jar, '/register', entriesOf(person, { name: '邓雨童' }));
  await submit(jar, '/register/code', { sms_code: await door.code(person.phone) });
  await submit(jar, '/register', entriesOf(person, { edit: 'yes' }));
  const pages = await Promise.all(
    Array.from({ length: 5 }, () => submit(jar, '/register/check', { action: 'continue' })),
  );
  for (const page of pages) t.regex(page.text, /注册成功/);
  t.deepEqual(await door.db.query('select count(*) as n from accounts'), [{ n: 1 }]);
});

test('five clicks on the button of the code use it up once, and none is told that it was wrong', async (t) => {
  const door = await startFrontDoor(t);
  const jar = door.jar();
  const person = personNamed('deng_yutong');
  await submit(jar, '/register', entriesOf(person));
  const form = { sms_code: await door.code(person.phone) };
  const pages = await Promise.all(
    Array.from({ length: 5 }, () => submit(jar.copy(), '/register/code', form)),
  );
  for (const { status, text } of pages) {
    t.is(status, 200);
    t.notRegex(text, /name="sms_code"/);
  }
  t.regex((await jar.get('/register/done')).text, /注册成功/);
});

test('a phone that is changed while the carrier is asked about the old one is the one that counts', async (t) => {
  const door = await startFrontDoor(t);
  const jar = door.jar();
  const person = personNamed('deng_yutong');
  const other = personNamed('xu_wenzhou').phone;
  const { carrier } = door.deps;
  door.deps.carrier = {
    ...carrier,
    async owner(question) {
      door.deps.carrier = carrier;
      await submit(jar.copy(), '/register/phone', { phone: other });
      return carrier.owner(question);
    },
  };
  await submit(jar, '/register', entriesOf(person));
  const page = await submit(jar, '/register/code', { sms_code: await door.code(person.phone) });
  t.regex(page.text, /name="sms_code"/);
  t.true(page.text.includes(other.slice(-4)));
  t.is(await findByIdentifier(door.db, cipher, person.id_number), undefined);
});

test('a registration that began in a login goes on to it, logged in at basic', async (t) => {
  const door = await startFrontDoor(t);
  const jar = door.jar();
  const uid = door.begin();
  const done = await register(door, jar, entriesOf(personNamed('deng_yutong'), { interaction: uid }));
  t.regex(done.text, new RegExp(`action="/interaction/${uid}/registered"`));
  await submit(jar, `/interaction/${uid}/registered`, { action: 'continue' });
  t.is(door.told[0]?.did, 'loggedIn');
  t.is(door.told[0]?.did === 'loggedIn' && door.told[0].level, 'basic');
  t.deepEqual(await audited(door.db, ['proof.recorded']), [
    ['proof.recorded', { method: 'password', level: 'basic' }],
    ['proof.recorded', { method: 'sms', level: 'basic' }],
  ]);
});

test('whoever came to register is led there once, and can log in instead', async (t) => {
  const door = await startFrontDoor(t);
  const jar = door.jar();
  const uid = door.begin({ wantsAccount: true });
  const sent = await jar.get(`/interaction/${uid}`);
  t.is(sent.location, `${door.url}/register?interaction=${uid}`);
  t.regex(
    (await follow(jar, await jar.get(sent.location!))).text,
    new RegExp(`href="/interaction/${uid}/login"`),
  );
  t.regex((await jar.get(`/interaction/${uid}/login`)).text, /name="username"/);
  await submit(jar, '/register', entriesOf(personNamed('deng_yutong'), { interaction: uid }));
  t.regex((await jar.get(`/interaction/${uid}`)).text, /name="username"/);
});

test('another browser cannot finish the login of a registration', async (t) => {
  const door = await startFrontDoor(t);
  const uid = door.begin();
  await register(door, door.jar(), entriesOf(personNamed('deng_yutong'), { interaction: uid }));
  const stranger = await submit(door.jar(), `/interaction/${uid}/registered`, { action: 'continue' });
  t.regex(stranger.text, /name="username"/);
  t.deepEqual(door.told, []);
});

test('a registration outlives its interaction', async (t) => {
  const door = await startFrontDoor(t);
  const jar = door.jar();
  const uid = door.begin();
  await submit(jar, '/register', entriesOf(personNamed('deng_yutong'), { interaction: uid }));
  door.end(uid);
  const phone = personNamed('deng_yutong').phone;
  t.regex(
    (await submit(jar, '/register/code', { sms_code: await door.code(phone) })).text,
    /href="\/account"/,
  );
});

test('a draft is resumed for a day by its own browser, and by no other', async (t) => {
  const door = await startFrontDoor(t);
  const jar = door.jar();
  const person = personNamed('deng_yutong');
  await submit(jar, '/register', entriesOf(person));
  door.advance(23 * 3600);
  t.regex((await jar.get('/register')).text, /继续注册/);
  t.notRegex((await door.jar().get('/register')).text, /继续注册/);
  t.is(errorOf(await door.jar().get('/register/code')), 'registration_expired');
  door.advance(2 * 3600);
  t.is(errorOf(await follow(jar, await jar.get('/register/code'))), 'registration_expired');
});

test('a draft that is saved again and again ends a day after it was begun', async (t) => {
  const door = await startFrontDoor(t);
  const person = personNamed('ding_guiying');
  const jar = door.jar();
  await submit(jar, '/register', entriesOf(person));
  door.advance(20 * 3600);
  t.regex(
    (await submit(jar, '/register/phone', { phone: person.other_phones![0]! })).text,
    /name="sms_code"/,
  );
  door.advance(5 * 3600);
  t.is(errorOf(await jar.get('/register/code')), 'registration_expired');
});

test('a draft holds nothing that can be read in the database', async (t) => {
  const door = await startFrontDoor(t);
  const person = personNamed('deng_yutong');
  await submit(door.jar(), '/register', entriesOf(person));
  const [row] = await door.db.query<{ text: string }>(
    `select encode(sealed, 'escape') as text from registration_drafts`,
  );
  for (const secret of [person.name, person.id_number, person.phone, PASSWORD]) {
    t.false(row!.text.includes(secret));
  }
});
