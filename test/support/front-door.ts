import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ExecutionContext } from 'ava';
import Koa, { type Context } from 'koa';
import { type Authorities, startAuthorities } from '../../sandbox/authorities/server.ts';
import { loadPeople, type Person } from '../../sandbox/people/person.ts';
import { sessionStanding } from '../../src/assurance/ladder.ts';
import { loadStanding } from '../../src/assurance/standing.ts';
import { createCards } from '../../src/authorities/cards.ts';
import { createCarrier } from '../../src/authorities/carrier.ts';
import { createRedirectCheck } from '../../src/authorities/redirect-check.ts';
import { createRegister } from '../../src/authorities/register.ts';
import { hashPassword } from '../../src/citizens/password.ts';
import { createAccount, createCitizen } from '../../src/citizens/store.ts';
import type { FrontDoorDeps } from '../../src/front-door/deps.ts';
import type { Door, Interaction } from '../../src/front-door/door.ts';
import { frontDoorRoutes } from '../../src/front-door/routes.ts';
import { installHttp } from '../../src/platform/http/install.ts';
import { createLimits } from '../../src/platform/limits.ts';
import { deliver } from '../../src/platform/outbox.ts';
import { Problem } from '../../src/platform/problem.ts';
import { cipher } from './citizens.ts';
import { freshDatabase, type TestDatabase } from './database.ts';
import { type Answered, type Jar, openJar } from './http-client.ts';
import { pages } from './pages.ts';

/** What the door was told, in order. */
export type Told =
  | { did: 'loggedIn'; citizenId: string; level: string }
  | { did: 'consented'; allowed: string[] }
  | { did: 'declined'; error: string }
  | { did: 'continueWithout' };

export interface TestFrontDoor {
  db: TestDatabase;
  url: string;
  told: Told[];
  world: Authorities;
  deps: FrontDoorDeps;
  /** What went to the error log. */
  errors: unknown[];
  jar(): Jar;
  /** Begins an interaction; its pages answer until it is ended with `end`. */
  begin(interaction?: Partial<Interaction>): string;
  end(uid: string): void;
  /** Moves the front door's clock. */
  advance(seconds: number): void;
  now(): Date;
  /** The text messages to a phone, newest first. */
  sms(phone: string): Promise<string[]>;
  /** The gateway is tried, and takes nothing. */
  smsFails(): Promise<void>;
  /** The code in the newest message to a phone. */
  code(phone: string): Promise<string>;
}

/** The sandbox person with this user name. */
export function personNamed(username: string): Person {
  const person = loadPeople().find((each) => each.username === username);
  if (!person) throw new Error(`nobody is called ${username}`);
  return person;
}

/** The fields of the registration's first page. */
export const entriesOf = (person: Person, change: Record<string, string> = {}): Record<string, string> => ({
  name: person.name,
  id_number: person.id_number,
  phone: person.phone,
  username: person.username,
  password: PASSWORD,
  ...change,
});
export const PASSWORD = 'paper lantern over the river';
let hash: Promise<string> | undefined;
/** Of `PASSWORD`, made once for all tests of a file: it is meant to be slow. */
export const passwordHashed = (): Promise<string> => (hash ??= hashPassword(PASSWORD));

/** Gives a sandbox person an account, without their registering. */
export async function givenAccountOf(door: TestFrontDoor, person: Person): Promise<string> {
  const now = door.now();
  const passwordHash = await passwordHashed();
  return door.db.transaction(async (tx) => {
    const citizenId = await createCitizen(tx, cipher, {
      name: person.name,
      documentType: person.document_type,
      idNumber: person.id_number,
      now,
    });
    const { username, phone } = person;
    await createAccount(tx, cipher, {
      citizenId,
      username,
      phone,
      passwordHash,
      boundLevel: 'advanced',
      now,
    });
    return citizenId;
  });
}

/** Posts a form and follows the redirects that are this site's own, as a browser would. */
export async function submit(jar: Jar, path: string, fields: Record<string, string>): Promise<Answered> {
  return follow(jar, await jar.post(path, new URLSearchParams(fields)));
}
export async function follow(jar: Jar, answered: Answered): Promise<Answered> {
  let answer = answered;
  while (answer.status === 303 && answer.location?.includes('//localhost'))
    answer = await jar.get(answer.location);
  return answer;
}

