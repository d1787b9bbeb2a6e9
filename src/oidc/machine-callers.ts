import { createLocalJWKSet, type JWK, jwtVerify } from 'jose';
import type { Catalogue } from '../departments/catalogue.ts';
import { type OwnMetadata, readOwnMetadata } from './own-metadata.ts';

/** A program that calls one of our own APIs on its own account, without any citizen. */
export interface MachineCaller {
  clientId: string;
  /** What it asked for and is still entitled to. */
  scopes: ReadonlySet<string>;
}

/** Our own APIs for programs, and the scopes that a client's registration entitles it to. */
const MACHINE_APIS: Readonly<Record<string, (client: OwnMetadata) => string[]>> = {
  'urn:ymt:health-ingest': ({ healthSources }) => healthSources.map((source) => `ingest:${source}`),
};

/** The scopes of one of our own APIs that a client may have; none for every other API. */
export const machineScopes = (api: string, client: OwnMetadata): string[] =>
  Object.hasOwn(MACHINE_APIS, api) ? (MACHINE_APIS[api]?.(client) ?? []) : [];

/** The part of a signing key that may be shown. */
const publicPart = ({ kty, crv, x, y, n, e, kid, alg, use }: JWK): JWK =>
  Object.fromEntries(
    Object.entries({ kty, crv, x, y, n, e, kid, alg, use }).filter(([, value]) => value !== undefined),
  ) as unknown as JWK;

/**
 * Who a bearer token (RFC 6750, RFC 9068) of the client credentials grant speaks for. The registration is
 * read anew, so that a client that was disabled, or lost a source, is out within seconds.
 *
 * @param authorization the header.
 * @param keys the signing keys of this moment.
 * @returns undefined for whatever is not a live token for `api`.
 */
export async function machineCaller(
  { issuer, keys, catalogue }: { issuer: string; keys: readonly JWK[]; catalogue: Catalogue },
  authorization: string | undefined,
  api: string,
): Promise<MachineCaller | undefined> {
  const token = /^Bearer +([A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+){2})$/i.exec(authorization ?? '')?.[1];
  if (token === undefined) return undefined;
  const verified = await jwtVerify(token, createLocalJWKSet({ keys: keys.map(publicPart) }), {
    issuer,
    audience: api,
    typ: 'at+jwt',
    algorithms: ['ES256'],
    requiredClaims: ['exp', 'client_id'],
    currentDate: new Date(),
  }).catch(() => undefined);
  if (verified === undefined) return undefined;
  const { client_id: clientId, sub, scope, cnf } = verified.payload;
  // A token bound to a key would need its proof; one with another subject is about a citizen.
  if (typeof clientId !== 'string' || sub !== clientId || cnf !== undefined) return undefined;
  const metadata = await catalogue.client(clientId);
  if (metadata === undefined) return undefined;
  const entitled = new Set(machineScopes(api, readOwnMetadata(metadata, clientId)));
  const asked = typeof scope === 'string' ? scope.split(' ') : [];
  return { clientId, scopes: new Set(asked.filter((each) => entitled.has(each))) };
}
