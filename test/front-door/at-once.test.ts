import test from 'ava';
import { generateSync } from 'otplib';
import { findByIdentifier, readCitizen } from '../../src/citizens/store.ts';
import { confirmTotp, startTotp } from '../../src/citizens/totp.ts';
import { toolsOf } from '../../src/front-door/recovery/browser.ts';
import { applyDueRecoveries } from '../../src/front-door/recovery/recover.ts';
import { cipher } from '../support/citizens.ts';
import {
  entriesOf,
  errorOf,
  givenAccountOf,
  PASSWORD,
  personNamed,
  startFrontDoor,
  submit,
  type TestFrontDoor,
} from '../support/front-door.ts';
import type { Jar } from '../support/http-client.ts';
import { atAuthority, begin, loseThePhone, officerDecides } from '../support/recovery.ts';

/*
 * What happens when many do the same thing at the same moment, over HTTP and on the real database.
 */

const many = <T>(count: number, act: (n: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, n) => act(n)));

async function passwordTyped(door: TestFrontDoor, jar: Jar, username: string): Promise<string> {
  const uid = door.begin();
  await submit(jar, `/interaction/${uid}/login`, { username, password: PASSWORD });
  return uid;
}

const count = async (door: TestFrontDoor, text: string, values: unknown[]) =>
  (await door.db.query(text, values)).length;

test('one code by SMS that many send at once makes one proof, and each of them goes on', async (t) => {
  const door = await startFrontDoor(t);
  const person = personNamed('xu_wenzhou');
  const citizenId = await givenAccountOf(door, person);
  const jar = door.jar();
  const uid = await passwordTyped(door, jar, person.username);
  const code = await door.code(person.phone);
  // Two browsers can hold one interaction only by theft; what counts is that the code works once.
  const answers = await many(9, () => submit(jar.copy(), `/interaction/${uid}/code`, { code }));
  t.true(answers.every(({ location }) => location === 'http://portal.test/back'));
  t.is(await count(door, `select 1 from proofs where citizen_id = $1 and method = 'sms'`, [citizenId]), 1);
});

test('twenty guesses at once get no further than five, and then not even the right code does', async (t) => {
  const door = await startFrontDoor(t);
  const person = personNamed('xu_wenzhou');
  await givenAccountOf(door, person);
  const jar = door.jar();
  const uid = await passwordTyped(door, jar, person.username);
  const code = await door.code(person.phone);
  const wrong = code === '000000' ? '000001' : '000000';
  const pages = await many(20, () => submit(jar.copy(), `/interaction/${uid}/code`, { code: wrong }));
  t.true(pages.some((page) => errorOf(page) === 'too_many_attempts'));
  t.deepEqual(
    (await door.db.query<{ failures: number }>('select failures from one_time_codes')).map(
      ({ failures }) => failures,
    ),
    [5],
  );
  t.is(door.told.length, 0);
  door.advance(1_000);
  await submit(jar, `/interaction/${uid}/code`, { code });
  t.is(door.told.length, 0);
});

test('one ID that registers in five browsers at once becomes one account and four clear answers', async (t) => {
  const door = await startFrontDoor(t, { fixedCode: () => '314159' });
  const person = personNamed('deng_yutong');
  const jars = Array.from({ length: 5 }, () => door.jar());
  for (const [n, jar] of jars.entries()) {
    await submit(jar, '/register', entriesOf(person, { username: `deng_${n}` }));
  }
  const pages = await many(5, (n) => submit(jars[n]!, '/register/code', { sms_code: '314159' }));
  t.is(pages.filter(({ text }) => text.includes('注册成功')).length, 1);
  t.is(pages.filter((page) => errorOf(page) === 'id_already_registered').length, 4);
  const { citizenId } = (await findByIdentifier(door.db, cipher, person.id_number))!;
  t.is(await count(door, 'select 1 from citizens where $1::uuid is not null', [citizenId]), 1);
  t.is(await count(door, 'select 1 from identifiers where citizen_id = $1', [citizenId]), 3);
  t.is(await count(door, 'select 1 from evidence where citizen_id = $1', [citizenId]), 2);
  t.deepEqual(door.errors, []);
});

for (const base of ['/register', '/recover'] as const) {
  test(`a check of ${base} whose button is pressed five times at once counts once, and goes on`, async (t) => {
    const door = await startFrontDoor(t);
    const person = personNamed('ding_guiying');
    const jar = door.jar();
    if (base === '/register') {
      await submit(jar, '/register', entriesOf(person));
      await submit(jar, '/register/code', { sms_code: await door.code(person.phone) });
    } else {
      await givenAccountOf(door, person);
      await begin(jar, person, 'password');
    }
    await atAuthority(door, jar, 'counter', 'later', base);
    await officerDecides(door, person, 'accept');
    const pages = await many(5, () => submit(jar.copy(), `${base}/waiting`, { action: 'continue' }));
    t.deepEqual(new Set(pages.map(({ status }) => status)), new Set([200]));
    const done = base === '/register' ? await jar.get('/register/done') : await jar.get('/recover/code');
    t.regex(done.text, base === '/register' ? /注册成功/ : /name="code"/);
    const refused = `select 1 from audit_events where type in ('registration.refused', 'recovery.refused')
      and detail->>'reason' in ('failed', 'replay')`;
    t.is(await count(door, refused, []), 0);
    t.deepEqual(door.errors, []);
  });
}

