import type { RequestListener } from 'node:http';
import Router from '@koa/router';
import Koa from 'koa';
import { accountClient, accountClientSecret } from './account/client.ts';
import { openAccount } from './account/routes.ts';
import { recheckRegister } from './assurance/recheck.ts';
import { watchSealing } from './audit/gauge.ts';
import { sealingKeyOf, waiting } from './audit/seal.ts';
import { codeRules } from './citizens/one-time-code.ts';
import { openCatalogue } from './departments/catalogue.ts';
import { applyClients, readClientsFiles, refuseKnownSecrets } from './departments/clients-file.ts';
import { registerOwnClient } from './departments/own-client.ts';
import type { Settings } from './environment.ts';
import { readFixedCodes } from './fixed-codes.ts';

import { informationRoutes } from './front-door/information.ts';
import { phoneChangeRoutes } from './front-door/recovery/phone-change.ts';
import { waitingRecoveries } from './front-door/recovery/store.ts';
import { frontDoorRoutes } from './front-door/routes.ts';
import { stepUpFirstPage, stepUpRoutes } from './front-door/step-up/step-up.ts';
import { seedActivation } from './health-code/activation.ts';
import { healthClaim } from './health-code/claim.ts';
import { watchFeeds } from './health-code/collection/feeds.ts';
import { collectionRoutes } from './health-code/collection/routes.ts';
import { ruleSets } from './health-code/engine/rule-set.ts';
import { openExchange } from './health-code/exchange/open.ts';
import { familyRoutes } from './health-code/family/routes.ts';
import { officerRoutes } from './health-code/officers/routes.ts';
import { watchAlarms } from './health-code/orders/alarm.ts';
import { ownHealthData } from './health-code/own-data.ts';
import { healthRoutes } from './health-code/routes.ts';
import { registerRuleSets, seedRuleSet } from './health-code/rule-set-store.ts';
import { forgetOnLogout } from './health-code/show/app-files.ts';
import { travelRoutes } from './health-code/travel/routes.ts';
import { createDoor } from './oidc/door.ts';
import { defineLogoutQueue, enqueueLogoutOn } from './oidc/logout-queue.ts';
import { mountProvider } from './oidc/mount.ts';
import { readOwnMetadata } from './oidc/own-metadata.ts';
import { openProtocol } from './oidc/protocol.ts';
import { createProtocolPages } from './oidc/protocol-pages.ts';
import { createStandings } from './oidc/subject-standing.ts';
import { openAuthorities } from './outside.ts';
import { type Clock, systemClock } from './platform/clock.ts';
import { clockEndpoint } from './platform/clock-endpoint.ts';
import { openDatabase } from './platform/database.ts';
import { createCipher } from './platform/field-encryption.ts';
import { formPages } from './platform/http/form-pages.ts';
import { installHttp } from './platform/http/install.ts';
import { openJobs } from './platform/jobs.ts';
import { useLifetimes } from './platform/lifetimes.ts';
import { createLimits, useLimits } from './platform/limits.ts';
import type { Log } from './platform/log.ts';
import { createMetrics } from './platform/metrics.ts';
import { missingMigrations } from './platform/migrations.ts';
import { createOutbound } from './platform/outbound.ts';
import { createPages } from './platform/pages.ts';
import { probes } from './probes.ts';
import { defineSchedule } from './schedule.ts';
import { endSessions } from './sessions/end.ts';
import { readSigningKeys } from './sessions/signing-keys.ts';

export interface App {
  listener: RequestListener;
  /** Begins scheduled work. */
  start(): Promise<void>;
  /** Finishes what runs and closes the database. */
  stop(): Promise<void>;
}

/** Other sites may post here: endpoints with credentials of their own, and OpenID's POST binding. */
const PROTOCOL_POSTS = [/^\/oauth\/(authorize|token|userinfo|introspect|revoke|par|logout)$/];
/** What relying parties ask, without a browser. */
const PROTOCOL_PROGRAMS = /^\/oauth\/(token|userinfo|introspect|revoke|par|jwks)$/;
const KEYS_RELOADED_MS = 5_000;

