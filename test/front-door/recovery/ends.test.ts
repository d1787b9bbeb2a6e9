import test from 'ava';
import { generateSync } from 'otplib';
import { lockAccount } from '../../../src/citizens/account-state.ts';
import { listCredentials } from '../../../src/citizens/credentials.ts';
import { type CodePurpose, sendCode } from '../../../src/citizens/one-time-code.ts';
import { readCitizen } from '../../../src/citizens/store.ts';
import { confirmTotp, startTotp } from '../../../src/citizens/totp.ts';
import { toolsOf } from '../../../src/front-door/recovery/browser.ts';
import { applyDueRecoveries } from '../../../src/front-door/recovery/recover.ts';
import { audited } from '../../support/audited.ts';
import { cipher, ending } from '../../support/citizens.ts';
import {
  errorOf,
  givenAccountOf,
  personNamed,
  startFrontDoor,
  submit,
  type TestFrontDoor,
} from '../../support/front-door.ts';
import { begin, byCard, loseThePhone } from '../../support/recovery.ts';

const NEW = 'a quite different set of words';

const passkeyOf = (door: TestFrontDoor, citizenId: string, id: string) =>
  door.db.query(
    `insert into passkeys (citizen_id, id, public_key, counter, transports, synced, label, bound_level, created_at)
     values ($1, $2, '', 0, '{}', false, $2, 'basic', $3)`,
    [citizenId, id, door.now()],
  );

async function totpOf(door: TestFrontDoor, citizenId: string): Promise<void> {
  const asked = { citizenId, label: '手机', issuer: 'x', account: 'y', now: door.now() };
  const { secret, id } = await startTotp(door.db, cipher, asked);
  const code = generateSync({ secret, epoch: Math.floor(door.now().getTime() / 1000) });
  const confirmed = { citizenId, id, code, boundLevel: 'basic' as const, now: door.now() };
  if (!(await confirmTotp(door.db, cipher, confirmed))) throw new Error('the app was not added');
}

for (const keep of [true, false]) {
  test(`with a lost phone authenticator apps go, and passkeys ${keep ? 'stay that were vouched for' : 'go that nobody vouches for'}`, async (t) => {
    const door = await startFrontDoor(t);
    const given = async (citizenId: string) => {
      await passkeyOf(door, citizenId, 'shown');
      await totpOf(door, citizenId);
    };
    const { citizenId } = await loseThePhone(door, { keep, given });
    await passkeyOf(door, citizenId, 'added-meanwhile');
    t.is((await listCredentials(door.db, citizenId)).passkeys.length, 2, 'nothing goes before its time');
    door.advance(73 * 3600);
    const tools = { ...toolsOf(door.deps), carrier: door.deps.carrier };
    t.is(await applyDueRecoveries(door.db, tools, door.now()), 1);
    const held = await listCredentials(door.db, citizenId);
    t.deepEqual(
      held.passkeys.map(({ id }) => id),
      keep ? ['shown'] : [],
    );
    t.deepEqual(held.totp, []);
  });

  test(`a new password ${keep ? 'keeps exactly the passkeys that were shown' : 'takes the passkeys away'}`, async (t) => {
    const door = await startFrontDoor(t);
    const person = personNamed('deng_yutong');
    const citizenId = await givenAccountOf(door, person);
    await passkeyOf(door, citizenId, 'shown');
    const jar = door.jar();
    await begin(jar, person, 'password');
    await byCard(jar, person);
    const page = await submit(jar, '/recover/code', { code: await door.code(person.phone) });
    t.regex(page.text, /name="passkeys_shown" value="shown"/);
    await passkeyOf(door, citizenId, 'added-meanwhile');
    const ticked: Record<string, string> = keep ? { keep_passkeys: 'yes' } : {};
    await submit(jar, '/recover/password', { password: NEW, passkeys_shown: 'shown', ...ticked });
    const { passkeys } = await listCredentials(door.db, citizenId);
    t.deepEqual(
      passkeys.map(({ id }) => id),
      keep ? ['shown'] : [],
    );
  });
}

