import { Readable } from 'node:stream';
import Router from '@koa/router';
import type { JWTVerifyGetKey } from 'jose';
import type { Context } from 'koa';
import type { Clock } from '../../platform/clock.ts';
import type { Database } from '../../platform/database.ts';
import { Problem } from '../../platform/problem.ts';
import { rememberOnce } from '../../sessions/replay-store.ts';
import { requireActivation } from '../activation.ts';
import { withRules } from '../citizen-page.ts';
import type { HealthKeys } from '../show/keys.ts';
import { NAME } from './file.ts';
import { answerGreen, GREEN_PATH, issuerOf, JWT_TYPE } from './green.ts';
import { listOwnFiles, readOwnFile, wantFull } from './outgoing.ts';
import type { Peer, Peers } from './peers.ts';
import { JWKS_PATH, jwksOf, openSigned, signManifest } from './signed.ts';

export interface ExchangeDeps {
  db: Database;
  clock: Clock;
  keys: HealthKeys;
  keysOf: (peer: Peer) => JWTVerifyGetKey;
  /** The other provinces as they are configured now; undefined when there is no exchange. */
  peers: () => Promise<Peers | undefined>;
  /** Slows down an address that asks too much. */
  limit: (address: string) => Promise<void>;
}

export const FILES_PATH = '/health/exchange/files';
/** How long a signed request may be under way. Seconds. */
export const REQUEST_SECONDS = 60;
const QUERY_MAX = 4_096;

/** What other provinces ask of us: our keys, our files, and whether one person is green. */
export function exchangeRoutes(deps: ExchangeDeps): Router {
  const { db, clock, keys, keysOf } = deps;
  const router = new Router();

  const open = async (now: Date): Promise<Peers> => {
    await requireActivation(db, now);
    const peers = await deps.peers();
    if (!peers) throw new Problem('not_found', 404);
    return peers;
  };

  /** A request is a bearer token that the peer signed for this very path, good once. */
  const requirePeer = async (ctx: Context, peers: Peers, now: Date): Promise<Peer> => {
    const refused = (cause?: unknown) => new Problem('health_query_refused', 401, {}, { cause });
    const [, token = ''] = /^Bearer ([\w.-]+)$/.exec(ctx.get('authorization')) ?? [];
    const peer = peers.peers.get(String(issuerOf(token)));
    if (!peer) throw refused();
    const claims = await openSigned(token, 'hc-request+jwt', keysOf(peer), {
      issuer: peer.issuer,
      audience: peers.issuer,
      now,
      maxAgeSeconds: REQUEST_SECONDS,
    }).catch((cause: unknown) => {
      throw refused(cause);
    });
    const until = new Date(now.getTime() + 2 * REQUEST_SECONDS * 1_000);
    const once = `health-request ${peer.issuer} ${claims.jti}`;
    if (typeof claims.jti !== 'string' || claims.path !== ctx.path) throw refused();
    if (!(await rememberOnce(db, once, until, now))) throw refused();
    return peer;
  };

  router.use('/health/exchange', async (ctx, next) => {
    ctx.state.api = true;
    await deps.limit(ctx.ip);
    await next();
  });

  router.get(JWKS_PATH, async (ctx) => {
    const now = clock();
    await open(now);
    ctx.set('cache-control', 'public, max-age=300');
    ctx.body = jwksOf(await keys.trusted(now));
  });

  router.get(FILES_PATH, async (ctx) => {
    const now = clock();
    const peers = await open(now);
    const peer = await requirePeer(ctx, peers, now);
    const { after, full } = ctx.query;
    if (after !== undefined && (typeof after !== 'string' || !NAME.test(after)))
      throw new Problem('bad_request', 400);
    const { files, known } = await listOwnFiles(db, peers.issuer, after);
    if (full === '1' || (after !== undefined && !known)) await wantFull(db, peer.issuer, now);
    ctx.body = { files: await Promise.all(files.map((manifest) => signManifest(keys, manifest, now))) };
  });

  router.get(`${FILES_PATH}/:name`, async (ctx) => {
    const now = clock();
    await requirePeer(ctx, await open(now), now);
    const parts = await readOwnFile(db, String(ctx.params.name));
    if (!parts) throw new Problem('not_found', 404);
    ctx.type = 'application/gzip';
    ctx.body = Readable.from(parts);
  });

  router.post(GREEN_PATH, async (ctx) => {
    const now = clock();
    const peers = await open(now);
    if (ctx.is(JWT_TYPE) !== JWT_TYPE) throw new Problem('unsupported_media_type', 415);
    const token = await textOf(ctx);
    ctx.body = await withRules(() => answerGreen(db, { peers, keys, keysOf, now }, token));
    ctx.type = JWT_TYPE;
  });
  return router;
}

async function textOf(ctx: Context): Promise<string> {
  let text = '';
  for await (const chunk of ctx.req.setEncoding('utf8')) {
    text += chunk as string;
    if (text.length > QUERY_MAX) throw new Problem('too_large', 413);
  }
  return text;
}
