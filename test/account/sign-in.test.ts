import test from 'ava';
import { freshnessOf } from '../../src/account/gate.ts';
import { describeAgent, maskNumber, maskPhone } from '../../src/account/masked.ts';
import { levelViews } from '../../src/account/missing.ts';
import { purgeAccount } from '../../src/account/purge.ts';
import {
  closeAccountSession,
  findAccountSession,
  keepPendingPhone,
  openAccountSession,
} from '../../src/account/session-store.ts';
import { ownPath } from '../../src/account/sign-in.ts';
import type { Evidence, Proof } from '../../src/assurance/ladder.ts';
import { lockAccount } from '../../src/citizens/account-state.ts';
import { newId } from '../../src/platform/id.ts';
import { endSessions } from '../../src/sessions/end.ts';
import { startAccount } from '../support/account.ts';
import { ending, minutesLater, NOW } from '../support/citizens.ts';
import { freshDatabase } from '../support/database.ts';
import { recordStatements, unindexedScans } from '../support/explain.ts';
import { sharedWorld } from '../support/shared-world.ts';

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

const shared = sharedWorld((t) => startAccount(t));

test('after the login one is where one wanted to go', async (t) => {
  const account = shared();
  const page = await account.open(account.jar(), '/account/access?after=x', await account.citizen('basic'));
  t.is(new URL(page.url).pathname, '/account/access');
});

test('an account session ends with the session at the front door', async (t) => {
  const account = shared();
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
  const account = shared();
  const citizenId = await account.citizen('basic');
  const jar = account.jar();
  await account.open(jar, '/account', citizenId);
  await lockAccount(account.db, ending, { citizenId, reason: 'administrator', now: new Date() });
  t.is((await jar.get('/account')).status, 303);
});

test('logging out closes the account and asks at the front door', async (t) => {
  const account = shared();
  const jar = account.jar();
  await account.open(jar, '/account', await account.citizen('basic'));
  const answer = await account.submit(jar, '/account/logout');
  t.regex(answer.url, /\/oauth\/logout/);
  t.is((await jar.get('/account')).status, 303);
  t.regex((await jar.get('/account/logged-out')).text, /退出/);
});

