import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { bodyParser } from '@koa/bodyparser';
import Router from '@koa/router';
import type { ExecutionContext } from 'ava';
import Koa, { type Middleware } from 'koa';
import { acrOf, type Level } from '../../src/assurance/level.ts';
import type { EvidenceMethod, ProofMethod } from '../../src/assurance/policy.ts';
import { recordEvidence, recordProof } from '../../src/assurance/store.ts';
import { createAccount, createCitizen } from '../../src/citizens/store.ts';
import { type Catalogue, openCatalogue } from '../../src/departments/catalogue.ts';
import { applyClients, parseClients } from '../../src/departments/clients-file.ts';
import type { Door } from '../../src/front-door/door.ts';
import { createDoor } from '../../src/oidc/door.ts';
import { defineLogoutQueue, enqueueLogoutOn } from '../../src/oidc/logout-queue.ts';
import { mountProvider } from '../../src/oidc/mount.ts';
import type { Protocol } from '../../src/oidc/protocol.ts';
import type { HealthClaimSource } from '../../src/oidc/release-claims.ts';
import type { Clock } from '../../src/platform/clock.ts';
import type { Cipher } from '../../src/platform/field-encryption.ts';
import { installHttp } from '../../src/platform/http/install.ts';
import { type Jobs, openJobs } from '../../src/platform/jobs.ts';
import type { Pages } from '../../src/platform/pages.ts';
import type { LogoutNotice } from '../../src/sessions/end.ts';
import { appendSigningKey, promoteSigningKey, retireSigningKey } from '../../src/sessions/signing-keys.ts';
import { freshDatabase, type TestDatabase } from './database.ts';
import { type Answered, type Jar, openJar } from './http-client.ts';
import { pages } from './pages.ts';
import { cipher, protocolOn } from './protocol-on.ts';

const silent = { info() {}, warn() {}, error() {} };

/** What other rooms' pages are made of, in a test of theirs. */
export interface ProtocolParts {
  db: TestDatabase;
  cipher: Cipher;
  clock: Clock;
  pages: Pages;
  catalogue: Catalogue;
  issuer: string;
}

/** What the stand-in for the front door's pages is told to do with an interaction. */
export type Answer =
  | { act: 'log_in'; citizenId: string; proofs: { method: ProofMethod; boundLevel?: Level }[] }
  | { act: 'consent'; allowed: string[] }
  | { act: 'decline' }
  | { act: 'continue_without' };

export interface TestProtocol {
  db: TestDatabase;
  issuer: string;
  jar(): Jar;
  notices: LogoutNotice[];
  errors: unknown[];
  door: Door;
  /** With `queue`; it runs nothing by itself. */
  jobs: Jobs | undefined;
  /** Sends the logout tokens that wait in `notices`. */
  deliverNotices(): Promise<void>;
  reloadKeys(): Promise<void>;
  machineCaller: Protocol['machineCaller'];
  refusalOf: Protocol['refusalOf'];
  keys: {
    append(alg: 'ES256' | 'RS256'): Promise<string>;
    promote(kid: string): Promise<void>;
    retire(kid: string): Promise<void>;
  };
  /** A citizen with the evidence of `level`. */
  citizen(level: Level): Promise<string>;
  /** Goes through the confirmation page of `/oauth/logout`. */
  logOut(jar: Jar, params?: Record<string, string>): Promise<Answered>;
  prove(citizenId: string, sessionUid: string, method: ProofMethod, at?: Date): Promise<void>;
}

const EVIDENCE: Record<Exclude<Level, 'anonymous'>, EvidenceMethod[]> = {
  basic: ['register', 'carrier'],
  intermediate: ['register', 'carrier', 'face'],
  advanced: ['register', 'carrier', 'face', 'live_face'],
};

let serial = 0;

/**
 * The protocol on a real database and a real port. Only the pages of the front door are replaced, by a route
 * that does what a test says; they have tests of their own.
 */
