import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { PgBoss } from 'pg-boss';
import { lockAccount } from '../../src/citizens/account-state.ts';
import { defineLogoutQueue, enqueueLogoutOn, LOGOUT_QUEUE } from '../../src/oidc/logout-queue.ts';
import { newId } from '../../src/platform/id.ts';
import { type Handler, type Jobs, openJobs } from '../../src/platform/jobs.ts';
import { endExpiredSessions, endSessions } from '../../src/sessions/end.ts';
import { audited } from '../support/audited.ts';
import { freshDatabase } from '../support/database.ts';
import { type LogoutPortal, openLogoutPortal } from '../support/logout-portal.ts';
import { startProtocol, type TestProtocol } from '../support/protocol.ts';
import { claimsOf, logIn, portal, relyingParty } from '../support/relying-party.ts';

const EVENT = 'http://schemas.openid.net/event/backchannel-logout';

async function world(t: ExecutionContext<unknown>, { allowed = true, over = {} } = {}) {
  const a = await openLogoutPortal(t);
  const backchannel = {
    backchannel_logout_uri: `${a.origin}/logout`,
    backchannel_logout_session_required: true,
  };
  const platform = await startProtocol(t, {
    clients: [portal('city-a', { ...backchannel, ...over }), portal('quiet')],
    allow: allowed ? [a.origin] : [],
    queue: true,
  });
  const citizenId = await platform.citizen('basic');
  const jar = platform.jar();
  const tokens = await relyingParty(platform, 'city-a').signIn(jar, {}, [logIn(citizenId)]);
  await relyingParty(platform, 'quiet').signIn(jar);
  const claims = claimsOf(tokens);
  const deliver = () => platform.jobs!.runNow(LOGOUT_QUEUE);
  return { a, platform, citizenId, jar, tokens, claims, deliver, enqueue: enqueueLogoutOn(platform.jobs!) };
}

const verify = (platform: TestProtocol, token: string, alg = 'ES256') =>
  jwtVerify(token, createRemoteJWKSet(new URL(`${platform.issuer}/oauth/jwks`)), {
    issuer: platform.issuer,
    audience: 'city-a',
    typ: 'logout+jwt',
    algorithms: [alg],
    requiredClaims: ['iat', 'exp', 'jti', 'events', 'sub', 'sid'],
  });

const waits = async ({ db }: TestProtocol) =>
  db.query<{ seconds: number; most: number; tries: number; left: number }>(
    `select extract(epoch from start_after - clock_timestamp())::float as seconds, retry_delay_max as most,
            retry_count as tries, retry_limit - retry_count as left
       from ymt_jobs.job where name = $1 and state in ('created', 'retry')`,
    [LOGOUT_QUEUE],
  );

test('a logout token is what OpenID Connect Back-Channel Logout 1.0 §2.4 says', async (t) => {
  const { a, platform, citizenId, jar, claims, deliver } = await world(t);
  await platform.logOut(jar);
  t.deepEqual(a.tokens, [], 'nobody waits for relying parties while logging out');
  await deliver();
  t.is(a.tokens.length, 1);
  const { payload, protectedHeader } = await verify(platform, a.tokens[0]!);
  t.truthy(protectedHeader.kid);
  t.is(payload.sub, claims.sub);
  t.is(payload.sid, claims.sid);
  t.deepEqual(payload.events, { [EVENT]: {} });
  t.false('nonce' in payload);
  t.is(payload.exp! - payload.iat!, 120);
  t.deepEqual(
    Object.keys(payload).sort(),
    ['aud', 'events', 'exp', 'iat', 'iss', 'jti', 'sid', 'sub'],
    'nothing else about anybody',
  );
  await deliver();
  t.is(a.tokens.length, 1, 'and it comes once');
  const types = ['session.ended', 'logout.delivered', 'logout.failed'] as const;
  t.deepEqual(await audited(platform.db, types, citizenId), [
    ['session.ended', { reason: 'logout', count: 1 }],
    ['logout.delivered', {}],
  ]);
});

test('a logout token is signed as the client’s ID tokens are', async (t) => {
  const { a, platform, jar, deliver } = await world(t, { over: { id_token_signed_response_alg: 'RS256' } });
  await platform.logOut(jar);
  await deliver();
  await t.notThrowsAsync(verify(platform, a.tokens[0]!, 'RS256'));
});

