import test from 'ava';
import { ownPath } from '../../src/account/sign-in.ts';
import { lockAccount } from '../../src/citizens/account-state.ts';
import { endSessions } from '../../src/sessions/end.ts';
import { startAccount } from '../support/account.ts';
import { ending } from '../support/citizens.ts';

test('the account page opens after a login at the front door, and again without one', async (t) => {
  const account = await startAccount(t);
  const citizenId = await account.citizen('basic');
  const jar = account.jar();
  const page = await account.open(jar, '/account', citizenId);
  t.is(page.status, 200);
  t.is(new URL(page.url).pathname, '/account');
  t.regex(page.text, /我的账户/);
  t.is(page.headers.get('cache-control'), 'no-store');
  t.is((await jar.get('/account')).status, 200);
  t.deepEqual(account.errors, []);
});

test('after the login one is where one wanted to go', async (t) => {
  const account = await startAccount(t);
  const page = await account.open(account.jar(), '/account/access?after=x', await account.citizen('basic'));
  t.is(new URL(page.url).pathname, '/account/access');
});

test('an account session ends with the session at the front door', async (t) => {
  const account = await startAccount(t);
  const citizenId = await account.citizen('basic');
  const jar = account.jar();
  await account.open(jar, '/account', citizenId);
  const now = new Date();
  await account.db.transaction((tx) =>
    endSessions(tx, async () => {}, { accountId: citizenId, reason: 'elsewhere', now }),
  );
  const page = await account.follow(jar, await jar.get('/account'));
  t.regex(page.url, /\/interaction\//);
});

test('a locked account sees nothing', async (t) => {
  const account = await startAccount(t);
  const citizenId = await account.citizen('basic');
  const jar = account.jar();
  await account.open(jar, '/account', citizenId);
  await lockAccount(account.db, ending, { citizenId, reason: 'administrator', now: new Date() });
  t.is((await jar.get('/account')).status, 303);
});

test('logging out closes the account and asks at the front door', async (t) => {
  const account = await startAccount(t);
  const jar = account.jar();
  await account.open(jar, '/account', await account.citizen('basic'));
  const answer = await account.submit(jar, '/account/logout');
  t.regex(answer.url, /\/oauth\/logout/);
  t.is((await jar.get('/account')).status, 303);
  t.regex((await jar.get('/account/logged-out')).text, /退出/);
});

test('an answer that this browser did not ask for is not taken', async (t) => {
  const account = await startAccount(t);
  const citizenId = await account.citizen('basic');
  const [victim, thief] = [account.jar(), account.jar()];
  const begun = await account.follow(thief, await thief.get('/account'));
  const done = await thief.post(begun.url, {
    act: 'log_in',
    citizenId,
    proofs: [{ method: 'password' }, { method: 'totp' }],
  });
  let answer = done;
  while (!answer.location!.includes('/account/callback')) answer = await thief.get(answer.location!);
  const stolen = await victim.get(answer.location!);
  t.is(new URL(stolen.location!).pathname, '/account');
  t.false(victim.cookies.has('ymt_account'));
});

test('a refused login is told, and leads nowhere', async (t) => {
  const account = await startAccount(t);
  const jar = account.jar();
  const begun = await account.follow(jar, await jar.get('/account'));
  const page = await account.follow(jar, await jar.post(begun.url, { act: 'decline' }));
  t.is(page.status, 403);
  t.regex(page.text, /sign_in_unfinished/);
});

test('the way back never leads to another site', (t) => {
  for (const path of ['/account', '/account/security?done=x', '/account/security/totp/add']) {
    t.is(ownPath(path), path);
  }
  for (const path of [
    '//evil.example',
    '/account//evil',
    'https://evil.example',
    '/accounts',
    '/account\\evil',
    '',
  ]) {
    t.is(ownPath(path), '/account', path);
  }
});
