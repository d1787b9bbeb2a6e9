import { randomUUID } from 'node:crypto';
import type { JWTVerifyGetKey } from 'jose';
import type { Database } from '../../platform/database.ts';
import type { HealthKeys } from '../show/keys.ts';
import { FileRefused, nameOf } from './file.ts';
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
 * what follows would leave a gap.
 *
 * @returns how many files were accepted.
 * @throws FileRefused, or a network error; what was accepted before stays.
 */
export async function pullFiles(deps: PullDeps, peer: Peer): Promise<number> {
  const { db, keysOf, now } = deps;
  let accepted = 0;
  for (;;) {
    const last = await lastAccepted(db, peer.issuer);
    const search = last ? `?after=${last.name}` : '';
    const list = (await (await ask(deps, peer, FILES_PATH, search)).json()) as { files?: unknown };
    const files = Array.isArray(list.files) ? list.files : [];
    if (files.length === 0) return accepted;
    for (const file of files) {
      const manifest = await openManifest(file, keysOf(peer), { issuer: peer.issuer, now });
      if (!deps.peers.monthKeys.has(manifest.month)) {
        const refusal = new FileRefused('unknown_month');
        await refuse(db, manifest, refusal, now);
        throw refusal;
      }
      const { body } = await ask(deps, peer, `${FILES_PATH}/${nameOf(manifest)}`, '', FILE_MS);
      await acceptFile(db, { manifest, body: body as AsyncIterable<Uint8Array>, now });
      accepted += 1;
    }
  }
}
