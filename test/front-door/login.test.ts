import test from 'ava';
import { generateSync } from 'otplib';
import { lockAccount } from '../../src/citizens/account-state.ts';
import { finishPasskeyEnrolment, relyingPartyOf, startPasskeyEnrolment } from '../../src/citizens/passkey.ts';
import { confirmTotp, startTotp } from '../../src/citizens/totp.ts';
import { audited } from '../support/audited.ts';
import { createAuthenticator } from '../support/authenticator.ts';
import { cipher, ending, givenAccount, phoneOf, residentIdOf } from '../support/citizens.ts';
import {
  entriesOf,
  errorOf,
  PASSWORD,
  passwordHashed,
  personNamed,
  startFrontDoor,
  submit,
  type TestFrontDoor,
} from '../support/front-door.ts';
import type { Jar } from '../support/http-client.ts';

const given = async (door: TestFrontDoor, n: number) =>
  givenAccount(door.db, n, { passwordHash: await passwordHashed() });
const page1 = (jar: Jar, uid: string, username: string, password = PASSWORD) =>
  submit(jar, `/interaction/${uid}/login`, { username, password, action: 'continue' });

for (const [kind, username] of [
  ['user name', 'person.1'],
  ['phone', phoneOf(1)],
  ['ID number', residentIdOf(1)],
] as const) {
  test(`password and code log in by ${kind}`, async (t) => {
    const door = await startFrontDoor(t);
    const citizenId = await given(door, 1);
    const jar = door.jar();
    const uid = door.begin();
    t.regex((await jar.get(`/interaction/${uid}`)).text, /name="password"/);
    const second = await page1(jar, uid, username);
    t.regex(second.text, new RegExp(`尾号 ${phoneOf(1).slice(-4)}`));
    t.regex(second.text, /autocomplete="one-time-code"/);
    await submit(jar, `/interaction/${uid}/code`, { code: await door.code(phoneOf(1)), action: 'continue' });
    t.is(door.told.length, 1);
    t.like(door.told[0], { did: 'loggedIn', citizenId });
    t.deepEqual(
      await door.db.query(
        'select method, interaction_uid as uid, bound_level as level from proofs order by at, method',
      ),
      [
        { method: 'password', uid, level: 'basic' },
        { method: 'sms', uid, level: 'basic' },
      ],
    );
  });
}

test('an unknown account and a wrong password get the same answer', async (t) => {
  const door = await startFrontDoor(t);
  await given(door, 1);
  const jar = door.jar();
  const uid = door.begin();
  const strip = (text: string) =>
    text.replace(/value="person\.\d"/, '').replace(/[0-9A-Z]{4}-[0-9A-Z]{4}/g, '');
  const wrong = await page1(jar, uid, 'person.1', 'not the right password');
  const unknown = await page1(jar, uid, 'person.2', 'not the right password');
  t.is(wrong.status, 422);
  t.is(unknown.status, 422);
  t.is(strip(wrong.text), strip(unknown.text));
  t.deepEqual(await door.db.query('select 1 from login_attempts'), []);
});

test('failed attempts slow down their own network, and nobody else', async (t) => {
  const door = await startFrontDoor(t);
  await given(door, 1);
  const jar = door.jar();
  const uid = door.begin();
  let last = '';
  let page = '';
  for (let i = 0; i < 11; i++) {
    const answer = await jar.post(
      `/interaction/${uid}/login`,
      new URLSearchParams({ username: 'person.1', password: 'wrong' }),
    );
    last = errorOf(answer) ?? 'shown again';
    page = answer.text;
  }
  t.is(last, 'too_many_attempts');
  t.regex(page, new RegExp(`class="button[^>]*href="/interaction/${uid}/login"`));
  await given(door, 2);
  t.regex((await page1(jar, uid, 'person.2')).text, /name="code"/);
});

