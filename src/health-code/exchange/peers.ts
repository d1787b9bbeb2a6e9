import { z } from 'zod';

const issuer = z.string().regex(/^\d{6}$/, 'must be the six digits of GB/T 2260, such as 390000');
const month = z.string().regex(/^\d{4}-(0[1-9]|1[0-2])$/, 'must be a month such as 2026-11');
const key = z
  .base64('must be base64')
  .transform((text) => Buffer.from(text, 'base64'))
  .refine(({ length }) => length === 32, 'must be 32 bytes; make one with: openssl rand -base64 32');
const address = z.url('must be an address').refine((text) => {
  const url = URL.parse(text);
  return url !== null && /^https?:$/.test(url.protocol) && url.pathname === '/' && !url.search && !url.hash;
}, 'must be an origin such as https://id.example.gov.cn, without a path');

const schema = z
  .strictObject({
    /** Ourselves. */
    issuer,
    /** The keys that all provinces share, one a month. */
    month_keys: z.record(month, key),
    peers: z.array(z.strictObject({ issuer, name: z.string().min(1).max(60), url: address })),
  })
  .superRefine(({ issuer: own, peers }, ctx) => {
    const seen = new Set([own]);
    for (const [index, peer] of peers.entries()) {
      if (seen.has(peer.issuer))
        ctx.addIssue({
          code: 'custom',
          path: ['peers', index, 'issuer'],
          message: 'stands there twice, or is our own',
        });
      seen.add(peer.issuer);
    }
  });

/** Another province. */
export interface Peer {
  /** Administrative division (GB/T 2260). */
  issuer: string;
  name: string;
  /** Origin of its platform. */
  url: string;
}

export interface Peers {
  issuer: string;
  monthKeys: ReadonlyMap<string, Buffer>;
  peers: ReadonlyMap<string, Peer>;
}

/**
 * Reads the text of `HEALTH_PEERS_FILE`.
 *
 * @throws Error that names each field that does not fit, and what it must be.
 */
export function parsePeers(text: string, file: string): Peers {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new Error(`${file} is not JSON.`);
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) {
    const lines = parsed.error.issues.map(({ path, message }) => `  ${path.join('.') || 'it'}: ${message}`);
    throw new Error(`${file} does not fit:\n${lines.join('\n')}`);
  }
  const { issuer: own, month_keys, peers } = parsed.data;
  return {
    issuer: own,
    monthKeys: new Map(Object.entries(month_keys)),
    peers: new Map(peers.map((peer) => [peer.issuer, { ...peer, url: new URL(peer.url).origin }])),
  };
}
