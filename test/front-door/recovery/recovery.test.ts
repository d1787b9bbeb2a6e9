import test from 'ava';
import { loadStanding } from '../../../src/assurance/standing.ts';
import { recordEvidence } from '../../../src/assurance/store.ts';
import { closeAccount } from '../../../src/citizens/account-state.ts';
import { accountsCommand } from '../../../src/citizens/accounts-command.ts';
import { verifyPassword } from '../../../src/citizens/password.ts';
import { changePhone } from '../../../src/citizens/phone.ts';
import { readCitizen } from '../../../src/citizens/store.ts';
import { toolsOf } from '../../../src/front-door/recovery/browser.ts';
import { applyDueRecoveries } from '../../../src/front-door/recovery/recover.ts';
import { audited } from '../../support/audited.ts';
import { cipher, ending } from '../../support/citizens.ts';
import {
  errorOf,
  follow,
  givenAccountOf,
  PASSWORD,
  personNamed,
  startFrontDoor,
  submit,
} from '../../support/front-door.ts';
import { atAuthority, begin, byBank, byCard, loseThePhone, officerDecides } from '../../support/recovery.ts';

const NEW = 'a quite different set of words';

test('a forgotten password is set anew: everything ends, the account is held at basic, the owner is told', async (t) => {
  const door = await startFrontDoor(t);
  const person = personNamed('deng_yutong');
  const citizenId = await givenAccountOf(door, person);
  for (const method of ['register', 'carrier', 'face'] as const) {
    const evidence = { method, source: 'police', transactionId: `at-${method}`, at: door.now() } as const;
    await recordEvidence(door.db, { citizenId, ...evidence });
  }
  // Whoever knows the old password has typed both factors in one place, and the password in another.
  const thief = door.jar();
  const [typed, half] = [door.begin(), door.begin()];
  for (const uid of [typed, half]) {
    await submit(thief, `/interaction/${uid}/login`, { username: person.username, password: PASSWORD });
  }
  const old = await door.code(person.phone);
  t.is((await submit(thief, `/interaction/${typed}/code`, { code: old })).status, 303);
  door.advance(61);
  await thief.get(`/interaction/${half}/code`);
  const later = await door.code(person.phone);
  const jar = door.jar();
  t.regex((await begin(jar, person, 'password')).text, /value="face"/);
  t.regex((await byCard(jar, person)).text, /name="code"/);
  const page = await submit(jar, '/recover/code', { code: await door.code(person.phone) });
  t.regex(page.text, /name="password"/);
  t.regex((await submit(jar, '/recover/password', { password: 'short' })).text, /密码太短/);
  t.regex((await submit(jar, '/recover/password', { password: NEW })).text, /密码已重新设置/);
  t.like(await verifyPassword(door.db, citizenId, NEW), { boundLevel: 'basic' });
  t.is(await verifyPassword(door.db, citizenId, PASSWORD), undefined);
  t.deepEqual((await loadStanding(door.db, { citizenId, interactionUid: typed })).proofs, []);
  t.regex((await submit(thief, `/interaction/${typed}/code`, { code: '' })).text, /name="username"/);
  t.regex((await submit(thief, `/interaction/${half}/code`, { code: later })).text, /name="username"/);
  t.deepEqual(await audited(door.db, ['level.changed'], citizenId), [
    ['level.changed', { from: 'intermediate', to: 'basic' }],
  ]);
  const until = (await readCitizen(door.db, cipher, citizenId))!.levelCapUntil!;
  t.true(Math.abs(until.getTime() - door.now().getTime() - 86_400_000) < 60_000);
  const [message = ''] = await door.sms(person.phone);
  const link = message.match(/http\S+/)?.[0] ?? '';
  const stranger = door.jar();
  t.regex((await stranger.get(link)).text, /冻结账户/);
  t.is((await readCitizen(door.db, cipher, citizenId))?.accountState, 'active');
  t.regex((await submit(stranger, link, { action: 'stop' })).text, /账户已冻结/);
  t.is((await readCitizen(door.db, cipher, citizenId))?.accountState, 'locked');
  t.is(errorOf(await submit(stranger, link, { action: 'stop' })), 'stop_link_used');
  // At the counter it is seen whose it is; what was set before it was frozen lets nobody in.
  const tools = { cipher, enqueueLogout: door.deps.enqueueLogout };
  const said = await accountsCommand(door.db, tools, ['unlock', person.username], door.now());
  t.regex(said, /^Unlocked\. Password, passkeys and apps were removed/);
  t.is((await readCitizen(door.db, cipher, citizenId))?.accountState, 'active');
  t.is(await verifyPassword(door.db, citizenId, NEW), undefined);
  t.regex((await door.sms(person.phone))[0] ?? '', /已解除冻结/);
});

