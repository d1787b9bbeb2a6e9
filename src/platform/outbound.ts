import { lookup as systemLookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';

export type OutboundReason =
  | 'address_invalid'
  | 'scheme_not_allowed'
  | 'private_address'
  | 'redirect'
  | 'too_large'
  | 'too_slow';

/** A request to an address that a client named was refused, or its answer was. Safe to log: no address. */
export class OutboundRefused extends Error {
  override readonly name = 'OutboundRefused';
  readonly reason: OutboundReason;

  constructor(reason: OutboundReason, options?: ErrorOptions) {
    super(`outbound request refused: ${reason}`, options);
    this.reason = reason;
  }
}

export interface OutboundOptions {
  /** Origins (`https://host[:port]`) that may be private and may be plain http. From `OUTBOUND_ALLOW`. */
  allow: readonly string[];
  /** Milliseconds for the whole exchange, the reading of the body included. */
  timeoutMs?: number;
  /** Bytes of body, after decompression. */
  maxBytes?: number;
  /** How names become addresses; only tests pass another one. */
  lookup?: LookupFunction;
}

export type OutboundInit = Pick<RequestInit, 'method' | 'headers' | 'signal'> & {
  body?: string | URLSearchParams | Uint8Array<ArrayBuffer> | null;
};
export type Outbound = (url: string | URL, init?: OutboundInit) => Promise<Response>;

/** Whether `address` may be reached from here: public unicast only (RFC 6890 registries, by ipaddr.js). */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  // `process` unwraps IPv4-mapped IPv6, which would otherwise hide 127.0.0.1 in ::ffff:7f00:1.
  return ipaddr.process(address).range() === 'unicast';
}

/**
 * Wraps a name lookup so that it fails when any answer is not public. It runs when the socket is opened, on
 * the very addresses that are then used: checking beforehand leaves room for a name that changes its mind.
 */
function publicOnly(lookup: LookupFunction): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, options, (error, address, family) => {
      if (error) return callback(error, address, family);
      const addresses = Array.isArray(address) ? address.map((each) => each.address) : [address];
      if (addresses.length > 0 && addresses.every(isPublicAddress)) return callback(null, address, family);
      callback(new OutboundRefused('private_address'), address, family);
    });
  };
}

/** @throws OutboundRefused when the address may not be called at all. */
function admit(input: string | URL, allowed: ReadonlySet<string>): { url: URL; trusted: boolean } {
  const url = URL.parse(String(input));
  if (url === null || url.username || url.password) throw new OutboundRefused('address_invalid');
  const trusted = allowed.has(url.origin);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && trusted)) {
    throw new OutboundRefused('scheme_not_allowed');
  }
  // A literal address never passes through a lookup.
  const literal = url.hostname.replace(/^\[|\]$/g, '');
  if (!trusted && ipaddr.isValid(literal) && !isPublicAddress(literal)) {
    throw new OutboundRefused('private_address');
  }
  return { url, trusted };
}

/**
 * Makes the one `fetch` for addresses that a client names (jwks_uri, sector_identifier_uri, request objects,
 * back-channel logout). It follows no redirect, reads at most `maxBytes`, gives up after `timeoutMs`, and
 * reaches public addresses by https only, unless `allow` lists the origin.
 *
 * @throws OutboundRefused with a reason; any other network error is passed on as it is.
 */
export function createOutbound(options: OutboundOptions): Outbound {
  const {
    allow,
    timeoutMs = 5_000,
    maxBytes = 128 * 1024,
    lookup = systemLookup as LookupFunction,
  } = options;
  const allowed = new Set(allow.map((origin) => new URL(origin).origin));
  let loaded: ReturnType<typeof load> | undefined;
  /** At the first request: a process that never makes one starts a tenth of a second sooner. */
  async function load() {
    const { Agent, fetch } = await import('undici');
    const connect = { timeout: timeoutMs };
    const guarded = new Agent({ connect: { ...connect, lookup: publicOnly(lookup) } });
    const open = new Agent({ connect: { ...connect, lookup } });
    return { fetch, guarded, open };
  }

  return async (input, init = {}) => {
    const { url, trusted } = admit(input, allowed);
    loaded ??= load();
    const { fetch, guarded, open } = await loaded;
    const timeout = AbortSignal.timeout(timeoutMs);
    const signal = init.signal ? AbortSignal.any([init.signal, timeout]) : timeout;
    try {
      const answer = await fetch(url, {
        method: init.method,
        headers: [...new Headers(init.headers)],
        body: init.body,
        redirect: 'manual',
        signal,
        dispatcher: trusted ? open : guarded,
      });
      if (answer.status >= 300 && answer.status < 400) {
        await answer.body?.cancel();
        throw new OutboundRefused('redirect');
      }
      const bytes = await readAtMost(maxBytes, answer.body);
      const empty = bytes.length === 0 || answer.status === 204 || answer.status === 205;
      return new Response(empty ? null : bytes, {
        status: answer.status,
        statusText: answer.statusText,
        headers: [...answer.headers].filter(([name]) => !RECODED.has(name)),
      });
    } catch (error) {
      throw reasonOf(error, timeout);
    }
  };
}

/** The body is handed on decoded and whole, so these headers would no longer be true. */
const RECODED = new Set(['content-encoding', 'content-length', 'transfer-encoding']);

async function readAtMost(
  limit: number,
  body: AsyncIterable<Uint8Array> | null,
): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body ?? []) {
    size += chunk.length;
    // Leaving the loop cancels the stream and with it the connection.
    if (size > limit) throw new OutboundRefused('too_large');
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

/** Finds our own refusal below what `fetch` wraps around it. */
function reasonOf(error: unknown, timeout: AbortSignal): unknown {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof OutboundRefused) return cause;
  }
  return timeout.aborted ? new OutboundRefused('too_slow', { cause: error }) : error;
}