test('where no more codes can be sent, another proof of the person stands in', async (t) => {
  const door = await startFrontDoor(t);
  const person = personNamed('deng_yutong');
  await givenAccountOf(door, person);
  const send = async (purpose: CodePurpose) => {
    for (let i = 0; i < 10; i++) {
      const wish = { phone: person.phone, purpose, context: `${i}`, now: door.now() };
      await door.db.transaction((tx) => sendCode({ tx, cipher }, wish));
      door.advance(61);
    }
  };
  await send('registration');
  const jar = door.jar();
  await begin(jar, person, 'password');
  await byCard(jar, person);
  t.regex((await door.sms(person.phone))[0] ?? '', /验证码/, 'strangers have not used up this one');
  t.regex((await submit(jar, '/recover/code', { action: 'prove' })).text, /name="code"/);
  t.is((await jar.get('/recover/password')).status, 303, 'who can be sent a code has to show it');
  await send('recovery');
  t.regex((await jar.get('/recover/code')).text, /value="prove"/);
  const again = await submit(jar, '/recover/code', { action: 'prove' });
  t.regex(again.text, /还需要一种核验[\s\S]*今天不能再向您的手机号发送验证码/);
  t.notRegex(again.text, /value="bank_card"/, 'numbers that others may know');
});

test('recovery is slowed down, but for people with a fixed code', async (t) => {
  const [known, other] = [personNamed('deng_yutong'), personNamed('xu_wenzhou')];
  const door = await startFrontDoor(t, {
    fixedCode: (phone) => (phone === known.phone ? '123456' : undefined),
  });
  for (const person of [known, other]) await givenAccountOf(door, person);
  const sixth = async (person: typeof known) => {
    for (let i = 0; i < 5; i++) await begin(door.jar(), person, 'password');
    return begin(door.jar(), person, 'password');
  };
  t.is(errorOf(await sixth(other)), 'too_many_attempts');
  t.regex((await sixth(known)).text, /value="face"/);
  const jar = door.jar();
  await begin(jar, known, 'password');
  const wrong = { method: 'social_security_card', card_number: '000000000' };
  for (let i = 0; i < 21; i++) await jar.post('/recover/prove', new URLSearchParams(wrong));
  t.regex((await byCard(jar, known)).text, /name="code"/);
});

test('a change of phone for an account that was locked meanwhile asks no carrier, and the log says why', async (t) => {
  const door = await startFrontDoor(t);
  const { citizenId, person } = await loseThePhone(door);
  const { db, now } = door;
  await db.transaction((tx) => lockAccount(tx, ending, { citizenId, reason: 'administrator', now: now() }));
  door.advance(73 * 3600);
  const owner = () => Promise.reject(new Error('nobody is to be asked'));
  const carrier = { ...door.deps.carrier, owner };
  t.is(await applyDueRecoveries(db, { ...toolsOf(door.deps), carrier }, now()), 1);
  t.is((await readCitizen(db, cipher, citizenId))?.phone, person.phone);
  t.deepEqual(await audited(db, ['recovery.refused'], citizenId), [
    ['recovery.refused', { kind: 'phone', reason: 'locked' }],
  ]);
});

test('one recovery that is applied ends all others of the account', async (t) => {
  const door = await startFrontDoor(t);
  const { citizenId, person, phone, jar: thief } = await loseThePhone(door);
  const [half, owner] = [door.jar(), door.jar()];
  for (const jar of [half, owner]) {
    await begin(jar, person, 'password');
    await byCard(jar, person);
    door.advance(61);
    await jar.get('/recover/code');
  }
  await submit(owner, '/recover/code', { code: await door.code(person.phone) });
  t.regex((await submit(owner, '/recover/password', { password: NEW })).text, /密码已重新设置/);
  t.regex((await thief.get('/recover/status')).text, /已取消更换/);
  for (const to of [phone, person.phone]) {
    t.true((await door.sms(to)).some((text) => text.includes('申请已取消')));
  }
  t.is(errorOf(await half.get('/recover/password')), 'recovery_expired');
  door.advance(80 * 3600);
  const tools = { ...toolsOf(door.deps), carrier: door.deps.carrier };
  t.is(await applyDueRecoveries(door.db, tools, door.now()), 0);
  t.is((await readCitizen(door.db, cipher, citizenId))?.phone, person.phone);
});