/** The permanent code of an error page. */
export const errorOf = ({ text }: Answered): string | undefined =>
  text.match(/<meta name="ymt-error" content="([^"]+)">/)?.[1];

/**
 * The pages of the front door on a real database and the real authority simulator. Only the protocol behind the
 * door is replaced.
 */
export async function startFrontDoor(
  t: ExecutionContext<unknown>,
  { fixedCode }: Pick<FrontDoorDeps, 'fixedCode'> = {},
): Promise<TestFrontDoor> {
  const db = await freshDatabase(t);
  const world = await startAuthorities({ port: 0, people: loadPeople() });
  t.teardown(world.close);
  const told: Told[] = [];
  const interactions = new Map<string, Interaction>();
  let ahead = 0;
  const clock = () => new Date(Date.now() + ahead);
  const details = async (ctx: Context): Promise<Interaction> => {
    const interaction = interactions.get(ctx.params.uid);
    if (!interaction) throw new Problem('interaction_expired', 400);
    return interaction;
  };
  const back = (ctx: Context): void => {
    ctx.status = 303;
    ctx.redirect('http://portal.test/back');
  };
  const door: Door = {
    details,
    async loggedIn(ctx, { citizenId }) {
      const { uid } = await details(ctx);
      const facts = await loadStanding(db, { citizenId, interactionUid: uid });
      told.push({ did: 'loggedIn', citizenId, level: sessionStanding({ ...facts, at: clock() }).level });
      back(ctx);
    },
    async consented(ctx, { allowed }) {
      told.push({ did: 'consented', allowed });
      back(ctx);
    },
    async declined(ctx, error) {
      told.push({ did: 'declined', error });
      back(ctx);
    },
    async continueWithout(ctx) {
      told.push({ did: 'continueWithout' });
      back(ctx);
    },
  };
  let serial = 0;
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://localhost:${(server.address() as AddressInfo).port}`;
  const deps: FrontDoorDeps = {
    db,
    cipher,
    clock,
    pages,
    limits: createLimits(db),
    door,
    register: createRegister(world.url, fetch),
    carrier: createCarrier(world.url, fetch),
    cards: createCards(world.url, fetch),
    redirectCheck: createRedirectCheck(world.url, fetch, [world.url]),
    origin: url,
    checkOrigins: [world.url],
    passkeyName: '一码通',
    extraProvinces: ['39'],
    enqueueLogout: async () => {},
    ...(fixedCode && { fixedCode }),
  };
  const app = new Koa();
  app.silent = true;
  const errors: unknown[] = [];
  installHttp(app, {
    pages,
    log: { info() {}, warn() {}, error: (fields) => void errors.push(fields) },
  });
  app.use(frontDoorRoutes(deps, { stepUp: (ctx) => door.continueWithout(ctx) }).routes());
  server.on('request', app.callback());
  const sent: { to: string; text: string }[] = [];
  async function sms(phone: string): Promise<string[]> {
    await deliver(db, cipher, async ({ to, text }) => void sent.push({ to, text }), clock());
    return sent
      .filter(({ to }) => to === phone)
      .map(({ text }) => text)
      .toReversed();
  }
  return {
    db,
    url,
    told,
    world,
    deps,
    errors,
    jar: () => openJar(url),
    begin(interaction = {}) {
      const uid = `interaction-${++serial}`;
      interactions.set(uid, {
        uid,
        prompt: 'login',
        reasons: ['no_session'],
        client: { id: 'city-a', name: '甲市政务服务网', homeUri: 'http://portal.test/' },
        floor: 'basic',
        target: 'basic',
        optional: false,
        returnTo: 'http://portal.test/back',
        ...interaction,
      });
      return uid;
    },
    end: (uid) => void interactions.delete(uid),
    advance(seconds) {
      ahead += seconds * 1000;
    },
    now: clock,
    sms,
    async smsFails() {
      await deliver(db, cipher, () => Promise.reject(new Error('no gateway')), clock());
    },
    code: async (phone) => (await sms(phone))[0]?.match(/\d{6}/)?.[0] ?? '',
  };
}
