import { readFile, stat } from 'node:fs/promises';
import type Router from '@koa/router';
import type { Outbound } from '../../platform/outbound.ts';
import { openHealthKeys } from '../show/keys.ts';
import type { ExchangeWork } from './exchange.ts';
import { type Peers, parsePeers } from './peers.ts';
import { exchangeRoutes } from './routes.ts';
import { openPeerKeys } from './signed.ts';

export interface Exchange {
  router: Router;
  work: ExchangeWork;
}

/**
 * The exchange with other provinces. Without a file there is none: its addresses are not found, its work is idle.
 *
 * @param options.peersFile path of `HEALTH_PEERS_FILE`.
 * @throws Error when the file is there and does not fit.
 */
export async function openExchange(
  options: Omit<ExchangeWork, 'keys' | 'keysOf' | 'peers'> & {
    outbound: Outbound;
    peersFile: string | undefined;
    limit: (address: string) => Promise<void>;
  },
): Promise<Exchange> {
  const { db, cipher, clock, log, outbound, peersFile, limit } = options;
  const peers = peersFile === undefined ? async () => undefined : await follow(peersFile, log);
  const keys = openHealthKeys(db, cipher);
  const keysOf = openPeerKeys(outbound);
  return {
    router: exchangeRoutes({ db, clock, keys, keysOf, peers, limit }),
    work: { db, cipher, clock, log, keys, keysOf, peers },
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
