import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import Koa from 'koa';
import { type Authorities, startAuthorities } from '../../../sandbox/authorities/server.ts';
import { loadPeople, type Person } from '../../../sandbox/people/person.ts';
import type { Level } from '../../../src/assurance/level.ts';
import { claimProofs, recordEvidence, recordProof } from '../../../src/assurance/store.ts';
import { createCards } from '../../../src/authorities/cards.ts';
import { createCarrier } from '../../../src/authorities/carrier.ts';
import { createRedirectCheck } from '../../../src/authorities/redirect-check.ts';
import { createRegister } from '../../../src/authorities/register.ts';
import { createAccount, createCitizen } from '../../../src/citizens/store.ts';
import type { Door, Interaction } from '../../../src/front-door/door.ts';
import { stepUpRoutes } from '../../../src/front-door/step-up/step-up.ts';
import type { Database } from '../../../src/platform/database.ts';
import { createCipher } from '../../../src/platform/field-encryption.ts';
import { installHttp } from '../../../src/platform/http/install.ts';
import { newId } from '../../../src/platform/id.ts';
import { createLimits } from '../../../src/platform/limits.ts';
import { Problem } from '../../../src/platform/problem.ts';
import { pages } from '../../support/pages.ts';

const people = loadPeople();
const silent = { info() {}, warn() {}, error() {} };

/** The step-up pages on a port of their own, with the real authorities and a door that only notes what it is told. */
export async function startStepUp(db: Database) {
  const authorities: Authorities = await startAuthorities({ port: 0, people });
  const cipher = createCipher({ current: 'k', keys: { k: randomBytes(32) }, indexKey: randomBytes(32) });
  const interactions = new Map<string, Interaction>();
  const ends = new Map<string, string>();

  const door: Door = {
    async details(ctx) {
      const interaction = interactions.get(String(ctx.params.uid));
      if (interaction === undefined) throw new Problem('interaction_expired', 400);
      return interaction;
    },
    async loggedIn(ctx, { citizenId }) {
      const interaction = interactions.get(String(ctx.params.uid))!;
      await claimProofs(db, {
        interactionUid: interaction.uid,
        sessionUid: interaction.session!.uid,
        citizenId,
      });
      end(ctx, 'logged in');
    },
    async consented() {},
    async declined(ctx, error) {
      end(ctx, error);
    },
    async continueWithout(ctx) {
      end(ctx, 'without');
    },
  };
  function end(ctx: Koa.Context, how: string) {
    ends.set(String(ctx.params.uid), how);
    ctx.status = 303;
    ctx.redirect('/end');
  }

  const app = new Koa();
  installHttp(app, { pages, log: silent });
  // The pages need the address first, so the app answers only once they are there.
  let answer = (_request: IncomingMessage, _response: ServerResponse): unknown => undefined;
  const server = createServer((request, response) => answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://localhost:${(server.address() as AddressInfo).port}`;
  // As in production, the pages of checks are on another origin than the API.
  const api = authorities.url.replace('localhost', '127.0.0.1');
  const soon = { timeoutMs: 1_000 };
  const deps = {
    db,
    cipher,
    clock: () => new Date(),
    pages,
    limits: createLimits(db),
    door,
    register: createRegister(api, fetch, soon),
    carrier: createCarrier(api, fetch, soon),
    cards: createCards(api, fetch, soon),
    redirectCheck: createRedirectCheck(api, fetch, [authorities.url], soon),
    origin,
    checkOrigins: [authorities.url],
    enqueueLogout: async () => {},
    fixedCode: (phone: string) => people.find((one) => one.phone === phone)?.fixed_code,
  };
  app.use(stepUpRoutes(deps).routes());
  answer = app.callback();

  const EVIDENCE = [
    ['register', 'police'],
    ['carrier', 'carrier'],
    ['alipay', 'alipay'],
    ['video', 'video'],
  ] as const;

  return {
    authorities,
    origin,
    deps,
    ends,
    interactions,
    /** One of the sandbox people, registered and logged in, in front of a step-up. */
    async begin(username: string, level: Level, interaction: Partial<Interaction> & { target: Level }) {
      const person = people.find((one) => one.username === username) as Person;
      const at = new Date();
      const citizenId = await db.transaction(async (tx) => {
        const { name, document_type: documentType, id_number: idNumber, phone } = person;
        const id = await createCitizen(tx, cipher, { name, documentType, idNumber, now: at });
        await createAccount(tx, cipher, {
          citizenId: id,
          username,
          phone,
          passwordHash: 'x',
          boundLevel: level,
          now: at,
        });
        return id;
      });
      const rows = { anonymous: 0, basic: 2, intermediate: 3, advanced: 4 }[level];
      for (const [method, source] of EVIDENCE.slice(0, rows)) {
        await recordEvidence(db, { citizenId, method, source, transactionId: newId(), at });
      }
      const sessionUid = `session-${newId()}`;
      for (const method of ['password', 'sms'] as const) {
        await recordProof(db, {
          citizenId,
          interactionUid: `login-${sessionUid}`,
          sessionUid,
          method,
          at,
          boundLevel: level,
        });
      }
      const uid = newId();
      interactions.set(uid, {
        uid,
        prompt: 'step_up',
        reasons: ['level'],
        client: { id: 'hrss', name: '人社厅' },
        session: { uid: sessionUid, citizenId },
        floor: interaction.target,
        optional: false,
        returnTo: 'http://portal.test/',
        ...interaction,
      });
      return { uid, citizenId, sessionUid, person, url: `${origin}/interaction/${uid}/step-up` };
    },
    async close() {
      await authorities.close();
      server.closeAllConnections();
      server.close();
    },
  };
}

/** A browser without script: keeps cookies, follows redirects only when told. */
export function createBrowser() {
  const cookies = new Map<string, string>();
  async function send(url: string, init: RequestInit = {}): Promise<Response> {
    const header = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(url, {
      ...init,
      redirect: 'manual',
      headers: { 'accept-language': 'zh-CN', cookie: header, accept: 'text/html' },
    });
    for (const line of response.headers.getSetCookie()) {
      const [pair = ''] = line.split(';');
      const [name = '', ...value] = pair.split('=');
      cookies.set(name, value.join('='));
    }
    return response;
  }
  const locationOf = (response: Response, base: string) =>
    new URL(response.headers.get('location') ?? '', base).href;
  return {
    get: (url: string) => send(url),
    post: (url: string, fields: Record<string, string>) =>
      send(url, { method: 'POST', body: new URLSearchParams(fields) }),
    /** Where a redirect leads. */
    locationOf,
  };
}