/** Puts the rooms together. Nothing is decided here. */
export async function createApp(settings: Settings, log: Log, clock: Clock = systemClock): Promise<App> {
  useLifetimes(settings.lifetimes);
  useLimits(settings.limits);
  const { issuer, lifetimes } = settings;
  const metrics = createMetrics();
  const db = openDatabase(settings.databaseUrl, { max: settings.databasePool, onQuery: metrics.onQuery });
  const lookups = openDatabase(settings.databaseUrl, {
    max: settings.databasePool,
    onQuery: metrics.onQuery,
    planOnce: true,
    pipelined: true,
  });
  metrics.watchPool(db.pool);
  watchAlarms(metrics.registry, db);
  watchFeeds(metrics.registry, db);
  watchSealing(metrics.registry, () => waiting(db), clock);
  const missing = await missingMigrations(db);
  if (missing.length > 0) {
    throw new Error(`the database lacks ${missing.length} migrations. Run "npm run migrate" first.`);
  }
  const cipher = createCipher(settings.masterKeys);
  const pages = createPages();
  const limits = createLimits(db, settings.limits);
  const jobs = await openJobs({ connectionString: settings.databaseUrl, db, log });
  const authorities = openAuthorities(settings, log);
  const clientSecret = accountClientSecret(settings.pairwiseKey);
  await registerOwnClient(db, accountClient(issuer, clientSecret), clock());
  await registerRuleSets(db, ruleSets, clock());
  if (settings.sandbox) {
    await seedActivation(db, clock());
    await seedRuleSet(db, ruleSets, clock());
  }
  const catalogue = openCatalogue(lookups, clock);
  const standings = createStandings(lookups, clock);
  const enqueueLogout = enqueueLogoutOn(jobs);

  const exchange = await openExchange({
    db,
    cipher,
    clock,
    log,
    peersFile: settings.healthPeersFile,
    limit: (address) => limits.consume('exchange', address),
  });

  const protocol = await openProtocol(
    {
      settings,
      lifetimes,
      db: lookups,
      cipher,
      clock,
      catalogue,
      standings,
      enqueueLogout,
      refreshReplayGrace: lifetimes.refreshReplayGrace * 1000,
      outbound: createOutbound({ allow: settings.outboundAllow }),
      pages: createProtocolPages(pages, catalogue),
      healthClaim: (asked) => healthClaim(db, asked),
    },
    log,
  );
  if (settings.clientsFiles.length > 0) {
    const clients = await readClientsFiles(settings.clientsFiles, protocol.refusalOf);
    if (settings.production) refuseKnownSecrets(clients);
    await applyClients(db, clients, clock());
  }
  await defineLogoutQueue(jobs, { db, clock, send: protocol.sendLogout });
  await defineSchedule({
    db,
    cipher,
    clock,
    jobs,
    enqueueLogout,
    ...authorities,
    exchange: exchange.work,
    origin: issuer,
    translator: pages.texts.translator,
    async maySend(clientId, source) {
      const metadata = await catalogue.client(clientId);
      return metadata !== undefined && readOwnMetadata(metadata, clientId).healthSources.includes(source);
    },
    async sealingKey() {
      const jwk = (await readSigningKeys(db, cipher)).find(({ alg }) => alg === 'ES256');
      if (jwk?.kid === undefined) throw new Error('there is no ES256 signing key');
      return sealingKeyOf({ ...jwk, kid: jwk.kid });
    },
  });

  const app = new Koa({ keys: settings.cookieKeys });
  app.silent = true;
  app.use(clockEndpoint(settings.sandbox));
  app.use(probes(db));
  app.use((ctx, next) => (ctx.path === '/metrics' ? metrics.endpoint(ctx, next) : next()));
  app.use(metrics.http);
  installHttp(app, {
    pages,
    log,
    trustedProxies: settings.trustedProxies,
    crossSitePosts: PROTOCOL_POSTS,
    programs: PROTOCOL_PROGRAMS,
    origin: issuer,
  });
  // Before all pages: what portals ask all day should not be compared with the path of every page first.
  app.use(mountProvider(protocol.provider));

  app.use(forgetOnLogout(/^\/(account\/logout|oauth\/logout\/confirm)$/));
  const door = createDoor({ provider: protocol.provider, db, catalogue, clock });
  const visitors = new Router();
  visitors.get('/interaction/:uid', async (ctx, next) => {
    if (await door.letVisitorIn(ctx, () => limits.consume('anonymous', ctx.ip))) return;
    await next();
  });
  app.use(visitors.routes());
  app.use(informationRoutes(pages, { lifetimes, limits: settings.limits }).routes());
  const fixedCode = readFixedCodes(settings.sandboxPeopleFile);
  const passkeyName = pages.texts.translator('zh-CN')('platform.name');
  const frontDoor = {
    db,
    cipher,
    clock,
    pages,
    limits,
    door,
    ...authorities,
    origin: issuer,
    checkOrigins: settings.checkOrigins,
    passkeyName,
    extraProvinces: settings.sandboxProvinces,
    fixedCode,
    enqueueLogout,
    lifetimes,
  };
  app.use(stepUpRoutes(frontDoor).routes());
  app.use(frontDoorRoutes(frontDoor, { stepUp: stepUpFirstPage }).routes());
  const account = openAccount({
    db,
    cipher,
    clock,
    pages,
    limits,
    carrier: authorities.carrier,
    catalogue,
    issuer,
    clientSecret,
    passkeyName,
    endSessions: (tx, { citizenId, ...how }) =>
      endSessions(tx, enqueueLogout, { accountId: citizenId, ...how }),
    recheck: (citizenId) =>
      recheckRegister({ db, cipher, ...authorities, now: clock, enqueueLogout }, citizenId),
    moreData: { health: (citizenId) => ownHealthData(db, cipher, citizenId) },
    fixedCode,
    codeRules: codeRules(lifetimes, settings.limits),
    phoneChangeAt: async (citizenId) => (await waitingRecoveries(db, citizenId))[0]?.applyAt,
  });
  app.use(account.router.routes());
  const { signedIn } = account.gate;
  app.use(phoneChangeRoutes({ ...frontDoor, signedIn, render: account.render }).routes());
  const collection = collectionRoutes({
    db,
    cipher,
    clock,
    pages,
    log,
    extraProvinces: settings.sandboxProvinces,
    machineCaller: protocol.machineCaller,
  });
  app.use(collection.routes());
  const healthDeps = {
    db,
    cipher,
    clock,
    pages,
    limits,
    issuer,
    async signedIn(ctx: Koa.Context) {
      const me = await account.gate.signedIn(ctx, ctx.path);
      return me && { citizenId: me.citizen.id, sessionUid: me.session.sessionUid };
    },
    async current(ctx: Koa.Context) {
      const me = await account.gate.who(ctx);
      return me && { citizenId: me.citizen.id, sessionUid: me.session.sessionUid };
    },
  };
  app.use(exchange.router.routes());
  const { sandboxProvinces: extraProvinces } = settings;
  app.use(healthRoutes({ ...healthDeps, visitors: { ...exchange, extraProvinces } }).routes());
  app.use(travelRoutes({ ...healthDeps, extraProvinces }).routes());
  app.use(familyRoutes({ ...healthDeps, ...authorities, extraProvinces, fixedCode }).routes());
  const office = officerRoutes({
    db,
    cipher,
    clock,
    pages,
    extraProvinces: settings.sandboxProvinces,
    peers: exchange.work.peers,
    async officerSignedIn(ctx, wish) {
      const me = await account.gate.reached(ctx, { level: 'intermediate', ...wish });
      return me && { citizenId: me.citizen.id, fresh: me.fresh };
    },
  });
  app.use(office.routes());
  app.use(formPages(app));

  let reload: NodeJS.Timeout | undefined;
  return {
    listener: app.callback(),
    async start() {
      await jobs.start();
      reload = setInterval(() => {
        protocol.reloadKeys().catch((err: unknown) => log.error({ err }, 'signing keys not reloaded'));
      }, KEYS_RELOADED_MS).unref();
    },
    async stop() {
      clearInterval(reload);
      await jobs.stop();
      await Promise.all([db.close(), lookups.close()]);
    },
  };
}
