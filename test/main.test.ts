import { createHash, randomBytes, randomInt } from 'node:crypto';
import test from 'ava';
import { decodeJwt } from 'jose';
import type { Person } from '../sandbox/people/person.ts';
import { phoneOf, residentIdOf } from './support/citizens.ts';
import { freshDatabase, type TestDatabase } from './support/database.ts';
import { type Acknowledged, brokenLink, halves, lost } from './support/half-accounts.ts';
import { type Answered, openJar } from './support/http-client.ts';
import { sandboxCipher as cipher, type Product, product } from './support/product.ts';
import { portal, SECRET } from './support/relying-party.ts';

/*
 * The product is killed again and again while people register and log in. What it said yes to must be there
 * afterwards, and nothing must be half done.
 */

/** Enough for a new one at every turn. */
const PEOPLE = 40;
const AT_ONCE = 5;
const KILLS = 5;
/** Acts between two kills, at least and less than: a request that accepts a code is one. */
const EVERY: [number, number] = [2, 7];
/** Every row that an act writes takes so long, so that a kill rarely falls between two acts. */
const ROW_SECONDS = 0.015;
const PASSWORD = 'paper lantern over the river';
const CODE = '314159';
const PORTAL = 'city-a';

const personOf = (n: number): Person => ({
  name: `示例${'零一二三四五六七八九'[n % 10]}${'甲乙丙丁'[Math.floor(n / 10)]}`,
  document_type: 'resident_id',
  id_number: residentIdOf(n),
  birth_date: '1990-01-02',
  phone: phoneOf(n),
  username: `person_${n}`,
  level: null,
  cards: {},
  outcomes: {},
  fixed_code: CODE,
  shows: { zh: '可以注册', en: 'can register' },
});

/** The connection was lost: the product was killed while it worked on a request. */
class Interrupted extends Error {}

/** One person's browser. `onAct` is called when it sends a code: what follows is where most is written. */
function browser(product: Product, onAct: (answered: Promise<unknown>) => void) {
  const jar = openJar(product.issuer);
  const guarded =
    <A extends unknown[]>(send: (...args: A) => Promise<Answered>) =>
    async (...args: A): Promise<Answered> => {
      try {
        return await send(...args);
      } catch (cause) {
        throw new Interrupted('the connection was lost', { cause });
      }
    };
  const get = guarded(jar.get);
  const post = guarded((path: string, fields: Record<string, string>) => {
    const answered = jar.post(path, new URLSearchParams(fields));
    if (path.endsWith('/code')) onAct(answered);
    return answered;
  });
  return { get, post };
}
type Browser = ReturnType<typeof browser>;

const at = ({ location = '' }: Answered): string => location && new URL(location).pathname;

/** Registers, or goes on with a registration that was interrupted; ends when the product says that it is done. */
async function register({ get, post }: Browser, person: Person): Promise<void> {
  for (;;) {
    const standing = await get('/register/check');
    if (at(standing) === '/register/done') return;
    if (at(standing) === '/register/code') {
      await get('/register/code');
      await post('/register/code', { sms_code: CODE });
    } else if (standing.status === 200) {
      const checked = await post('/register/check', { action: 'continue' });
      if (at(checked) !== '/register/done') throw new Error(`registration stopped: ${checked.text}`);
    } else {
      const { name, id_number, phone, username } = person;
      const begun = await post('/register', { name, id_number, phone, username, password: PASSWORD });
      if (at(begun) !== '/register/code')
        throw new Error(`registration stopped: ${begun.status} ${begun.text}`);
    }
  }
}

/** Makes the database slow at what registrations and logins write. */
async function slowly(db: TestDatabase): Promise<void> {
  await db.query(`create function take_time() returns trigger language plpgsql as
    $$ begin perform pg_sleep(${ROW_SECONDS}); return new; end $$`);
  for (const table of [
    'citizens',
    'accounts',
    'identifiers',
    'passwords',
    'evidence',
    'proofs',
    'audit_events',
  ]) {
    await db.query(`create trigger slow before insert on ${table} for each row execute function take_time()`);
  }
}

/** Logs in at the portal. @returns what its code is exchanged with. */
async function codeOf(
  { get, post }: Browser,
  issuer: string,
  person: Person,
  proved: () => void,
): Promise<Record<string, string>> {
  const verifier = randomBytes(32).toString('base64url');
  const redirectUri = `http://${PORTAL}.localhost:4000/callback`;
  const query = new URLSearchParams({
    client_id: PORTAL,
    redirect_uri: redirectUri,
    response_type: 'code',
    scope: 'openid',
    prompt: 'login',
    state: 'state',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  });
  const path = at(await get(`/oauth/authorize?${query}`));
  await post(`${path}/login`, { username: person.username, password: PASSWORD });
  await get(`${path}/code`);
  let answer = await post(`${path}/code`, { code: CODE });
  if (answer.status !== 303) throw new Error(`login stopped: ${answer.status} ${answer.text}`);
  proved();
  while (answer.location && new URL(answer.location).origin === issuer) answer = await get(answer.location);
  const code = new URL(answer.location ?? 'none:').searchParams.get('code');
  if (code === null) throw new Error(`no code: ${answer.status} ${answer.location}`);
  return { code, code_verifier: verifier, redirect_uri: redirectUri };
}

