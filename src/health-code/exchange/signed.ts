import {
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  type JWTVerifyGetKey,
  jwtVerify,
  SignJWT,
} from 'jose';
import type { Outbound } from '../../platform/outbound.ts';
import type { HealthKeys, TrustedKey } from '../show/keys.ts';
import { FileRefused, type Manifest, manifestSchema } from './file.ts';
import type { Peer } from './peers.ts';

/** What is signed between provinces: each kind has a type of its own, so that none passes for another (RFC 8725 §3.11). */
export type SignedType = 'hc-manifest+jwt' | 'hc-request+jwt' | 'hc-green-query+jwt' | 'hc-green-answer+jwt';

/** Signs claims with the province's health key. */
export async function sign(
  keys: HealthKeys,
  typ: SignedType,
  claims: Record<string, unknown>,
  now: Date,
): Promise<string> {
  const { key, kid } = await keys.signer(now);
  return new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid, typ }).sign(key);
}

/** Our public keys as other provinces fetch them (RFC 7517). */
export const jwksOf = (keys: readonly TrustedKey[]) => ({
  keys: keys.map(({ kid, x, y }) => ({ kty: 'EC', crv: 'P-256', x, y, kid, alg: 'ES256', use: 'sig' })),
});

export const JWKS_PATH = '/health/exchange/jwks';

/** The keys of the other provinces, fetched when they are needed and kept for a few minutes. */
export function openPeerKeys(outbound: Outbound): (peer: Peer) => JWTVerifyGetKey {
  const sets = new Map<string, JWTVerifyGetKey>();
  return ({ url }) => {
    let set = sets.get(url);
    if (set === undefined) {
      set = createRemoteJWKSet(new URL(JWKS_PATH, url), {
        timeoutDuration: 5_000,
        cooldownDuration: 5_000,
        cacheMaxAge: 300_000,
        [customFetch]: (address, init) =>
          outbound(address, { headers: new Headers(init.headers), signal: init.signal ?? null }),
      });
      sets.set(url, set);
    }
    return set;
  };
}

/** For tests and tools that have the keys at hand. */
export const localKeys = (keys: readonly TrustedKey[]): JWTVerifyGetKey => createLocalJWKSet(jwksOf(keys));

/**
 * Checks what a peer signed: the key, the type, who signed it and for whom, and its time.
 *
 * @param options.issuer whose signature it must be, `audience` whom it must be for.
 * @returns its claims.
 * @throws an error of `jose` for anything that does not fit.
 */
export async function openSigned(
  token: string,
  typ: SignedType,
  keys: JWTVerifyGetKey,
  options: { issuer: string; audience?: string; now: Date; maxAgeSeconds?: number },
): Promise<Record<string, unknown>> {
  const { payload } = await jwtVerify(token, keys, {
    typ,
    algorithms: ['ES256'],
    issuer: options.issuer,
    currentDate: options.now,
    clockTolerance: 5,
    ...(options.audience !== undefined && { audience: options.audience }),
    ...(options.maxAgeSeconds !== undefined && { maxTokenAge: options.maxAgeSeconds }),
  });
  return payload;
}

export type SignedManifest = Manifest & { signature: string };

/** The manifest with a signature over all of it: a compact JWS that carries the same members once more. */
export const signManifest = async (
  keys: HealthKeys,
  manifest: Manifest,
  now: Date,
): Promise<SignedManifest> => ({
  ...manifest,
  signature: await sign(keys, 'hc-manifest+jwt', { iss: manifest.issuer, manifest }, now),
});

/**
 * The manifest that a peer signed. What is written beside the signature is not believed, only compared.
 *
 * @throws FileRefused `bad_manifest`, `bad_signature`, `wrong_issuer`
 */
export async function openManifest(
  received: unknown,
  keys: JWTVerifyGetKey,
  { issuer, now }: { issuer: string; now: Date },
): Promise<Manifest> {
  const { signature, ...shown } = (received ?? {}) as Record<string, unknown>;
  const parsed = manifestSchema.safeParse(shown);
  if (!parsed.success || typeof signature !== 'string') throw new FileRefused('bad_manifest');
  if (parsed.data.issuer !== issuer) throw new FileRefused('wrong_issuer');
  const claims = await openSigned(signature, 'hc-manifest+jwt', keys, { issuer, now }).catch(
    (cause: unknown) => {
      throw new FileRefused('bad_signature', { cause });
    },
  );
  const signed = manifestSchema.safeParse(claims.manifest);
  if (!signed.success || JSON.stringify(signed.data) !== JSON.stringify(parsed.data)) {
    throw new FileRefused('bad_signature');
  }
  return signed.data;
}
