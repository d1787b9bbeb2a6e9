import { randomUUID } from 'node:crypto';
import type { JWTVerifyGetKey } from 'jose';
import type { Database } from '../../platform/database.ts';
import type { HealthKeys } from '../show/keys.ts';
import { FileRefused, type Manifest, manifestSchema, nameOf } from './file.ts';
import { acceptFile, lastAccepted, refuse } from './incoming.ts';
import type { Peer, Peers } from './peers.ts';
import { FILES_PATH, REQUEST_SECONDS } from './routes.ts';
import { openManifest, sign } from './signed.ts';

/** A peer that says nothing for so long is not waited for. */
const SILENCE_MS = 30_000;
/** A file may be long, but not endless. */
const FILE_MS = 30 * 60_000;

export interface PullDeps {
  db: Database;
  peers: Peers;
  keys: HealthKeys;
  keysOf: (peer: Peer) => JWTVerifyGetKey;
  now: Date;
}

async function ask(deps: PullDeps, peer: Peer, path: string, search = '', patience = SILENCE_MS) {
  const iat = Math.floor(deps.now.getTime() / 1_000);
  const token = await sign(
    deps.keys,
    'hc-request+jwt',
    { iss: deps.peers.issuer, aud: peer.issuer, iat, exp: iat + REQUEST_SECONDS, jti: randomUUID(), path },
    deps.now,
  );
  const response = await fetch(new URL(path + search, peer.url), {
    headers: { authorization: `Bearer ${token}` },
    redirect: 'error',
    signal: AbortSignal.timeout(patience),
  });
  if (response.ok && response.body) return response;
  await response.body?.cancel();
  throw new Error(`the platform of ${peer.issuer} answered ${response.status}`);
}

/**
 * Fetches what a peer has made since its last file that we took, in order. It stops at the first that is refused:
 * what follows would leave a gap. Then it goes on at the peer's newest full file, if that is newer than what we have,
 * and else asks that one be made.
 *
 * @returns how many files were accepted.
 * @throws FileRefused, or a network error; what was accepted before stays.
 */
export async function pullFiles(deps: PullDeps, peer: Peer): Promise<number> {
  const taken = { count: 0 };
  try {
    await follow(deps, peer, taken);
  } catch (error) {
    if (!(error instanceof FileRefused) || error.reason === 'unknown_month') throw error;
    if (!(await beginAnew(deps, peer, error, taken))) throw error;
    await follow(deps, peer, taken);
  }
  return taken.count;
}

async function listed(deps: PullDeps, peer: Peer, search: string): Promise<unknown[]> {
  const list = (await (await ask(deps, peer, FILES_PATH, search)).json()) as { files?: unknown };
  return Array.isArray(list.files) ? list.files : [];
}

async function follow(deps: PullDeps, peer: Peer, taken: { count: number }): Promise<void> {
  for (;;) {
    const last = await lastAccepted(deps.db, peer.issuer);
    const files = await listed(deps, peer, last ? `?after=${last.name}` : '');
    const before = taken.count;
    for (const file of files) await take(deps, peer, await manifestOf(deps, peer, file), taken);
    // None, or nothing but what we have: a peer that lost its newest files lists old ones.
    if (taken.count === before) return;
  }
}

/** @returns whether a full file was taken that begins the chain anew. */
async function beginAnew(
  deps: PullDeps,
  peer: Peer,
  { file: refused }: FileRefused,
  taken: { count: number },
): Promise<boolean> {
  const [first] = await listed(deps, peer, '');
  const manifest = first === undefined ? undefined : await manifestOf(deps, peer, first);
  const last = await lastAccepted(deps.db, peer.issuer);
  const newer = (made: string) => last === undefined || new Date(made) > last.createdAt;
  if (manifest?.kind === 'F' && newer(manifest.createdAt) && nameOf(manifest) !== refused) {
    await take(deps, peer, manifest, taken);
    return true;
  }
  await listed(deps, peer, '?full=1');
  return false;
}

async function manifestOf({ db, keysOf, now }: PullDeps, peer: Peer, file: unknown): Promise<Manifest> {
  const { issuer } = peer;
  try {
    return await openManifest(file, keysOf(peer), { issuer, now });
  } catch (error) {
    // By the name that it goes by, if it has one: whoever signed it, this peer showed it.
    const { signature: _, ...shown } = Object(file) as Record<string, unknown>;
    const parsed = manifestSchema.safeParse(shown);
    if (error instanceof FileRefused && parsed.success) {
      await refuse(db, { ...parsed.data, issuer }, error, now);
    }
    throw error;
  }
}

async function take(deps: PullDeps, peer: Peer, manifest: Manifest, taken: { count: number }): Promise<void> {
  const { db, now } = deps;
  const name = nameOf(manifest);
  if (!deps.peers.monthKeys.has(manifest.month)) {
    const refusal = new FileRefused('unknown_month');
    await refuse(db, manifest, refusal, now);
    throw refusal;
  }
  const response = await ask(deps, peer, `${FILES_PATH}/${name}`, '', FILE_MS);
  if (await acceptFile(db, { manifest, body: bytesOf(response), now })) taken.count += 1;
}

/**
 * What the peer sends. It holds on to the response: `fetch` empties the body of one that was collected as garbage
 * before anybody read it, and a file may wait for the one before it.
 */
async function* bytesOf(response: Response): AsyncGenerator<Uint8Array> {
  yield* response.body as AsyncIterable<Uint8Array>;
}