test('when a phone gets no more codes today, only what helps is offered', async (t) => {
  const door = await startFrontDoor(t);
  await given(door, 1);
  const jar = door.jar();
  const uid = door.begin();
  let page = await page1(jar, uid, 'person.1');
  for (let i = 0; i < 10; i++) {
    door.advance(61);
    page = await submit(jar, `/interaction/${uid}/code`, { action: 'resend' });
  }
  t.regex(page.text, /已达上限/);
  t.regex(page.text, /name="code"/, 'the last one is still good');
  t.notRegex(page.text, /value="resend"/);
  door.advance(301);
  page = await jar.get(`/interaction/${uid}/code`);
  t.regex(page.text, /已达上限/);
  t.notRegex(page.text, /name="code"|value="resend"|其他方式/);

  const entries = entriesOf(personNamed('deng_yutong'));
  page = await submit(jar, '/register', entries);
  for (let i = 0; i < 10; i++) {
    door.advance(61);
    page = await submit(jar, '/register/code', { action: 'resend' });
  }
  door.advance(301);
  page = await jar.get('/register/code');
  t.regex(page.text, /已达上限[\s\S]*class="button[^>]*href="\/register\/phone"/);
  t.notRegex(page.text, /name="sms_code"|value="resend"|其他方式/);
});

test('limits and waits are lifted for people with a fixed code', async (t) => {
  const door = await startFrontDoor(t, {
    fixedCode: (phone) => (phone === phoneOf(1) ? '123456' : undefined),
  });
  await given(door, 1);
  for (let i = 0; i < 12; i++) {
    const jar = door.jar();
    const uid = door.begin();
    await page1(jar, uid, 'person.1');
    await submit(jar, `/interaction/${uid}/code`, { code: '123456' });
  }
  t.is(door.told.length, 12);
});

test('a locked account is told so only after the right password', async (t) => {
  const door = await startFrontDoor(t);
  const citizenId = await given(door, 1);
  await lockAccount(door.db, ending, { citizenId, reason: 'administrator', now: door.now() });
  const jar = door.jar();
  const uid = door.begin();
  t.is(errorOf(await page1(jar, uid, 'person.1', 'wrong password')), undefined);
  const stopped = await page1(jar, uid, 'person.1');
  t.is(errorOf(stopped), 'account_locked');
  t.regex(stopped.text, /value="switch"/);
  t.deepEqual(await door.sms(phoneOf(1)), []);
});

test('a second click on the last button is no failure', async (t) => {
  const door = await startFrontDoor(t);
  await given(door, 1);
  const jar = door.jar();
  const uid = door.begin();
  await page1(jar, uid, 'person.1');
  const code = await door.code(phoneOf(1));
  const click = () => jar.post(`/interaction/${uid}/code`, new URLSearchParams({ code }));
  const answers = await Promise.all([click(), click(), click()]);
  t.true(answers.filter(({ location }) => location === 'http://portal.test/back').length >= 1);
  t.is((await click()).location, 'http://portal.test/back');
  t.deepEqual(await door.db.query(`select count(*) as n from proofs where method = 'sms'`), [{ n: 1 }]);
});

test('the code of one interaction is nothing in another', async (t) => {
  const door = await startFrontDoor(t);
  const citizenId = await given(door, 1);
  const jar = door.jar();
  const [one, two] = [door.begin(), door.begin()];
  await page1(jar, one, 'person.1');
  const code = await door.code(phoneOf(1));
  await page1(jar, two, 'person.1');
  t.regex((await submit(jar, `/interaction/${two}/code`, { code })).text, /验证码不正确/);
  await submit(jar, `/interaction/${two}/code`, { code: '' });
  t.deepEqual(await audited(door.db, ['login.failed'], citizenId), [
    ['login.failed', { factor: 'sms', reason: 'code_wrong' }],
  ]);
});

test('page 2 without page 1 leads to page 1, also after "not you"', async (t) => {
  const door = await startFrontDoor(t);
  await given(door, 1);
  const jar = door.jar();
  const uid = door.begin();
  const again = await jar.get(`/interaction/${uid}/code`);
  t.is(new URL(again.location!).pathname, `/interaction/${uid}/login`);
  await page1(jar, uid, 'person.1');
  t.regex((await submit(jar, `/interaction/${uid}/switch`, { action: 'switch' })).text, /name="username"/);
  t.is(new URL((await jar.get(`/interaction/${uid}/code`)).location!).pathname, `/interaction/${uid}/login`);
});

test('coming back to an interaction whose page 1 is done shows page 2 and sends no second code', async (t) => {
  const door = await startFrontDoor(t);
  await given(door, 1);
  const jar = door.jar();
  const uid = door.begin();
  await page1(jar, uid, 'person.1');
  door.advance(90);
  t.is(new URL((await jar.get(`/interaction/${uid}`)).location!).pathname, `/interaction/${uid}/code`);
  await jar.get(`/interaction/${uid}/code`);
  t.is((await door.sms(phoneOf(1))).length, 1);
});

test('a code of an authenticator app logs in, once', async (t) => {
  const door = await startFrontDoor(t);
  const citizenId = await given(door, 1);
  const now = door.now();
  const pending = await startTotp(door.db, cipher, {
    citizenId,
    label: 'app',
    issuer: 'x',
    account: 'y',
    now,
  });
  const codeAt = (at: Date) =>
    generateSync({ secret: pending.secret, epoch: Math.floor(at.getTime() / 1000) });
  await confirmTotp(door.db, cipher, {
    citizenId,
    id: pending.id,
    code: codeAt(now),
    boundLevel: 'basic',
    now,
  });
  door.advance(60);
  const jar = door.jar();
  const uid = door.begin();
  await page1(jar, uid, 'person.1');
  t.regex((await jar.get(`/interaction/${uid}/code?with=totp`)).text, /value="totp"/);
  const code = codeAt(door.now());
  await submit(jar, `/interaction/${uid}/code`, { factor: 'totp', code });
  t.is(door.told.length, 1);
  const other = door.begin();
  await page1(jar, other, 'person.1');
  const replay = await submit(jar, `/interaction/${other}/code`, { factor: 'totp', code });
  t.regex(replay.text, /已使用过/);
  t.deepEqual(await audited(door.db, ['login.failed'], citizenId), [
    ['login.failed', { factor: 'totp', reason: 'code_wrong' }],
  ]);
});

test('a passkey logs in in one step', async (t) => {
  const door = await startFrontDoor(t);
  const citizenId = await given(door, 1);
  const party = relyingPartyOf(door.url, '一码通');
  const authenticator = createAuthenticator({ rpId: party.id, origin: party.origin });
  const now = door.now();
  const options = await startPasskeyEnrolment(door.db, party, {
    citizenId,
    context: 'test',
    userName: 'x',
    displayName: 'x',
    now,
  });
  await finishPasskeyEnrolment(door.db, party, {
    citizenId,
    context: 'test',
    response: authenticator.create(options),
    label: 'key',
    boundLevel: 'basic',
    now,
  });
  const jar = door.jar();
  const uid = door.begin();
  const asked = await jar.post(`/interaction/${uid}/passkey/options`, new URLSearchParams());
  t.is(asked.status, 200);
  const response = JSON.stringify(authenticator.get(JSON.parse(asked.text)));
  const counted = async () =>
    (
      await door.db.query<{ n: number }>(
        `select coalesce(sum(points), 0)::int as n from rate_limits where key like 'login_network%'`,
      )
    )[0]?.n;
  t.is(await counted(), 1);
  const press = () => jar.copy().post(`/interaction/${uid}/passkey`, new URLSearchParams({ response }));
  const answers = await Promise.all([press(), press(), press()]);
  t.is(await counted(), 0, 'who has logged in was no guess');
  for (const { location } of answers) t.is(location, 'http://portal.test/back');
  t.is((await door.db.query('select 1 from proofs')).length, 1, 'once, however often it was sent');
  t.like(door.told[0], { did: 'loggedIn', citizenId });
  t.like((await door.db.query('select method, user_verified, hardware from proofs'))[0], {
    method: 'passkey',
    user_verified: true,
    hardware: true,
  });
  const other = door.begin();
  const failed = await jar.post(`/interaction/${other}/passkey`, new URLSearchParams({ response }));
  t.is(errorOf(failed), 'passkey_failed');
});

test('an interaction that is gone says where to begin again', async (t) => {
  const door = await startFrontDoor(t);
  t.is(errorOf(await door.jar().get('/interaction/gone')), 'interaction_expired');
});

test('somebody who must log in again is greeted and can be another person', async (t) => {
  const door = await startFrontDoor(t);
  const citizenId = await given(door, 1);
  const uid = door.begin({ session: { uid: 's', citizenId }, reasons: ['login_prompt'] });
  const jar = door.jar();
  const page = await jar.get(`/interaction/${uid}`);
  t.regex(page.text, /value="person\.1"/);
  t.regex(page.text, /value="switch"/);
  t.notRegex(
    (await submit(jar, `/interaction/${uid}/switch`, { action: 'switch' })).text,
    /value="person\.1"/,
  );
});
