import Router from '@koa/router';
import type { ExecutionContext } from 'ava';
import { startAuthorities } from '../../sandbox/authorities/server.ts';
import { loadPeople, type Person } from '../../sandbox/people/person.ts';
import { settlePeople } from '../../sandbox/people/settle.ts';
import { createCarrier, createStayCarrier } from '../../src/authorities/carrier.ts';
import { createHousehold } from '../../src/authorities/household.ts';
import { createRegister } from '../../src/authorities/register.ts';
import { findByIdentifier } from '../../src/citizens/store.ts';
import { familyRoutes } from '../../src/health-code/family/routes.ts';
import { healthRoutes } from '../../src/health-code/routes.ts';
import { askAboutTrips } from '../../src/health-code/travel/ask-carrier.ts';
import { travelRoutes } from '../../src/health-code/travel/routes.ts';
import { exportPoint, newDeviceKey } from '../../src/health-code/wire/cose.js';
import { toBase64Url } from '../../src/health-code/wire/jws.js';
import { createLimits } from '../../src/platform/limits.ts';
import { deliver } from '../../src/platform/outbox.ts';
import { cipher, NOW } from './citizens.ts';
import { freshDatabase, isHook } from './database.ts';
import { givenHealthCode } from './health.ts';
import { DECLARATION, type HealthSite } from './health-pages.ts';
import { serve } from './http.ts';
import { type Answered, type Jar, openJar } from './http-client.ts';

export interface FamilySite extends HealthSite {
  /** A person of the sandbox, by user name. */
  person(username: string): Person;
  /** Gives sandbox people their accounts; the first is logged in. */
  settle(...usernames: string[]): Promise<void>;
  logIn(username: string): Promise<string>;
  /** Texts that went out to a phone, the newest first. */
  messages(phone: string): Promise<string[]>;
  authorities: Awaited<ReturnType<typeof startAuthorities>>;
  /** What the schedule does: asks the carrier about trips. */
  ask(now?: Date): Promise<number>;
  /** A health declaration without risks, by whoever is logged in, for themselves or somebody else. */
  declare(path?: string): Promise<void>;
}

/** The citizen's health pages with the authorities of the sandbox behind them. */
export async function startFamily(
  t: ExecutionContext<unknown>,
  /** How long the carrier may take to answer about a trip. */
  options: { timeoutMs?: number } = {},
): Promise<FamilySite> {
  const db = await freshDatabase(t);
  await givenHealthCode(db);
  const people = loadPeople();
  const authorities = await startAuthorities({ port: 0, host: '127.0.0.1', people });
  // Whoever starts it in a hook closes them.
  if (!isHook(t)) t.teardown(authorities.close);
  const { url } = authorities;
  const stayCarrier = createStayCarrier(url, fetch, options);
  const world: HealthSite['world'] = { citizenId: undefined, now: NOW };
  const sent: { to: string; text: string }[] = [];
  const who = async () =>
    world.citizenId === undefined ? undefined : { citizenId: world.citizenId, sessionUid: 'session-of-test' };
  const site = await serve(t, (pages) => {
    const deps = {
      db,
      cipher,
      pages,
      clock: () => world.now,
      limits: createLimits(db),
      issuer: 'http://localhost',
      signedIn: who,
      current: who,
      extraProvinces: ['39'],
    };
    const family = familyRoutes({
      ...deps,
      register: createRegister(url, fetch),
      household: createHousehold(url, fetch),
      carrier: createCarrier(url, fetch),
    });
    const all = new Router();
    for (const part of [healthRoutes(deps), travelRoutes(deps), family]) all.use(part.routes());
    return all;
  });
  const opened = openJar(site.url);
  /** Addresses of the site itself without its origin. */
  const local = (answer: Answered): Answered => ({
    ...answer,
    location: answer.location?.replace(site.url, ''),
  });
  const jar: Jar = { ...opened, get: async (path, ...rest) => local(await opened.get(path, ...rest)) };
  const person = (username: string): Person => {
    const found = people.find((each) => each.username === username);
    if (!found) throw new Error(`nobody is called ${username}`);
    return found;
  };
  const submit: HealthSite['submit'] = async (path, fields) =>
    local(
      await jar.post(path, new URLSearchParams({ action: 'continue', ...fields }), {
        origin: site.url,
        'sec-fetch-site': 'same-origin',
      }),
    );
  let self = '';
  const logIn = async (username: string) => {
    const found = await findByIdentifier(db, cipher, person(username).id_number);
    if (!found) throw new Error(`${username} is not settled`);
    world.citizenId = found.citizenId;
    self = person(username).name;
    return found.citizenId;
  };
  return {
    ...site,
    db,
    jar,
    world,
    submit,
    person,
    authorities,
    logIn,
    async settle(...usernames) {
      await settlePeople(db, cipher, usernames.map(person), NOW);
      await logIn(usernames[0]!);
    },
    async messages(phone) {
      await deliver(db, cipher, async ({ to, text }) => void sent.unshift({ to, text }), world.now);
      return sent.filter(({ to }) => to === phone).map(({ text }) => text);
    },
    ask: (now = world.now) => askAboutTrips({ db, cipher, stayCarrier }, { now }),
    async declare(path = '/health/declare') {
      const answer = await submit(path, { ...DECLARATION, signature: self });
      if (answer.status !== 303) throw new Error(`not declared: ${answer.status}`);
    },
  };
}

/** Keeps the code of a dependant on the phone of whoever is logged in. @returns the status of the answer. */
export async function keepOnPhone(site: FamilySite, guardianship: string): Promise<number> {
  const { x, y } = await exportPoint((await newDeviceKey()).publicKey);
  const body = { for: guardianship, key: { x: toBase64Url(x), y: toBase64Url(y) } };
  return (await site.jar.post('/health/code/attestation', body, { accept: 'application/json' })).status;
}