test('lock, expiry and an administrator send logout tokens as a logout does', async (t) => {
  const { a, platform, citizenId, claims, deliver, enqueue, jar } = await world(t);
  const { db } = platform;
  const party = relyingParty(platform, 'city-a');
  const now = () => new Date();
  const sid = async () => (await verify(platform, a.tokens.at(-1)!)).payload.sid;

  await db.transaction((tx) =>
    endSessions(tx, enqueue, { accountId: citizenId, reason: 'admin', now: now() }),
  );
  await deliver();
  t.is(await sid(), claims.sid);

  const second = await party.signIn(jar, {}, [logIn(citizenId)]);
  const later = new Date(Date.now() + 9 * 3_600_000);
  await db.transaction((tx) => endExpiredSessions(tx, enqueue, { now: later, limit: 10 }));
  await deliver();
  t.is(await sid(), claimsOf(second).sid);

  const third = await party.signIn(platform.jar(), {}, [logIn(citizenId)]);
  await db.transaction((tx) =>
    lockAccount(tx, { enqueueLogout: enqueue }, { citizenId, reason: 'administrator', now: now() }),
  );
  await deliver();
  t.is(await sid(), claimsOf(third).sid);
  t.is(a.tokens.length, 3);
  t.is(
    new Set(await Promise.all(a.tokens.map(async (jwt) => (await verify(platform, jwt)).payload.jti))).size,
    3,
  );
});

test('a session whose end is rolled back goes on, and nobody is told', async (t) => {
  const { a, platform, citizenId, tokens, deliver, enqueue } = await world(t);
  const failing = platform.db.transaction(async (tx) => {
    await endSessions(tx, enqueue, { accountId: citizenId, reason: 'admin', now: new Date() });
    throw new Error('something else failed');
  });
  await t.throwsAsync(failing, { message: 'something else failed' });
  await deliver();
  t.deepEqual(a.tokens, []);
  t.like(await relyingParty(platform, 'city-a').introspect(tokens.access_token), { active: true });
});

test('a relying party that is down hears of it later: tried again after growing waits, for about a day', async (t) => {
  const { a, platform, jar, deliver } = await world(t);
  a.answer = 503;
  await platform.logOut(jar);
  const seen: number[] = [];
  for (let n = 0; n < 5; n++) {
    await t.throwsAsync(deliver());
    const [wait] = await waits(platform);
    seen.push(wait?.seconds ?? 0);
    t.is(wait?.most, 3600);
  }
  t.true(seen.at(-1)! > seen[0]! + 10, `${seen}`);
  const [{ left, tries } = { left: 0, tries: 0 }] = await waits(platform);
  const rest = Array.from({ length: left }, (_, n) => Math.min(3600, 2 ** (tries + n + 1) * 1.5));
  const hours = rest.reduce((sum, seconds) => sum + seconds, 0) / 3600;
  t.true(hours > 20 && hours < 28, `${hours} hours`);
  for (const answer of [302, 400] as const) {
    a.answer = answer;
    await t.throwsAsync(deliver(), undefined, 'a redirect is not followed, a refusal not taken for success');
  }
  a.answer = 204;
  await deliver();
  await t.notThrowsAsync(verify(platform, a.tokens.at(-1)!));
  t.deepEqual(await waits(platform), []);
});

test('a logout token goes to no private address unless the operator allows it', async (t) => {
  const { a, platform, jar, deliver } = await world(t, { allowed: false });
  await platform.logOut(jar);
  await t.throwsAsync(deliver(), { message: /refused/ });
  t.deepEqual(a.tokens, []);
});

