import test from 'ava';
import { generateSync } from 'otplib';
import { lockAccount } from '../../../src/citizens/account-state.ts';
import { listCredentials } from '../../../src/citizens/credentials.ts';
import { type CodePurpose, sendCode } from '../../../src/citizens/one-time-code.ts';
import { readCitizen } from '../../../src/citizens/store.ts';
import { confirmTotp, startTotp } from '../../../src/citizens/totp.ts';
import { toolsOf } from '../../../src/front-door/recovery/browser.ts';
import { phoneChangeRoutes } from '../../../src/front-door/recovery/phone-change.ts';
import { applyDueRecoveries } from '../../../src/front-door/recovery/recover.ts';
import {
  nextRecoveryStep,
  type RecoveryFile,
  recoveryWays,
  whyOneMore,
} from '../../../src/front-door/recovery/steps.ts';
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
import { serve } from '../../support/http.ts';
import { openJar } from '../../support/http-client.ts';
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

test('a citizen who is logged in sees a change of phone that waits, and stops it', async (t) => {
  const door = await startFrontDoor(t);
  const { citizenId, person } = await loseThePhone(door);
  const site = await serve(t, (pages) =>
    phoneChangeRoutes({
      ...door.deps,
      signedIn: async () => ({ citizen: { id: citizenId } }),
      render: pages.render,
    }),
  );
  const jar = openJar(site.url);
  t.regex((await jar.get('/account/phone-change')).text, /不是我，取消更换/);
  await jar.post('/account/phone-change', new URLSearchParams());
  t.regex((await jar.get('/account/phone-change')).text, /没有等待生效/);
  t.regex((await door.sms(person.phone))[0] ?? '', /已取消/);
});

const at = '2026-11-23T02:00:00Z';
const blank: RecoveryFile = {
  name: '示例',
  documentType: 'resident_id',
  idNumber: '390100199001020017',
  locale: 'zh-CN',
  proofs: [],
  failures: {},
};
const face = { method: 'face', reference: 'a', source: 'face', at } as const;
const card = { method: 'bank_card', reference: 'b', source: 'bank', at } as const;
const social = { method: 'social_security_card', reference: 'd', source: 'social_security', at } as const;
const carrier = { reference: 'c', source: 'carrier', at } as const;
const phone = { phone: '13900000001', freshSim: false };

for (const [name, kind, file, step] of [
  ['begins with a proof', 'password', {}, 'prove'],
  ['then the code of the account’s phone', 'password', { proofs: [face], ...phone }, 'code'],
  ['then the password', 'password', { proofs: [face], ...phone, phoneConfirmedAt: at }, 'password'],
  ['a fresh SIM asks for one more', 'password', { proofs: [face], ...phone, freshSim: true }, 'prove_again'],
  [
    'a SIM of which nobody can say asks for one more',
    'password',
    { proofs: [face], ...phone, freshSim: 'unknown' },
    'prove_again',
  ],
  ['no phone asks for one more', 'password', { proofs: [face] }, 'prove_again'],
  ['the same method twice is one proof', 'password', { proofs: [face, face] }, 'prove_again'],
  ['two methods stand in for the code', 'password', { proofs: [face, card], freshSim: true }, 'password'],
  [
    'numbers alone never stand in for it',
    'password',
    { proofs: [card, social], freshSim: true },
    'prove_again',
  ],
  [
    'a code proves nothing on a SIM changed after it was asked for',
    'password',
    { proofs: [face], ...phone, phoneConfirmedAt: at, freshSim: true },
    'prove_again',
  ],
  ['a lost phone begins with a proof too', 'phone', {}, 'prove'],
  ['then the new phone', 'phone', { proofs: [face] }, 'phone'],
  ['then its code', 'phone', { proofs: [face], phone: '13900000001' }, 'code'],
  [
    'the carrier must answer',
    'phone',
    { proofs: [face], phone: '13900000001', phoneConfirmedAt: at },
    'phone',
  ],
  ['then the wait', 'phone', { proofs: [face], ...phone, phoneConfirmedAt: at, carrier }, 'confirm'],
  [
    'a fresh SIM of the new phone asks for one more',
    'phone',
    { proofs: [face], ...phone, freshSim: true, phoneConfirmedAt: at, carrier },
    'prove_again',
  ],
] as const) {
  test(`${kind}: ${name}`, (t) => {
    t.is(nextRecoveryStep(kind, { ...blank, ...file } as RecoveryFile), step);
  });
}

test('the page says which reason asks for one more proof', (t) => {
  const proved = { ...blank, proofs: [card] };
  t.is(whyOneMore(proved), 'noPhone');
  t.is(whyOneMore({ ...proved, ...phone, freshSim: true }), 'newSim');
  t.is(whyOneMore({ ...proved, ...phone, freshSim: 'unknown' }), 'carrierSilent');
  t.is(whyOneMore({ ...proved, ...phone, withoutCode: true }), 'noMoreCodes');
});

test('a method that failed twice goes last, one that proved is not offered again', (t) => {
  const file = { ...blank, failures: { face: 2, alipay: 1 }, proofs: [card], ...phone };
  t.deepEqual(recoveryWays('password', file), {
    lead: ['alipay', 'social_security_card', 'officer', 'counter'],
    rest: ['face'],
  });
});

test('where numbers are all that was proved, the ways that see the person are offered', (t) => {
  const file = { ...blank, proofs: [card], phone: '13900000001', freshSim: true };
  t.deepEqual(recoveryWays('password', file).lead, ['face', 'alipay', 'officer', 'counter']);
});

test('who has a passport is offered nothing that compares with the register of the police', (t) => {
  const file = { ...blank, documentType: 'passport' as const };
  t.deepEqual(recoveryWays('password', file).lead, ['alipay', 'bank_card', 'officer', 'counter']);
});
