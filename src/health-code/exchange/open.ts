import { readFile, stat } from 'node:fs/promises';
import type Router from '@koa/router';
import type { DocumentType } from '../../citizens/identifiers.ts';
import { createOutbound, type Outbound } from '../../platform/outbound.ts';
import { openHealthKeys } from '../show/keys.ts';
import type { ExchangeWork } from './exchange.ts';
import { askGreen, type GreenAnswer, PATIENCE_MS } from './green.ts';
import { type Peers, parsePeers } from './peers.ts';
import { exchangeRoutes } from './routes.ts';
import { openPeerKeys } from './signed.ts';

/** A visitor, by the document they show and the province that knows them. */
export interface Visitor {
  issuer: string;
  documentType: DocumentType;
  idNumber: string;
}

export interface Exchange {
  router: Router;
  work: ExchangeWork;
  /** The other provinces that are configured now. */
  provinces(): Promise<{ issuer: string; name: string }[]>;
  /** Asks a visitor's province: see `askGreen`. */
  ask(visitor: Visitor): Promise<GreenAnswer | 'UNKNOWN'>;
}

/**
 * The exchange with other provinces. Without a file there is none: its addresses are not found, its work is idle,
 * and nothing is known about visitors.
 *
 * @param options.peersFile path of `HEALTH_PEERS_FILE`.
 * @param options.patienceMs how long a door waits for another province; tests on slow machines wait longer.
 * @throws Error when the file is there and does not fit.
 */
export async function openExchange(
  options: Omit<ExchangeWork, 'keys' | 'keysOf' | 'peers'> & {
    peersFile: string | undefined;
    limit: (address: string) => Promise<void>;
    patienceMs?: number;
  },
): Promise<Exchange> {
  const { db, cipher, clock, log, peersFile, limit, patienceMs = PATIENCE_MS } = options;
  const peers = peersFile === undefined ? async () => undefined : await follow(peersFile, log);
  const outbound = outboundTo(peers);
  const keys = openHealthKeys(db, cipher);
  const keysOf = openPeerKeys(outbound);
  return {
    router: exchangeRoutes({ db, clock, keys, keysOf, peers, limit }),
    work: { db, cipher, clock, log, keys, keysOf, peers },
    provinces: async () => [...((await peers())?.peers.values() ?? [])],
    async ask(visitor) {
      const known = await peers();
      if (!known) return 'UNKNOWN';
      return askGreen(outbound, { peers: known, keys, keysOf, now: clock(), patienceMs }, visitor);
    },
  };
}

/** The operator named these addresses, so they may be private; size, time and redirects are still bounded. */
function outboundTo(peers: () => Promise<Peers | undefined>): Outbound {
  let of: Peers | undefined;
  let guarded = createOutbound({ allow: [] });
  return async (url, init) => {
    const now = await peers();
    if (now !== of) {
      guarded = createOutbound({ allow: [...(now?.peers.values() ?? [])].map((peer) => peer.url) });
      of = now;
    }
    return guarded(url, init);
  };
}

/** Reads the file again whenever it has changed: a new month's key needs no restart. */
async function follow(file: string, log: ExchangeWork['log']): Promise<() => Promise<Peers>> {
  const read = async () => parsePeers(await readFile(file, 'utf8'), 'HEALTH_PEERS_FILE');
  const stamp = async () => (await stat(file)).mtimeMs;
  let [known, at] = [await read(), await stamp()];
  return async () => {
    try {
      const changedAt = await stamp();
      if (changedAt !== at) [known, at] = [await read(), changedAt];
    } catch (err) {
      log.error({ err }, 'the peers file cannot be used any more; the last good one is');
    }
    return known;
  };
}