/** Starts another process of the platform; resolves when it has done its part. */
async function startProcess(
  t: ExecutionContext<unknown>,
  what: 'end' | 'work',
  { platform, a, citizenId }: { platform: TestProtocol; a: LogoutPortal; citizenId: string },
): Promise<{ child: ChildProcess; kill(): Promise<void> }> {
  const child = fork(fileURLToPath(new URL('logout-worker.ts', import.meta.url)), [what], {
    env: {
      ...process.env,
      DATABASE_URL: platform.db.url,
      ISSUER: platform.issuer,
      ALLOW: a.origin,
      ACCOUNT: citizenId,
    },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  };
  t.teardown(kill);
  await once(child, 'message');
  return { child, kill };
}

test('a process killed between the logout and the delivery: the next one delivers', async (t) => {
  const { a, platform, citizenId, tokens, claims } = await world(t);
  const it = { a, platform, citizenId };
  const first = await startProcess(t, 'end', it);
  await first.kill();
  t.deepEqual(await relyingParty(platform, 'city-a').introspect(tokens.access_token), { active: false });
  t.deepEqual(a.tokens, []);
  const arrived = a.next();
  const second = await startProcess(t, 'work', it);
  const { payload } = await verify(platform, await arrived);
  t.is(payload.sid, claims.sid);
  await second.kill();
});

test('a process killed during the delivery: the next one delivers again', async (t) => {
  const { a, platform, citizenId, jar, claims } = await world(t);
  const it = { a, platform, citizenId };
  a.answer = 'hold';
  const held = a.next();
  const first = await startProcess(t, 'work', it);
  await platform.logOut(jar);
  await held;
  await first.kill();
  a.answer = 200;
  // Five minutes pass; the queue notices that whoever took the job is gone.
  await platform.db.query(
    `update ymt_jobs.job set started_on = started_on - interval '6 minutes' where state = 'active'`,
  );
  const { pool } = platform.db;
  const queue = new PgBoss({
    db: { executeSql: (text, values) => pool.query(text, values as unknown[]) },
    schema: 'ymt_jobs',
    schedule: false,
    supervise: false,
  });
  await queue.start();
  // It looks every quarter of a minute, and has perhaps just looked.
  for (let n = 0; n < 50 && (await waits(platform)).length === 0; n++) {
    await platform.db.query('update ymt_jobs.queue set monitor_claim_on = null, monitor_on = null');
    await queue.supervise(LOGOUT_QUEUE);
  }
  await queue.stop({ graceful: false, close: false });
  t.is((await waits(platform)).length, 1);
  await platform.jobs!.runNow(LOGOUT_QUEUE);
  t.is(a.tokens.length, 2);
  t.is((await verify(platform, a.tokens[1]!)).payload.sid, claims.sid);
});

test('a portal that hangs holds up nobody else, however many notices wait for it', async (t) => {
  const db = await freshDatabase(t, { max: 4 });
  const portals = { dead: await openLogoutPortal(t), alive: await openLogoutPortal(t) };
  portals.dead.answer = 'hold';
  const given = new AbortController();
  const open = async () => {
    const jobs = await openJobs({ connectionString: db.url, db, log: { error: () => {} } });
    await defineLogoutQueue(jobs, {
      db,
      clock: () => new Date(),
      async send({ clientId, sid }) {
        const body = new URLSearchParams({ logout_token: sid });
        const { origin } = portals[clientId as keyof typeof portals];
        await fetch(`${origin}/logout`, { method: 'POST', body, signal: given.signal });
        return true;
      },
    });
    return jobs;
  };
  const processes = [await open(), await open()];
  t.teardown(async () => {
    given.abort();
    await Promise.all(processes.map((jobs) => jobs.stop()));
  });
  const enqueue = enqueueLogoutOn(processes[0]!);
  const notices = (clientId: string, count: number) =>
    Array.from({ length: count }, (_, n) => ({ clientId, accountId: newId(), sid: `${clientId}-${n}` }));
  await enqueue(db, notices('dead', 250));
  await enqueue(db, notices('alive', 20));
  const told = portals.alive.received(20);
  await Promise.all(processes.map((jobs) => jobs.start()));
  // Nothing that hangs is ever let go here: if it were waited for, this would never come.
  await told;
  t.is(new Set(portals.alive.tokens).size, 20);
  t.true(portals.dead.tokens.length >= 1 && portals.dead.tokens.length <= 8, `${portals.dead.tokens.length}`);
});

test('a relying party that never takes its logout token is written down when it is given up, once', async (t) => {
  const db = await freshDatabase(t);
  let run: Handler = async () => {};
  const define = async (_: string, handler: Handler) => {
    run = handler;
  };
  const jobs = { define } as unknown as Jobs;
  const send = () => Promise.reject(new Error('down'));
  await defineLogoutQueue(jobs, { db, clock: () => new Date(), send });
  const notice = { clientId: 'city-a', accountId: newId(), sid: 's' };
  for (const retries of [0, 32, 33]) await t.throwsAsync(run(notice, { retries }), { message: 'down' });
  t.deepEqual(await audited(db, ['logout.failed'], notice.accountId), [['logout.failed', {}]]);
});