test('with a new SIM the code is not asked for; a second proof by another way is', async (t) => {
  const door = await startFrontDoor(t);
  const person = personNamed('yu_xinka');
  await givenAccountOf(door, person);
  const jar = door.jar();
  await begin(jar, person, 'password');
  const again = await byCard(jar, person);
  t.regex(again.text, /还需要一种核验[\s\S]*手机卡在 72 小时内更换过/);
  t.notRegex(again.text, /value="(social_security_card|bank_card)"/, 'numbers that others may know');
  t.regex((await byBank(jar, person)).text, /还需要一种核验/);
  t.regex((await atAuthority(door, jar, 'alipay', 'pass')).text, /name="password"/);
  t.deepEqual(await door.sms(person.phone), []);
});

test('a SIM that is changed between the proof and the code does not recover the account', async (t) => {
  const door = await startFrontDoor(t);
  const person = personNamed('deng_yutong');
  await givenAccountOf(door, person);
  const jar = door.jar();
  await begin(jar, person, 'password');
  t.regex((await byCard(jar, person)).text, /name="code"/);
  const code = await door.code(person.phone);
  door.world.outcomes(person.id_number, { sim_changed_hours_ago: 0.1 });
  t.regex((await submit(jar, '/recover/code', { code })).text, /还需要一种核验/);
  t.is((await jar.get('/recover/password')).status, 303);
});

test('while the carrier is silent the code waits; it is not taken on trust', async (t) => {
  const door = await startFrontDoor(t);
  const person = personNamed('deng_yutong');
  await givenAccountOf(door, person);
  const jar = door.jar();
  await begin(jar, person, 'password');
  await byCard(jar, person);
  const code = await door.code(person.phone);
  door.world.outage('carrier', 'down');
  t.is(errorOf(await submit(jar, '/recover/code', { code })), 'carrier_unavailable');
  door.world.outage('carrier', 'off');
  t.regex((await submit(jar, '/recover/code', { code })).text, /name="password"/);
});

test('a counter vouches for somebody who has nothing else', async (t) => {
  const door = await startFrontDoor(t);
  const person = personNamed('jiang_zhengping');
  await givenAccountOf(door, person);
  const jar = door.jar();
  await begin(jar, person, 'password');
  const waiting = await atAuthority(door, jar, 'counter', 'pass');
  t.regex(waiting.text, /我已完成/, 'nobody decides about themselves');
  t.regex((await submit(jar, '/recover/waiting', { action: 'continue' })).text, /我已完成/);
  await officerDecides(door, person, 'accept');
  t.regex((await submit(jar, '/recover/waiting', { action: 'continue' })).text, /name="code"/);
});

test('a password is set once, however many buttons were pressed, and never for a closed account', async (t) => {
  const door = await startFrontDoor(t);
  const person = personNamed('deng_yutong');
  const citizenId = await givenAccountOf(door, person);
  const jar = door.jar();
  await begin(jar, person, 'password');
  await byCard(jar, person);
  await submit(jar, '/recover/code', { code: await door.code(person.phone) });
  const presses = Array.from({ length: 5 }, () => submit(jar.copy(), '/recover/password', { password: NEW }));
  for (const { text } of await Promise.all(presses)) t.regex(text, /密码已重新设置/);
  const done = await door.db.query(`select 1 from audit_events where type = 'recovery.completed'`);
  t.is(done.length, 1);

  const second = door.jar();
  await begin(second, person, 'password');
  await byCard(second, person);
  door.advance(120);
  await submit(second, '/recover/code', { code: await door.code(person.phone) });
  const { db, now } = door;
  await db.transaction((tx) => closeAccount(tx, ending, { citizenId, reason: 'requested', now: now() }));
  await submit(second, '/recover/password', { password: NEW });
  t.deepEqual(await db.query('select 1 from passwords where citizen_id = $1', [citizenId]), []);
});

test('whether there is an account shows only after the proof', async (t) => {
  const door = await startFrontDoor(t);
  const without = personNamed('deng_yutong');
  const holder = personNamed('xu_wenzhou');
  await givenAccountOf(door, holder);
  const [one, two] = [door.jar(), door.jar()];
  const plain = (text: string) => text.replace(/[0-9A-Z]{4}-[0-9A-Z]{4}/g, '').replace(/[邓许]\*\*/g, '');
  t.is(
    plain((await begin(one, without, 'password')).text),
    plain((await begin(two, holder, 'password')).text),
  );
  t.is(errorOf(await byCard(one, without)), 'no_account');
  // Nor does a page that somebody goes to by its address go on without one.
  for (const path of ['prove', 'status', 'password']) {
    t.is(errorOf(await follow(one, await one.get(`/recover/${path}`))), 'no_account', path);
  }
  await givenAccountOf(door, without);
  t.regex((await follow(one, await one.get('/recover/status'))).text, /name="code"/);
});

test('a code to a phone that the account has no more sets no password: the new phone is asked', async (t) => {
  const door = await startFrontDoor(t);
  const person = personNamed('deng_yutong');
  const phone = personNamed('ding_guiying').phone;
  const citizenId = await givenAccountOf(door, person);
  const jar = door.jar();
  await begin(jar, person, 'password');
  await byCard(jar, person);
  await submit(jar, '/recover/code', { code: await door.code(person.phone) });
  const change = { citizenId, phone, boundLevel: 'basic' as const, now: door.now() };
  await door.db.transaction((tx) => changePhone(tx, cipher, change));
  t.regex((await submit(jar, '/recover/password', { password: NEW })).text, /name="code"/);
  t.truthy(await verifyPassword(door.db, citizenId, PASSWORD));
  await submit(jar, '/recover/code', { code: await door.code(phone) });
  t.regex((await submit(jar, '/recover/password', { password: NEW })).text, /密码已重新设置/);
});

