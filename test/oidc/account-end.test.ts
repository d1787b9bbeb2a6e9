import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { decodeJwt } from 'jose';
import { startAuthorities } from '../../sandbox/authorities/server.ts';
import { loadPeople } from '../../sandbox/people/person.ts';
import { recheckRegister } from '../../src/assurance/recheck.ts';
import { readEvidence, recordEvidence } from '../../src/assurance/store.ts';
import { createCarrier } from '../../src/authorities/carrier.ts';
import { createRegister } from '../../src/authorities/register.ts';
import { closeAccount, lockAccount, unlockAccount } from '../../src/citizens/account-state.ts';
import { createAccount, createCitizen, findByIdentifier, readCitizen } from '../../src/citizens/store.ts';
import type { Queryable } from '../../src/platform/database.ts';
import { createCipher } from '../../src/platform/field-encryption.ts';
import { endSession, endSessions, type LogoutNotice } from '../../src/sessions/end.ts';
import { residentIdOf } from '../support/citizens.ts';
import { startProtocol } from '../support/protocol.ts';
import { claimsOf, logIn, portal, relyingParty, type Tokens } from '../support/relying-party.ts';

/** As `startProtocol` has it: sealed values must open there. */
const cipher = createCipher({
  current: 'test',
  keys: { test: Buffer.alloc(32, 1) },
  indexKey: Buffer.alloc(32, 2),
});

/** A portal that is logged in, with a refresh token, and listens for logout tokens. */
async function begin(t: ExecutionContext) {
  const told: Record<string, unknown>[] = [];
  const listener = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    told.push(decodeJwt(new URLSearchParams(body).get('logout_token') ?? ''));
    response.end();
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  t.teardown(() => void listener.close());
  const address = `http://localhost:${(listener.address() as AddressInfo).port}`;
  const world = await startAuthorities({ port: 0, people: loadPeople() });
  t.teardown(world.close);
  const platform = await startProtocol(t, {
    clients: [
      portal('city-a', {
        backchannel_logout_uri: `${address}/backchannel`,
        backchannel_logout_session_required: true,
      }),
    ],
    allow: [address],
  });
  const { db } = platform;
  const person = loadPeople().find(({ username }) => username === 'wang_xiulan')!;
  const now = new Date();
  const citizenId = await db.transaction(async (tx) => {
    const { name, document_type: documentType, id_number: idNumber, username, phone } = person;
    const id = await createCitizen(tx, cipher, { name, documentType, idNumber, now });
    const account = { citizenId: id, username, phone, passwordHash: 'none', boundLevel: 'basic' } as const;
    await createAccount(tx, cipher, { ...account, now });
    return id;
  });
  for (const method of ['register', 'carrier'] as const) {
    const source = method === 'register' ? 'police' : 'carrier';
    await recordEvidence(db, { citizenId, method, source, transactionId: 'at-registration', at: now });
  }
  const newJar = platform.jar;
  const jar = newJar();
  const party = relyingParty(platform, 'city-a');
  const tokens = await party.signIn(jar, { scope: 'openid offline_access', prompt: 'consent' }, [
    logIn(citizenId),
    { act: 'consent', allowed: [] },
  ]);
  const tools = {
    cipher,
    enqueueLogout: async (_: unknown, list: LogoutNotice[]) => void platform.notices.push(...list),
  };
  const recheck = {
    ...tools,
    db,
    register: createRegister(world.url, fetch),
    carrier: createCarrier(world.url, fetch),
    now: () => new Date(),
  };
  /** What is left of the login, for the portal and for the browser. */
  async function left() {
    await platform.deliverNotices();
    const { error } = await party.refresh(tokens.refresh_token ?? '');
    return {
      refresh: error,
      userinfo: (await party.userinfo(tokens.access_token)).status,
      active: (await party.introspect(tokens.access_token)).active,
      silent: (await party.authorize(jar, { prompt: 'none' })).params?.get('error'),
      told: told.map(({ sid }) => sid),
    };
  }
  return { ...platform, newJar, party, jar, tokens, tools, recheck, world, person, citizenId, left, told };
}

type Begun = Awaited<ReturnType<typeof begin>>;

const NOTHING = { refresh: 'invalid_grant', userinfo: 401, active: false, silent: 'login_required' };

