import type { Socket } from 'node:net';
import ipaddr from 'ipaddr.js';
import type { Middleware } from 'koa';

const FORWARDED = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-real-ip'];

type Range = [ipaddr.IPv4 | ipaddr.IPv6, number];

const inside = (address: ipaddr.IPv4 | ipaddr.IPv6, ranges: readonly Range[]): boolean =>
  ranges.some(([network, bits]) => network.kind() === address.kind() && address.match(network, bits));

/**
 * Reads CIDR ranges (`10.0.0.0/8`, `::1`), as `TRUSTED_PROXIES` lists them.
 * @throws Error that names the entry that is not one.
 */
export function parseRanges(list: readonly string[]): Range[] {
  return list.map((entry) => {
    try {
      if (entry.includes('/')) return ipaddr.parseCIDR(entry);
      const address = ipaddr.process(entry);
      return [address, address.kind() === 'ipv4' ? 32 : 128];
    } catch {
      throw new Error(`"${entry}" is not an address range like 10.0.0.0/8`);
    }
  });
}

/**
 * Who sent the request: walks `X-Forwarded-For` from the right past every trusted proxy. The first address that
 * no trusted proxy has is the client; what stands to the left of it is the client's own invention.
 */
export function clientAddress(remote: string, forwardedFor: string, ranges: readonly Range[]): string {
  let client = remote;
  const hops = forwardedFor.split(',').map((hop) => hop.trim());
  for (
    let hop = hops.pop();
    ipaddr.isValid(client) && inside(ipaddr.process(client), ranges);
    hop = hops.pop()
  ) {
    if (hop === undefined || !ipaddr.isValid(hop)) break;
    client = ipaddr.process(hop).toString();
  }
  return ipaddr.isValid(client) ? ipaddr.process(client).toString() : client;
}

/**
 * Must run first, on an app with `app.proxy = true`. Sets `ctx.ip`; `X-Forwarded-*` from anybody but the listed
 * proxies is removed before anything can believe it.
 */
export function trustedProxies(list: readonly string[]): Middleware {
  const ranges = parseRanges(list);
  const strangers = new WeakMap<Socket, string>();
  return (ctx, next) => {
    const { socket } = ctx.req;
    let address = strangers.get(socket);
    if (address === undefined) {
      const remote = socket.remoteAddress ?? '';
      const trusted = ipaddr.isValid(remote) && inside(ipaddr.process(remote), ranges);
      address = clientAddress(remote, trusted ? ctx.get('x-forwarded-for') : '', ranges);
      if (!trusted) strangers.set(socket, address);
    }
    ctx.request.ip = address;
    if (strangers.has(socket)) for (const header of FORWARDED) delete ctx.req.headers[header];
    return next();
  };
}

/**
 * Makes every request one to the public origin. Addresses in redirects are made from it, so neither a forged
 * `Host` nor a proxy that terminates TLS can bend them. Runs after `trustedProxies`.
 */
export function pinOrigin(origin: string): Middleware {
  const { host, protocol } = new URL(origin);
  return (ctx, next) => {
    ctx.req.headers['x-forwarded-host'] = host;
    ctx.req.headers['x-forwarded-proto'] = protocol.slice(0, -1);
    return next();
  };
}
