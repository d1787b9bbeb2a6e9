import test from 'ava';
import type { Level } from '../../src/assurance/level.ts';
import { loadStanding } from '../../src/assurance/standing.ts';
import { readCitizen } from '../../src/citizens/store.ts';
import { deliver } from '../../src/platform/outbox.ts';
import { startAccount, type TestAccount } from '../support/account.ts';
import { audited } from '../support/audited.ts';

async function signedIn(account: TestAccount, level: Level = 'basic') {
  const citizenId = await account.citizen(level);
  const jar = account.jar();
  await account.open(jar, '/account', citizenId);
  const citizen = await readCitizen(account.db, account.cipher, citizenId);
  return { citizenId, jar, phone: citizen!.phone! };
}

test('a phone is changed with the carrier and a code; both numbers are told', async (t) => {
  const account = await startAccount(t);
  const { citizenId, jar, phone } = await signedIn(account);
  const page = await account.submit(jar, '/account/security/phone', { phone: '138 0000 0000' });
  t.is(new URL(page.url).pathname, '/account/security/phone/code');
  t.regex(page.text, /将发送到尾号 0000/);
  const refused = () => Promise.reject(new Error('no gateway'));
  await deliver(account.db, account.cipher, refused, new Date());
  t.regex((await jar.get('/account/security/phone/code')).text, /短信暂时发不出去[\s\S]*原号码继续有效/);
  await account.db.query(`update outbox set due_at = created_at`);
  t.false(new URL(page.url).search.includes('138'));
  const [message] = await account.messages();
  t.is(message?.to, '13800000000');
  const code = /\d{6}/.exec(message!.text)![0];
  t.regex((await jar.get('/account/security/phone/code')).text, /已发送到尾号 0000/);
  t.deepEqual(await account.messages(), [], 'loading the page again sends no other code');
  const path = '/account/security/phone/code';
  const wrong = await account.submit(jar, path, { sms_code: code === '000000' ? '1' : '000000' });
  t.is(wrong.status, 422);
  t.regex((await account.submit(jar, path, { sms_code: code })).text, /手机号已更换/);
  t.is((await readCitizen(account.db, account.cipher, citizenId))?.phone, '13800000000');
  t.deepEqual((await account.messages()).map(({ to }) => to).sort(), ['13800000000', phone].sort());
  const { evidence } = await loadStanding(account.db, { citizenId });
  t.is(evidence.filter(({ method }) => method === 'carrier').length, 1);
  t.is(evidence.find(({ method }) => method === 'carrier')?.source, 'carrier');
  const types = ['evidence.ended', 'evidence.recorded', 'level.changed'] as const;
  t.deepEqual((await audited(account.db, types, citizenId)).slice(-2), [
    ['evidence.ended', { method: 'carrier', reason: 'phone_changed' }],
    ['evidence.recorded', { method: 'carrier', source: 'carrier' }],
  ]);
});

test('somebody else’s number, a new SIM and a silent carrier are told apart, and nothing changes', async (t) => {
  const account = await startAccount(t);
  const citizenId = await account.citizen('basic');
  const jar = account.jar();
  await account.open(jar, '/account', citizenId, ['password', 'sms']);
  const attempt = (phone = '13800000000') => account.submit(jar, '/account/security/phone', { phone });
  account.carrier.owner = 'other_owner';
  t.regex((await attempt()).text, /机主不是您本人/);
  account.carrier.owner = 'match';
  account.carrier.simChangedAt = new Date(Date.now() - 71 * 3600_000);
  t.regex((await attempt()).text, /72 小时内/);
  account.carrier.down = true;
  const silent = await attempt();
  t.is(silent.status, 503);
  t.regex(silent.text, /carrier_silent/);
  t.is((await attempt('12')).status, 422);
  t.is((await readCitizen(account.db, account.cipher, citizenId))?.phone?.startsWith('139'), true);
});

test('what changed hands after the number was typed is noticed when the code comes', async (t) => {
  const account = await startAccount(t);
  const citizenId = await account.citizen('basic');
  const jar = account.jar();
  await account.open(jar, '/account', citizenId, ['password', 'sms']);
  const [start, path] = ['/account/security/phone', '/account/security/phone/code'];
  const codeAfter = async (phone: string, happens: () => void) => {
    await account.submit(jar, start, { phone });
    const [message] = await account.messages();
    happens();
    return account.submit(jar, path, { sms_code: /\d{6}/.exec(message!.text)![0] });
  };
  const owner = await codeAfter('13800000000', () => {
    account.carrier.owner = 'other_owner';
  });
  t.is(owner.status, 422);
  t.regex(owner.text, /机主不是您本人/);
  account.carrier.owner = 'match';
  t.is(new URL((await account.follow(jar, await jar.get(path))).url).pathname, start);
  const sim = await codeAfter('13800000001', () => {
    account.carrier.simChangedAt = new Date();
  });
  t.regex(sim.text, /72 小时内/);
  t.true((await readCitizen(account.db, account.cipher, citizenId))?.phone?.startsWith('139'));
});

test('a number that was typed half an hour ago is typed again', async (t) => {
  let ahead = 0;
  const account = await startAccount(t, { clock: () => new Date(Date.now() + ahead) });
  const { citizenId, jar } = await signedIn(account);
  const [start, path] = ['/account/security/phone', '/account/security/phone/code'];
  await account.submit(jar, start, { phone: '13800000000' });
  ahead = 31 * 60_000;
  await account.open(jar, start, citizenId);
  t.is(new URL((await account.follow(jar, await jar.get(path))).url).pathname, start);
});

test('a new SIM does not matter to somebody who logged in without SMS', async (t) => {
  const account = await startAccount(t);
  const { jar } = await signedIn(account);
  account.carrier.simChangedAt = new Date(Date.now() - 3600_000);
  const page = await account.submit(jar, '/account/security/phone', { phone: '13800000000' });
  t.is(new URL(page.url).pathname, '/account/security/phone/code');
});

test('a number that another account had is taken over, and that account loses its evidence', async (t) => {
  const account = await startAccount(t);
  const { citizenId: old, phone } = await signedIn(account);
  const { citizenId, jar } = await signedIn(account);
  await account.submit(jar, '/account/security/phone', { phone });
  const code = /\d{6}/.exec((await account.messages())[0]!.text)![0];
  await account.submit(jar, '/account/security/phone/code', { sms_code: code });
  t.is((await readCitizen(account.db, account.cipher, citizenId))?.phone, phone);
  t.is((await readCitizen(account.db, account.cipher, old))?.phone, undefined);
  const { evidence } = await loadStanding(account.db, { citizenId: old });
  t.false(evidence.some(({ method }) => method === 'carrier'));
  const ended = await audited(account.db, ['evidence.ended', 'level.changed'], old);
  t.deepEqual(ended[0], ['evidence.ended', { method: 'carrier', reason: 'new_owner' }]);
  t.like(ended[1]?.[1], { to: 'anonymous' });
  t.is(ended.length, 2);
});