/** @returns the session that the ID token names. */
async function logIn(...args: Parameters<typeof codeOf>): Promise<string> {
  const tokens = await tokensOf(args[1], await codeOf(...args));
  return String(decodeJwt(tokens.id_token ?? '').sid);
}

async function tokensOf(issuer: string, form: Record<string, string>) {
  const authorization = `Basic ${Buffer.from(`${PORTAL}:${SECRET}`).toString('base64')}`;
  try {
    const response = await fetch(`${issuer}/oauth/token`, {
      method: 'POST',
      headers: { authorization },
      body: new URLSearchParams({ grant_type: 'authorization_code', ...form }),
    });
    return (await response.json()) as { id_token?: string };
  } catch (cause) {
    throw new Interrupted('the connection was lost', { cause });
  }
}

test('killed at any moment of registrations and logins, it loses nothing it said yes to and leaves nothing half done', async (t) => {
  // Six starts of the whole product: half a minute on an idle machine, longer on one that does much else.
  t.timeout(240_000);
  const db = await freshDatabase(t);
  const people = Array.from({ length: PEOPLE }, (_, n) => personOf(n));
  const it = await product(t, {
    databaseUrl: db.url,
    people,
    clients: [
      portal(PORTAL, {
        backchannel_logout_uri: `http://${PORTAL}.localhost:4000/backchannel`,
        backchannel_logout_session_required: true,
      }),
    ],
    env: { LIMIT_LOGIN_NETWORK: '99999/60', LIMIT_REGISTRATION_NETWORK: '99999/60' },
  });
  await slowly(db);
  await it.start();
  const formOnly = await fetch(`${it.issuer}/register/restart`, { redirect: 'manual' });
  t.is(formOnly.headers.get('location'), '/register', 'an address that only takes a form leads to the form');

  const told: Acknowledged = { registered: new Set(), sessions: new Map(), factors: new Map() };
  const wrong: string[] = [];
  let interrupted = 0;
  let kills = 0;
  let due = randomInt(...EVERY);
  let killing: Promise<void> | undefined;

  /** What the database holds the moment that the process is gone, before the next one could mend anything. */
  async function killAndLook(): Promise<void> {
    await it.kill();
    kills += 1;
    wrong.push(...(await halves(db)), ...(await lost(db, cipher, told)));
    await it.start();
    due = randomInt(...EVERY);
    killing = undefined;
  }
  /** How long an act takes on this machine just now, in milliseconds: the kill comes somewhere within. */
  let takes = 500;
  const onAct = (answered: Promise<unknown>) => {
    const began = performance.now();
    answered.then(
      () => {
        takes = performance.now() - began;
      },
      () => {},
    );
    if (killing || kills === KILLS || --due > 0) return;
    killing = new Promise((resolve, reject) => {
      setTimeout(() => killAndLook().then(resolve, reject), Math.random() * takes);
    });
  };

  /** One person, who does again what was interrupted until it is done. */
  async function live(person: Person): Promise<void> {
    const own = browser(it, onAct);
    const { username } = person;
    async function insist(act: () => Promise<void>): Promise<void> {
      for (;;) {
        await it.up();
        try {
          return await act();
        } catch (error) {
          if (!(error instanceof Interrupted)) throw error;
          interrupted += 1;
          await killing;
        }
      }
    }
    await insist(async () => {
      await register(own, person);
      told.registered.add(username);
    });
    await insist(async () => {
      const sid = await logIn(own, it.issuer, person, () => {
        told.factors.set(username, (told.factors.get(username) ?? 0) + 1);
      });
      told.sessions.set(username, [...(told.sessions.get(username) ?? []), sid]);
    });
  }
  // A few at a time, so that some still register while others log in; as long as there are kills to come.
  const waiting = [...people];
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (waiting.length > 0 && kills < KILLS) await live(waiting.shift()!);
    }),
  );
  await killing;

  t.log(
    `${kills} kills, ${interrupted} requests interrupted, ${[...told.sessions.values()].flat().length} logins`,
  );
  t.deepEqual([...wrong, ...(await halves(db)), ...(await lost(db, cipher, told))], []);
  t.is(kills, KILLS);
  t.true(interrupted >= KILLS, 'the kills hit requests');
  const begun = PEOPLE - waiting.length;
  t.is(told.registered.size, begun, 'everybody whom it interrupted could go on or begin again');
  t.is((await db.query('select 1 from citizens')).length, begun);
  t.is(await brokenLink(db), undefined, 'the sealed log is whole');

  // Asked to end while a request waits for the database, it answers that one first.
  const code = await codeOf(
    browser(it, () => {}),
    it.issuer,
    people[0]!,
    () => {},
  );
  const [held, release] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const locked = db.transaction(async (tx) => {
    await tx.query('lock table authorization_codes in access exclusive mode');
    held.resolve();
    await release.promise;
  });
  await held.promise;
  const answered = tokensOf(it.issuer, code);
  const blocked = `select 1 from pg_locks where not granted and relation = 'authorization_codes'::regclass`;
  while ((await db.query(blocked)).length === 0);
  const ended = it.end();
  const refuses = () =>
    fetch(`${it.issuer}/healthz`).then(
      () => false,
      () => true,
    );
  while (!(await refuses()));
  release.resolve();
  await locked;
  t.truthy((await answered).id_token, 'the request in flight is answered');
  t.is(await ended, 0);
});