test('an answer that this browser did not ask for is not taken', async (t) => {
  const account = shared();
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
  const account = shared();
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

const opened = { citizenId: newId(), sessionUid: 'front-door-1', confirmed: false, now: NOW };

test('a session is found by its cookie until it expires or is closed', async (t) => {
  const db = await freshDatabase(t);
  const cookie = await openAccountSession(db, { ...opened, expiresAt: minutesLater(60) });
  const session = await findAccountSession(db, cookie, minutesLater(59));
  t.like(session, { citizenId: opened.citizenId, sessionUid: 'front-door-1', confirmedAt: undefined });
  t.is(await findAccountSession(db, cookie, minutesLater(60)), undefined);
  t.is(await findAccountSession(db, `${cookie}x`, NOW), undefined);
  const rows = await db.query<{ row: string }>('select s::text as row from account_sessions s');
  t.false(rows[0]!.row.includes(Buffer.from(cookie).toString('hex')));
  await closeAccountSession(db, cookie);
  t.is(await findAccountSession(db, cookie, NOW), undefined);
});

test('expired sessions are deleted in batches, and every statement uses an index', async (t) => {
  const db = await freshDatabase(t);
  const recorder = recordStatements(db);
  for (const minutes of [1, 1, 1, 90]) {
    const cookie = await openAccountSession(recorder, { ...opened, expiresAt: minutesLater(minutes) });
    const session = await findAccountSession(recorder, cookie, NOW);
    await keepPendingPhone(recorder, session!.key, Buffer.from('x'));
  }
  t.is(await purgeAccount(recorder, { now: minutesLater(2), limit: 2 }), 2);
  t.is(await purgeAccount(recorder, { now: minutesLater(2), limit: 2 }), 1);
  t.is(await purgeAccount(recorder, { now: minutesLater(2), limit: 2 }), 0);
  await closeAccountSession(recorder, 'x');
  t.deepEqual(await unindexedScans(db, recorder.statements), []);
});

const now = new Date('2026-11-23T00:00:00Z');
const at = (minutes: number) => new Date(now.getTime() + minutes * 60_000);
const evidence = (method: Evidence['method'], expiresAt?: Date): Evidence => ({
  method,
  source: 'x',
  transactionId: method,
  at: at(-1),
  ...(expiresAt && { expiresAt }),
});
const basic = [evidence('register'), evidence('carrier', at(1000))];

test('each level says until when it holds, or what it needs', (t) => {
  const [one, two, three] = levelViews(basic, now);
  t.like(one, { level: 'basic', reached: true, until: at(1000), missing: [], next: false });
  t.like(two, { level: 'intermediate', reached: false, next: true });
  t.deepEqual(two?.missing, [['face', 'alipay', 'social_security_card', 'bank_card']]);
  t.like(three, { level: 'advanced', reached: false, next: false });
});

test('a level is held until the last of several pieces of evidence ends', (t) => {
  const [one] = levelViews([...basic, evidence('in_person', at(5000))], now);
  t.deepEqual(one?.until, at(5000));
});

test('a cap takes levels away although nothing is missing', (t) => {
  const views = levelViews([...basic, evidence('face')], now, { level: 'basic', until: at(60) });
  t.deepEqual(
    views.map(({ reached, missing }) => [reached, missing.length]),
    [
      [true, 0],
      [false, 0],
      [false, 1],
    ],
  );
});

const proof = (
  method: Proof['method'],
  minutes: number,
  more: Partial<Proof> = {},
): Proof & { id: string } => ({
  id: `${method}${minutes}`,
  method,
  at: at(minutes),
  boundLevel: 'advanced',
  interactionUid: 'i',
  ...more,
});
const fresh = (proofs: Proof[], more: Evidence[] = []) =>
  freshnessOf(
    {
      evidence: [...basic, ...more].map((item, i) => ({ ...item, id: String(i) })),
      proofs,
      accountState: 'active',
    },
    now,
    300,
  );

test('a login counts for five minutes', (t) => {
  t.true(fresh([proof('password', -5), proof('sms', -5)]).fresh);
  t.false(fresh([proof('password', -5.1), proof('sms', -5)]).fresh);
  t.false(fresh([]).fresh);
});

test('the login must be at the level of the account, but never needs more than intermediate', (t) => {
  const weak = { boundLevel: 'basic' } as const;
  const login = [proof('password', -1), proof('sms', -1)];
  const weakLogin = [proof('password', -1, weak), proof('sms', -1, weak)];
  const higher = [evidence('face'), evidence('live_face')];
  t.like(fresh(weakLogin), { fresh: true, needed: 'basic' });
  t.like(fresh(weakLogin, [evidence('face')]), { fresh: false, needed: 'intermediate' });
  t.like(fresh(login, higher), { fresh: true, needed: 'intermediate', accountLevel: 'advanced' });
});

test('a live check is no login', (t) => {
  const old = [proof('password', -60), proof('sms', -60)];
  t.false(fresh([...old, proof('live_face', -1)], [evidence('face'), evidence('live_face')]).fresh);
});

test('an account whose evidence has ended still needs a login', (t) => {
  const ended = { evidence: [], proofs: [], accountState: 'active' as const };
  t.like(freshnessOf(ended, now, 300), { fresh: false, needed: 'anonymous' });
});

test('a login is known to have done without SMS', (t) => {
  t.false(fresh([proof('password', -1), proof('sms', -1)]).withoutSms);
  t.true(fresh([proof('password', -1), proof('totp', -1)]).withoutSms);
  t.true(fresh([proof('passkey', -1, { userVerified: true })]).withoutSms);
});

test('numbers are shown by their ends', (t) => {
  t.is(maskPhone('13900000001'), '139****0001');
  t.is(maskPhone('+85291234567'), '********4567');
  t.is(maskNumber('390100199001020014'), '**************0014');
  t.is(maskNumber('E1'), 'E1');
});

test('browsers and systems are told by name', (t) => {
  t.is(
    describeAgent(
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0',
    ),
    'Edge · Windows',
  );
  t.is(
    describeAgent('Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1'),
    'Safari · iPhone',
  );
  t.is(describeAgent('curl/8'), undefined);
  t.is(describeAgent(undefined), undefined);
});
