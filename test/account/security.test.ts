import test from 'ava';
import { generateSync } from 'otplib';
import type { Level } from '../../src/assurance/level.ts';
import { recordAccess } from '../../src/audit/access-log.ts';
import { listCredentials } from '../../src/citizens/credentials.ts';
import { verifyPassword } from '../../src/citizens/password.ts';
import { readCitizen } from '../../src/citizens/store.ts';
import { endSessions } from '../../src/sessions/end.ts';
import { startAccount, type TestAccount } from '../support/account.ts';
import { createAuthenticator } from '../support/authenticator.ts';
import type { Jar } from '../support/http-client.ts';

async function signedIn(account: TestAccount, level: Level = 'basic') {
  const citizenId = await account.citizen(level);
  const jar = account.jar();
  await account.open(jar, '/account', citizenId);
  const citizen = await readCitizen(account.db, account.cipher, citizenId);
  return { citizenId, jar, phone: citizen!.phone! };
}

/** A clock that a test moves. */
function movable() {
  let offset = 0;
  return {
    clock: () => new Date(Date.now() + offset),
    pass(seconds: number) {
      offset += seconds * 1000;
    },
  };
}

async function addPasskey(account: TestAccount, jar: Jar, label = '我的电脑') {
  const { hostname: rpId, origin } = new URL(account.issuer);
  const key = createAuthenticator({ rpId, origin });
  const headers = { origin, 'sec-fetch-site': 'same-origin', accept: 'application/json' };
  const asked = await jar.post('/account/security/passkeys/options', new URLSearchParams(), headers);
  if (asked.status !== 200) return { key, page: asked };
  const response = JSON.stringify(key.create(JSON.parse(asked.text)));
  return { key, page: await account.submit(jar, '/account/security/passkeys/add', { label, response }) };
}

async function addTotp(account: TestAccount, jar: Jar) {
  const page = await account.submit(jar, '/account/security/totp/add', { label: '我的手机' });
  const secret = /<code>([A-Z2-7 ]+)<\/code>/.exec(page.text)?.[1]?.replaceAll(' ', '') ?? '';
  return { path: new URL(page.url).pathname, page, secret };
}

test('a passkey is added, told by SMS, listed, and removed after a confirmation', async (t) => {
  const account = await startAccount(t);
  const { citizenId, jar, phone } = await signedIn(account);
  const { key, page } = await addPasskey(account, jar);
  t.is(page.status, 200, page.text);
  t.regex(page.text, /通行密钥已添加/);
  t.regex(page.text, /我的电脑/);
  t.like((await listCredentials(account.db, citizenId)).passkeys[0], { id: key.id, boundLevel: 'basic' });
  const [message] = await account.messages();
  t.is(message?.to, phone);
  t.regex(message!.text, /新增了一个通行密钥/);

  const remove = `/account/security/passkeys/${key.id}/remove`;
  const confirm = await jar.get(remove);
  t.regex(confirm.text, /确认移除/);
  t.is((await listCredentials(account.db, citizenId)).passkeys.length, 1, 'a link alone removes nothing');
  t.regex((await account.submit(jar, remove)).text, /通行密钥已移除/);
  t.is((await listCredentials(account.db, citizenId)).passkeys.length, 0);
  t.regex((await account.messages())[0]!.text, /移除了一个通行密钥/);
  t.is((await account.submit(jar, remove)).status, 404);
  t.deepEqual(account.errors, []);
});

test('an authenticator app is added with its first code', async (t) => {
  const account = await startAccount(t);
  const { citizenId, jar } = await signedIn(account);
  const { path, page, secret } = await addTotp(account, jar);
  t.regex(page.text, /<svg/);
  t.is((await account.submit(jar, path, { code: '12345' })).status, 422);
  t.is((await listCredentials(account.db, citizenId)).totp.length, 0);
  const done = await account.submit(jar, path, { code: generateSync({ secret }) });
  t.regex(done.text, /验证器应用已添加/);
  t.like((await listCredentials(account.db, citizenId)).totp[0], { label: '我的手机', boundLevel: 'basic' });
  t.is(new URL((await account.follow(jar, await jar.get(path))).url).pathname, '/account/security');
});

test('the last way to log in is not offered for removal, nor removed', async (t) => {
  const account = await startAccount(t);
  const { citizenId, jar } = await signedIn(account);
  const { key } = await addPasskey(account, jar);
  await account.db.query('update accounts set phone = null, phone_bound_level = null where citizen_id = $1', [
    citizenId,
  ]);
  const page = await jar.get('/account/security');
  t.regex(page.text, /唯一的登录方式/);
  const refused = await account.submit(jar, `/account/security/passkeys/${key.id}/remove`);
  t.is(refused.status, 409);
  t.regex(refused.text, /last_way_to_log_in/);
});

test('managing credentials needs a login of the last five minutes', async (t) => {
  const time = movable();
  const account = await startAccount(t, { clock: time.clock });
  const { citizenId, jar } = await signedIn(account);
  t.is((await jar.get('/account/security/password')).status, 200);
  time.pass(301);
  t.is((await jar.get('/account/security')).status, 200, 'looking is allowed');
  for (const path of ['password', 'phone', 'totp/add', 'passkeys/add']) {
    const sent = new URL((await jar.get(`/account/security/${path}`)).location!);
    t.is(sent.pathname, '/oauth/authorize');
    t.is(sent.searchParams.get('max_age'), '300');
  }
  const posted = await jar.post(
    '/account/security/password',
    new URLSearchParams({ password: 'correct horse battery' }),
    { origin: account.issuer },
  );
  t.regex(posted.location!, /\/oauth\/authorize/);
  t.is((await addPasskey(account, jar)).page.status, 403);

  const page = await account.open(jar, '/account/security/password', citizenId);
  t.is(page.status, 200);
  t.is(new URL(page.url).pathname, '/account/security/password', 'back on the page after the new login');
});

