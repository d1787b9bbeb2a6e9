import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { importJWK, type JWK } from 'jose';
import * as openid from 'openid-client';

export const SOURCES = [
  'hospital',
  'cdc',
  'transport',
  'entry_exit',
  'telecom',
  'insurance',
  'transit',
  'venue',
  'community',
  'police',
  'peer',
] as const;
export type SourceName = (typeof SOURCES)[number];

/** A line of the answer. */
export type AnswerLine = Record<string, unknown> & {
  outcome?: 'refused' | 'complete' | 'incomplete';
  message?: string;
};

export interface Source {
  /** Sends rows as one batch; the same key again is the same batch. */
  send(rows: readonly object[], key?: string, language?: string): Promise<AnswerLine[]>;
}

const API = 'urn:ymt:health-ingest';

/**
 * A source of health data as a program of its own: it proves who it is with its key, gets a token for five
 * minutes, and sends lines of JSON.
 */
export function createSource(issuer: string, name: SourceName): Source {
  const clientId = `source-${name.replace('_', '-')}`;
  const file = new URL(`../keys/${clientId}.json`, import.meta.url);
  let token: { value: string; until: number } | undefined;
  let discovered: Promise<openid.Configuration> | undefined;

  async function discover(): Promise<openid.Configuration> {
    const jwk = JSON.parse(readFileSync(file, 'utf8')) as JWK & { kid: string; alg: string };
    const key = await importJWK(jwk, jwk.alg);
    if (key instanceof Uint8Array) throw new TypeError('a private key is needed');
    const auth = openid.PrivateKeyJwt({ key, kid: jwk.kid });
    const execute = issuer.startsWith('http:') ? [openid.allowInsecureRequests] : [];
    return openid.discovery(new URL(issuer), clientId, {}, auth, { execute });
  }

  async function accessToken(): Promise<string> {
    const now = Date.now();
    if (token && token.until > now && token.until < now + 3_600_000) return token.value;
    discovered ??= discover().catch((error: unknown) => {
      discovered = undefined;
      throw error;
    });
    const scope = `ingest:${name}`;
    const given = await openid.clientCredentialsGrant(await discovered, { resource: API, scope });
    token = { value: given.access_token, until: now + ((given.expires_in ?? 60) - 30) * 1_000 };
    return token.value;
  }

  return {
    async send(rows, key, language = 'zh-CN') {
      const response = await fetch(new URL(`/health/ingest/${name}`, issuer), {
        method: 'POST',
        headers: {
          authorization: `Bearer ${await accessToken()}`,
          'content-type': 'application/x-ndjson',
          'content-encoding': 'gzip',
          'accept-language': language,
          ...(key && { 'idempotency-key': key }),
        },
        body: gzipSync(rows.map((row) => JSON.stringify(row)).join('\n')),
      });
      return (await response.text())
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as AnswerLine);
    },
  };
}