test('a change of phone that two jobs and its browser apply at once happens once', async (t) => {
  const door = await startFrontDoor(t);
  const { citizenId, phone, jar } = await loseThePhone(door);
  door.advance(73 * 3600);
  const tools = { ...toolsOf(door.deps), carrier: door.deps.carrier };
  await Promise.all([
    applyDueRecoveries(door.db, tools, door.now()),
    applyDueRecoveries(door.db, tools, door.now()),
    jar.get('/recover/status'),
  ]);
  t.is((await readCitizen(door.db, cipher, citizenId))?.phone, phone);
  const done = `select 1 from audit_events where citizen_id = $1 and type = 'phone.changed'`;
  t.is(await count(door, done, [citizenId]), 1);
});

test('guesses at an app’s code are counted together wherever they come from; an SMS still logs in', async (t) => {
  const door = await startFrontDoor(t);
  const person = personNamed('xu_wenzhou');
  const citizenId = await givenAccountOf(door, person);
  const now = door.now();
  const { id, secret } = await startTotp(door.db, cipher, {
    citizenId,
    label: 'app',
    issuer: 'x',
    account: 'y',
    now,
  });
  const codeAt = (at: Date) => generateSync({ secret, epoch: Math.floor(at.getTime() / 1000) });
  await confirmTotp(door.db, cipher, { citizenId, id, code: codeAt(now), boundLevel: 'basic', now });
  // Nineteen networks have guessed before.
  for (let n = 0; n < 20; n++) await door.deps.limits.consume('totp', citizenId);
  door.advance(60);
  const jar = door.jar();
  const uid = await passwordTyped(door, jar, person.username);
  const guess = await submit(jar, `/interaction/${uid}/code`, { factor: 'totp', code: codeAt(door.now()) });
  t.is(errorOf(guess), 'too_many_attempts');
  await jar.get(`/interaction/${uid}/code`);
  await submit(jar, `/interaction/${uid}/code`, { code: await door.code(person.phone) });
  t.is(door.told.length, 1);
});

test('codes that strangers have sent to a phone do not keep its owner from logging in', async (t) => {
  const door = await startFrontDoor(t);
  const person = personNamed('xu_wenzhou');
  await givenAccountOf(door, person);
  for (let n = 0; n < 11; n++) {
    const stranger = door.jar();
    await submit(stranger, '/register', entriesOf(personNamed('deng_yutong'), { phone: person.phone }));
    door.advance(61);
  }
  const jar = door.jar();
  const uid = await passwordTyped(door, jar, person.username);
  await submit(jar, `/interaction/${uid}/code`, { code: await door.code(person.phone) });
  t.is(door.told.length, 1);
});

test('what the gateway does not take is said on the page, with what else helps, and uses up no day', async (t) => {
  const door = await startFrontDoor(t);
  const owner = personNamed('xu_wenzhou');
  const citizenId = await givenAccountOf(door, owner);
  const jar = door.jar();
  const uid = await passwordTyped(door, jar, owner.username);
  const path = `/interaction/${uid}/code`;
  const waiting = (await jar.get(path)).text;
  t.regex(waiting, new RegExp(`将发送到尾号[\\s\\S]*href="${path}"`));
  t.notRegex(waiting, /暂时发不出去|验证码已发送/, 'nothing is claimed before it is known');
  let page = '';
  for (let i = 0; i < 12; i++) {
    await door.smsFails();
    page = (await jar.get(path)).text;
    t.regex(page, /短信暂时发不出去[\s\S]*还有 5 分钟有效[\s\S]*过一段时间再登录/);
    t.notRegex(page, /with=totp|通行密钥/, 'nothing that this person does not have');
    door.advance(61);
    page = (await submit(jar, path, { action: 'resend' })).text;
    t.regex(page, /将发送到/);
  }
  await door.smsFails();
  page = (await submit(jar, path, { code: '' })).text;
  t.regex(page, /短信暂时发不出去/, 'a wrong entry does not hide it');
  const names = { label: 'app', issuer: 'x', account: 'y' };
  const pending = await startTotp(door.db, cipher, { citizenId, ...names, now: door.now() });
  const appCode = generateSync({ secret: pending.secret, epoch: Math.floor(door.now().getTime() / 1000) });
  const confirm = { citizenId, id: pending.id, boundLevel: 'basic', now: door.now() } as const;
  await confirmTotp(door.db, cipher, { ...confirm, code: appCode });
  t.regex((await jar.get(path)).text, /短信暂时发不出去[\s\S]*class="button[^>]*with=totp/);
  door.advance(10);
  t.is((await door.sms(owner.phone)).length, 1, 'the newest alone');
  t.regex((await jar.get(path)).text, /已发送到尾号/);
  await submit(jar, path, { code: await door.code(owner.phone) });
  t.like(door.told[0], { did: 'loggedIn', citizenId });

  const person = personNamed('deng_yutong');
  await submit(jar, '/register', entriesOf(person));
  await door.smsFails();
  page = (await jar.get('/register/code')).text;
  t.regex(page, /短信暂时发不出去[\s\S]*填写的信息保留 24 小时/);
  t.regex(page, /name="sms_code"[\s\S]*value="resend"/);
  const english = (await jar.get('/register/code?lang=en')).text;
  t.regex(english, /Text messages cannot be sent right now/);
});

test('an office behind one address logs in as often as it likes; spellings of a name count as one', async (t) => {
  const door = await startFrontDoor(t);
  const person = personNamed('xu_wenzhou');
  await givenAccountOf(door, person);
  for (let n = 0; n < 12; n++) await passwordTyped(door, door.jar(), person.username);
  const uid = door.begin();
  const spellings = ['', '+86 ', '0086', '86-'];
  let last = '';
  for (let n = 0; n < 11; n++) {
    const username = spellings[n % 4] + person.phone;
    last = errorOf(await submit(door.jar(), `/interaction/${uid}/login`, { username, password: 'x' })) ?? '';
  }
  t.is(last, 'too_many_attempts');
});