const ends: Record<string, (begun: Begun) => Promise<unknown>> = {
  'locking an account': ({ db, tools, citizenId }) =>
    db.transaction((tx) => lockAccount(tx, tools, { citizenId, reason: 'administrator', now: new Date() })),
  'closing an account': ({ db, tools, citizenId }) =>
    db.transaction((tx) => closeAccount(tx, tools, { citizenId, reason: 'requested', now: new Date() })),
  'a death that the register reports': ({ recheck, world, person, citizenId }) => {
    world.outcomes(person.id_number, { register: 'deceased' });
    return recheckRegister(recheck, citizenId);
  },
};

for (const [how, end] of Object.entries(ends)) {
  test(`${how} ends session, refresh token and access token at once, and tells the relying party`, async (t) => {
    const begun = await begin(t);
    t.is((await begun.party.introspect(begun.tokens.access_token)).active, true);
    await end(begun);
    const { sid } = claimsOf(begun.tokens);
    t.deepEqual(await begun.left(), { ...NOTHING, told: [sid] });
    const audited = await begun.db.query<{ type: string }>(
      `select type from audit_events where citizen_id = $1 and type in ('account.locked', 'account.closed')`,
      [begun.citizenId],
    );
    t.is(audited.length, 1);
  });
}

test('a rollback leaves the login as it was: ending and telling are one act', async (t) => {
  const begun = await begin(t);
  const { db, tools, citizenId, party, tokens } = begun;
  const held: LogoutNotice[] = [];
  await t.throwsAsync(
    db.transaction(async (tx) => {
      const enqueueLogout = async (_: unknown, list: LogoutNotice[]) => void held.push(...list);
      await closeAccount(
        tx,
        { ...tools, enqueueLogout },
        { citizenId, reason: 'requested', now: new Date() },
      );
      throw new Error('the caller failed');
    }),
  );
  t.is(held.length, 1);
  t.is((await party.introspect(tokens.access_token)).active, true);
  t.is(typeof (await party.refresh(tokens.refresh_token!)).access_token, 'string');
});

test('unlocking brings no session back, not even one that came into being meanwhile', async (t) => {
  const begun = await begin(t);
  const { db, tools, citizenId, jar, party } = begun;
  const now = new Date();
  await db.transaction((tx) => lockAccount(tx, tools, { citizenId, reason: 'recovery', now }));
  // A login that was under way: its last page was passed before the lock.
  await db.query('update sessions set ended_at = null where account_id = $1', [citizenId]);
  await db.transaction((tx) => unlockAccount(tx, tools, { citizenId, now }));
  t.is((await party.authorize(jar, { prompt: 'none' })).params?.get('error'), 'login_required');
});

const interrupts: Record<string, (begun: Begun) => Promise<unknown>> = {
  'locking the account and unlocking it': async ({ db, tools, citizenId }) => {
    const now = new Date();
    await db.transaction((tx) => lockAccount(tx, tools, { citizenId, reason: 'administrator', now }));
    await db.transaction((tx) => unlockAccount(tx, tools, { citizenId, now }));
  },
  'ending the sessions elsewhere': ({ db, tools, citizenId }) =>
    db.transaction((tx) =>
      endSessions(tx, tools.enqueueLogout, {
        accountId: citizenId,
        except: 'the session of who asks',
        reason: 'elsewhere',
        now: new Date(),
      }),
    ),
};

for (const [how, interrupt] of Object.entries(interrupts)) {
  test(`${how} also ends a login whose factors are typed already`, async (t) => {
    const begun = await begin(t);
    const { db, citizenId, party } = begun;
    const other = begun.newJar();
    const { interaction } = await party.authorize(other);
    const { location } = await other.post(interaction?.path ?? '', logIn(citizenId));
    await interrupt(begun);
    const answer = await other.get(location ?? '');
    t.is(new URL(answer.location ?? '').searchParams.get('error'), 'access_denied');
    t.is((await party.authorize(other, { prompt: 'none' })).params?.get('error'), 'login_required');
    const open = 'select 1 from sessions where account_id = $1 and ended_at is null';
    t.deepEqual(await db.query(open, [citizenId]), []);
    const signedIn = await party.authorize(other, {}, [logIn(citizenId)]);
    t.true(signedIn.params?.has('code'), 'whoever still has the factors logs in anew');
  });
}