test('an account above basic manages its credentials at intermediate', async (t) => {
  const account = await startAccount(t);
  const citizenId = await account.citizen('advanced');
  const jar = account.jar();
  const begun = await account.follow(jar, await jar.get('/account'));
  const proofs = [
    { method: 'password', boundLevel: 'basic' },
    { method: 'sms', boundLevel: 'basic' },
  ];
  await account.follow(jar, await jar.post(begun.url, { act: 'log_in', citizenId, proofs }));
  const sent = new URL((await jar.get('/account/security/totp/add')).location!);
  t.deepEqual(JSON.parse(sent.searchParams.get('claims')!).id_token.acr, {
    essential: true,
    values: ['urn:ymt:acr:intermediate'],
  });
});

test('a changed password logs the other devices out and is told', async (t) => {
  const account = await startAccount(t);
  const { citizenId, jar } = await signedIn(account);
  const other = account.jar();
  await account.open(other, '/account', citizenId);
  const path = '/account/security/password';
  for (const password of ['', 'short', 'password123']) {
    t.is((await account.submit(jar, path, { password })).status, 422);
  }
  const page = await account.submit(jar, path, { password: 'correct horse battery' });
  t.regex(page.text, /密码已修改/);
  t.truthy(await verifyPassword(account.db, citizenId, 'correct horse battery'));
  t.is((await jar.get('/account')).status, 200);
  t.is((await other.get('/account')).status, 303);
  t.regex((await account.messages())[0]!.text, /修改了密码/);
});

test('what was sent before all logins of the account were ended changes no way to log in after it', async (t) => {
  const account = await startAccount(t);
  const { citizenId, jar } = await signedIn(account);
  const { db } = account;
  await account.submit(jar, '/account/security/password', { password: 'paper lantern over the river' });
  const { path, secret } = await addTotp(account, jar);
  const held = await listCredentials(db, citizenId);
  const requests: [string, Record<string, string>][] = [
    ['/account/security/password', { password: 'a thief who was in a hurry' }],
    [path, { code: generateSync({ secret }) }],
    ['/account/close', { understood: 'yes' }],
  ];
  const blocked = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
  // A recovery holds the account, and ends its logins, while they are on their way.
  const sent = await db.transaction(async (tx) => {
    await tx.query('select 1 from accounts where citizen_id = $1 for update', [citizenId]);
    const answers = requests.map(([to, fields]) => account.submit(jar.copy(), to, fields));
    let answered = 0;
    for (const answer of answers) void answer.then(() => answered++);
    while ((await db.query(blocked)).length + answered < requests.length);
    const now = new Date();
    await endSessions(tx, async () => {}, { accountId: citizenId, reason: 'recovery', now });
    return { answers };
  });
  for (const { status, text } of await Promise.all(sent.answers)) {
    t.is(status, 403);
    t.regex(text, /login_not_recent/);
  }
  t.deepEqual(await listCredentials(db, citizenId), held);
  t.deepEqual(await db.query('select 1 from account_closings'), []);
});

test('other sessions are listed and ended, this one stays', async (t) => {
  const account = await startAccount(t);
  const { citizenId, jar } = await signedIn(account);
  t.regex((await jar.get('/account/security')).text, /目前只有本机登录/);
  const other = account.jar();
  await account.open(other, '/account', citizenId);
  const page = await jar.get('/account/security');
  t.regex(page.text, /本机/);
  t.regex(page.text, /退出其他所有设备/);
  t.regex((await account.submit(jar, '/account/security/sessions/end')).text, /其他设备已全部退出登录/);
  t.is((await jar.get('/account')).status, 200);
  t.is((await other.get('/account')).status, 303);
});

test('who saw my data is listed, page by page', async (t) => {
  const account = await startAccount(t);
  const { citizenId, jar } = await signedIn(account);
  t.regex((await jar.get('/account/access')).text, /目前没有单位查看过您的信息/);
  for (let i = 0; i < 25; i++) {
    await recordAccess(account.db, {
      citizenId,
      clientId: 'portal',
      what: ['name', 'id_number'],
      purpose: 'identity',
      at: new Date(Date.now() - i * 60_000),
    });
  }
  const first = await jar.get('/account/access');
  t.is(first.text.split('甲市政务服务网').length - 1, 20);
  t.regex(first.text, /姓名、证件号码/);
  const [, next] = /href="(\/account\/access\?after=[^"]+)"/.exec(first.text) ?? [];
  t.is((await jar.get(next!)).text.split('甲市政务服务网').length - 1, 5);
  t.regex((await jar.get('/account/access?lang=en')).text, /City A/);
});

test('the overview says which level is missing what, without showing whole numbers', async (t) => {
  const account = await startAccount(t);
  const { citizenId, jar, phone } = await signedIn(account);
  const { text } = await jar.get('/account');
  t.regex(text, /任选一项：人脸比对、支付宝认证、社会保障卡核验、银行卡核验/);
  t.regex(text, /提升到中级/);
  const { idNumber } = (await readCitizen(account.db, account.cipher, citizenId))!;
  for (const secret of [idNumber, phone]) t.false(text.includes(secret));
  const raise = await jar.post('/account/raise', new URLSearchParams({ level: 'intermediate' }), {
    origin: account.issuer,
  });
  t.regex(new URL(raise.location!).searchParams.get('claims')!, /urn:ymt:acr:intermediate/);
});