test('a wrong card counts as a failure, and after two the way goes last', async (t) => {
  const door = await startFrontDoor(t);
  const person = personNamed('deng_yutong');
  const jar = door.jar();
  await begin(jar, person, 'password');
  const wrong = { method: 'social_security_card', card_number: '000000000' };
  t.is((await submit(jar, '/recover/prove', wrong)).status, 422);
  const twice = await submit(jar, '/recover/prove', wrong);
  t.regex(twice.text, /已多次未通过[\s\S]*value="social_security_card"/);
});

test('a check on another site counts in the browser that began it, and in no other', async (t) => {
  const door = await startFrontDoor(t);
  const person = personNamed('deng_yutong');
  await givenAccountOf(door, person);
  const jar = door.jar();
  await begin(jar, person, 'password');
  const sent = await jar.post('/recover/prove', new URLSearchParams({ method: 'alipay' }));
  t.true(sent.location?.startsWith(door.world.url));
  t.regex((await jar.get('/recover/waiting')).text, /我已完成/);
  const back = '/recover/callback?state=guessed&reference=x';
  t.regex((await door.jar().get(back)).text, /请回到开始办理的地方/);
  t.regex((await jar.get(back)).text, /请回到开始办理的地方/);
});

test('whose passport has the number of another country’s does not recover that person’s account', async (t) => {
  const door = await startFrontDoor(t);
  const john = personNamed('john_smith');
  const other = { ...john, name: 'MARIE EXEMPLE', username: 'marie_e', phone: '13939009999' };
  const citizenId = await givenAccountOf(door, other);
  for (const lost of ['password', 'phone'] as const) {
    const jar = door.jar();
    await begin(jar, john, lost);
    const page = await byBank(jar, john);
    t.is(errorOf(page), 'document_shared');
    t.regex(page.text, /护照原件到就近的政务服务大厅/);
    for (const path of ['/recover/password', '/recover/confirm', '/recover/code', '/recover/phone']) {
      t.is(errorOf(await follow(jar, await jar.get(path))), 'document_shared', path);
    }
  }
  t.truthy(await verifyPassword(door.db, citizenId, PASSWORD));
  t.deepEqual(await door.sms(other.phone), []);
});

test('a lost phone is replaced after 72 hours and not before', async (t) => {
  const door = await startFrontDoor(t);
  const { citizenId, person, phone, jar } = await loseThePhone(door);
  const tools = { ...toolsOf(door.deps), carrier: door.deps.carrier };
  door.advance(72 * 3600 - 60);
  t.is(await applyDueRecoveries(door.db, tools, door.now()), 0);
  t.is((await readCitizen(door.db, cipher, citizenId))?.phone, person.phone);
  door.advance(120);
  t.is(await applyDueRecoveries(door.db, tools, door.now()), 1);
  const citizen = await readCitizen(door.db, cipher, citizenId);
  t.is(citizen?.phone, phone);
  t.is(citizen?.phoneBoundLevel, 'basic');
  t.truthy(citizen?.levelCapUntil);
  t.regex((await jar.get('/recover/status')).text, /手机号已更换/);
  for (const to of [phone, person.phone]) t.regex((await door.sms(to))[0] ?? '', /手机号已更换/);
});

test('the old phone can stop the change, and so can the browser that began it', async (t) => {
  const door = await startFrontDoor(t);
  const { citizenId, person, jar } = await loseThePhone(door);
  const link = (await door.sms(person.phone))[0]?.match(/http\S+/)?.[0] ?? '';
  t.regex((await submit(door.jar(), link, { action: 'stop' })).text, /已取消/);
  door.advance(80 * 3600);
  const tools = { ...toolsOf(door.deps), carrier: door.deps.carrier };
  t.is(await applyDueRecoveries(door.db, tools, door.now()), 0);
  t.is((await readCitizen(door.db, cipher, citizenId))?.phone, person.phone);
  t.regex((await jar.get('/recover/status')).text, /已取消更换/);
});

test('the browser that began the wait cancels it', async (t) => {
  const door = await startFrontDoor(t);
  const { jar } = await loseThePhone(door);
  t.regex((await submit(jar, '/recover/cancel', { action: 'cancel' })).text, /已取消更换/);
});

test('a new phone in another name is not accepted', async (t) => {
  const door = await startFrontDoor(t);
  const person = personNamed('deng_yutong');
  await givenAccountOf(door, person);
  const jar = door.jar();
  await begin(jar, person, 'phone');
  await byCard(jar, person);
  const phone = personNamed('xu_wenzhou').phone;
  await submit(jar, '/recover/phone', { phone });
  const page = await submit(jar, '/recover/code', { code: await door.code(phone) });
  t.is(errorOf(page), 'phone_not_yours');
});