export async function startProtocol(
  t: ExecutionContext<unknown>,
  options: {
    clients: object[] | ((issuer: string) => object[]);
    clock?: Clock;
    /** Other rooms' pages beside the protocol. */
    mount?: (parts: ProtocolParts) => Middleware;
    healthClaim?: HealthClaimSource;
    /** Private origins that logout tokens may be sent to. */
    allow?: string[];
    /** Whether logout notices are put on the queue as well, as they are outside of tests. */
    queue?: boolean;
  },
): Promise<TestProtocol> {
  const db = await freshDatabase(t, { max: 10 });
  const clock = options.clock ?? (() => new Date());
  const catalogue = openCatalogue(db, clock);
  const app = new Koa({ keys: ['test'] });
  const errors: unknown[] = [];
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const issuer = `http://localhost:${(server.address() as AddressInfo).port}`;

  const clients = typeof options.clients === 'function' ? options.clients(issuer) : options.clients;
  const notices: LogoutNotice[] = [];
  const jobs = options.queue
    ? await openJobs({ connectionString: db.url, db, log: { error: (fields) => void errors.push(fields) } })
    : undefined;
  if (jobs) t.teardown(() => jobs.stop());
  const protocol = await protocolOn({
    db,
    issuer,
    clock,
    catalogue,
    pages,
    healthClaim: options.healthClaim,
    allow: options.allow,
    enqueueLogout: async (tx, list) => {
      notices.push(...list);
      if (jobs) await enqueueLogoutOn(jobs)(tx, list);
    },
    onError: (error) => void errors.push(error),
  });
  const entries = parseClients(JSON.stringify(clients), 'test clients', protocol.refusalOf);
  await applyClients(db, entries, clock());
  if (jobs) await defineLogoutQueue(jobs, { db, clock, send: protocol.sendLogout });
  const door = createDoor({ provider: protocol.provider, db, catalogue, clock });

  installHttp(app, { pages, log: { ...silent, error: (fields) => void errors.push(fields) } });
  const router = new Router();
  router.get('/interaction/:uid', async (ctx) => {
    if (await door.letVisitorIn(ctx, async () => {})) return;
    ctx.body = await door.details(ctx);
  });
  router.post('/interaction/:uid', async (ctx) => {
    const answer = ctx.request.body as Answer;
    if (answer.act === 'continue_without') return door.continueWithout(ctx);
    if (answer.act === 'decline') return door.declined(ctx, 'unmet_authentication_requirements');
    if (answer.act === 'consent') return door.consented(ctx, answer);
    for (const { method, boundLevel = 'advanced' } of answer.proofs) {
      await recordProof(db, {
        citizenId: answer.citizenId,
        interactionUid: ctx.params.uid,
        method,
        at: clock(),
        boundLevel,
        userVerified: true,
      });
    }
    await door.loggedIn(ctx, answer);
  });
  if (options.mount) app.use(options.mount({ db, cipher, clock, pages, catalogue, issuer }));
  app.use(
    bodyParser({
      enableTypes: ['json'],
      patchNode: false,
      parsedMethods: ['POST'],
      detectJSON: (ctx) => ctx.path.startsWith('/interaction'),
    }),
  );
  app.use(router.routes());
  app.use(mountProvider(protocol.provider));
  server.on('request', app.callback());

  return {
    db,
    issuer,
    notices,
    errors,
    door,
    jobs,
    jar: () => openJar(issuer),
    async deliverNotices() {
      for (const notice of notices.splice(0)) await protocol.sendLogout(notice);
    },
    reloadKeys: protocol.reloadKeys,
    machineCaller: protocol.machineCaller,
    refusalOf: protocol.refusalOf,
    keys: {
      append: (alg) => appendSigningKey(db, cipher, alg, clock()),
      promote: (kid) => promoteSigningKey(db, kid, clock()),
      retire: (kid) => retireSigningKey(db, kid, clock()),
    },
    async citizen(level) {
      const now = clock();
      const own = ++serial;
      const suffix = String(own).padStart(6, '0');
      return db.transaction(async (tx) => {
        const citizenId = await createCitizen(tx, cipher, {
          name: '测试',
          documentType: 'passport',
          idNumber: `E${suffix}99`,
          now,
        });
        await createAccount(tx, cipher, {
          citizenId,
          username: `user${suffix}`,
          phone: `139${String(10_000_000 + own)}`,
          passwordHash: 'none',
          boundLevel: 'advanced' as never,
          now,
        });
        if (level !== 'anonymous') {
          for (const method of EVIDENCE[level]) {
            await recordEvidence(tx, {
              citizenId,
              method,
              source: 'police',
              transactionId: `${citizenId}-${method}`,
              at: now,
            });
          }
        }
        return citizenId;
      });
    },
    async logOut(jar, params = {}) {
      const page = await jar.get(`/oauth/logout?${new URLSearchParams(params)}`);
      const xsrf = page.text.match(/name="xsrf" value="([^"]*)"/)?.[1];
      if (xsrf === undefined) throw new Error(`no logout form: ${page.status}`);
      return jar.post('/oauth/logout/confirm', new URLSearchParams({ xsrf, logout: 'yes' }));
    },
    async prove(citizenId, sessionUid, method, at = clock()) {
      await recordProof(db, {
        citizenId,
        sessionUid,
        method,
        at,
        boundLevel: 'advanced',
        userVerified: true,
      });
    },
  };
}

export const acr = acrOf;