test('a login that arrives in the very moment in which all logins are ended opens nothing', async (t) => {
  const { db, citizenId, party, newJar, tools } = await begin(t);
  const jar = newJar();
  const { interaction, ...begun } = await party.authorize(jar);
  const { location = '' } = await jar.post(interaction?.path ?? '', logIn(citizenId));
  let arriving: ReturnType<typeof jar.get> | undefined;
  await db.transaction(async (tx) => {
    // Its proofs are the session's already, and the session is about to be written.
    await tx.query('lock table sessions in share mode');
    arriving = jar.get(location);
    const waiting = `select 1 from pg_locks where not granted and relation = 'sessions'::regclass`;
    while ((await db.query(waiting)).length === 0);
    const now = new Date();
    await endSessions(tx, tools.enqueueLogout, { accountId: citizenId, reason: 'recovery', now });
  });
  const { searchParams: params } = new URL((await arriving)?.location ?? '');
  t.is((await party.exchange({ ...begun, params })).error, 'invalid_grant');
  const silent = await party.authorize(jar, { prompt: 'none' });
  t.is(silent.params?.get('error'), 'unmet_authentication_requirements');
  const signedIn = await party.authorize(jar, {}, [logIn(citizenId)]);
  t.true(signedIn.params?.has('code'), 'whoever still has the factors logs in anew');
});

const strikes: Record<string, (tx: Queryable, begun: Begun) => Promise<unknown>> = {
  'a lock of the account': (tx, { tools, citizenId }) =>
    lockAccount(tx, tools, { citizenId, reason: 'administrator', now: new Date() }),
  'a logout': async (tx, { tools, citizenId }) => {
    const now = new Date();
    const rows = await tx.query<{ uid: string }>('select uid from sessions where account_id = $1', [
      citizenId,
    ]);
    for (const { uid } of rows) await endSession(tx, tools.enqueueLogout, { uid, reason: 'logout', now });
  },
};

for (const [what, strike] of Object.entries(strikes)) {
  test(`${what} in the middle of token requests leaves nothing usable of them`, async (t) => {
    const begun = await begin(t);
    const { db, tools, citizenId, party, jar, tokens } = begun;
    const code = await party.authorize(jar);
    let answers: Promise<Tokens[]> | undefined;
    await db.transaction(async (tx) => {
      // Both requests have read all that they will look at and are about to write their access tokens.
      await tx.query('lock table access_tokens in share mode');
      answers = Promise.all([party.exchange(code), party.refresh(tokens.refresh_token!)]);
      const waiting = `select 1 from pg_locks where not granted and relation = 'access_tokens'::regclass`;
      while ((await db.query(waiting)).length < 2);
      await strike(tx, begun);
    });
    const unlock = () => db.transaction((tx) => unlockAccount(tx, tools, { citizenId, now: new Date() }));
    for (const again of [async () => {}, unlock]) {
      await again();
      for (const { access_token: access, refresh_token: refresh } of (await answers) ?? []) {
        if (access === undefined) continue;
        t.deepEqual(await party.introspect(access), { active: false });
        t.is((await party.userinfo(access)).status, 401);
        if (refresh) t.is((await party.refresh(refresh)).error, 'invalid_grant');
      }
      t.is((await party.exchange(code)).error, 'invalid_grant');
    }
  });
}

test('another name or a corrected number keeps account, session and sub', async (t) => {
  const begun = await begin(t);
  const { db, recheck, world, person, citizenId, party, jar, tokens } = begun;
  const corrected = residentIdOf(77, '19580309');
  world.outcomes(person.id_number, { renamed_to: '王秀蓝', renumbered_to: corrected });
  t.is(await recheckRegister(recheck, citizenId), 'match');
  t.like(await readCitizen(db, cipher, citizenId), {
    name: '王秀蓝',
    idNumber: corrected,
    birthDate: '1958-03-09',
  });
  t.is((await findByIdentifier(db, cipher, corrected))?.citizenId, citizenId);
  t.is(claimsOf(await party.signIn(jar)).sub, claimsOf(tokens).sub);
  t.is((await party.introspect(tokens.access_token)).active, true);
  t.is((await readEvidence(db, citizenId)).filter(({ method }) => method === 'register').length, 2);
});

test('a number that is none is not taken over, whoever says it', async (t) => {
  const { db, recheck, world, person, citizenId } = await begin(t);
  world.outcomes(person.id_number, { renumbered_to: '390100195813080020' });
  t.is(await recheckRegister(recheck, citizenId), 'mismatch');
  t.is((await readCitizen(db, cipher, citizenId))?.idNumber, person.id_number);
});
