import type { Clock } from '../../platform/clock.ts';
import type { Database } from '../../platform/database.ts';
import type { Cipher } from '../../platform/field-encryption.ts';
import type { Log } from '../../platform/log.ts';
import { liveActivation } from '../activation.ts';
import { dayOf, formatDay } from '../engine/civil-day.ts';
import { ruleSetAt, ruleSets } from '../engine/rule-set.ts';
import { FileRefused } from './file.ts';
import { makeFile, newestOwnFile, secondHand } from './outgoing.ts';
import type { Peers } from './peers.ts';
import { fillPids, monthOf } from './pid.ts';
import { type PullDeps, pullFiles } from './pull.ts';

export interface ExchangeWork extends Pick<PullDeps, 'keys' | 'keysOf'> {
  db: Database;
  cipher: Cipher;
  clock: Clock;
  log: Pick<Log, 'error' | 'info'>;
  peers: () => Promise<Peers | undefined>;
}

/** The peers, as long as there are any and the health code is on. */
async function whenOn({ db, clock, peers }: ExchangeWork): Promise<Peers | undefined> {
  return (await liveActivation(db, clock())) ? peers() : undefined;
}

/** Gives everybody who lacks it this month's pseudonym. */
export async function refreshPids(work: ExchangeWork): Promise<void> {
  const peers = await whenOn(work);
  const now = work.clock();
  const month = monthOf(now);
  const key = peers?.monthKeys.get(month);
  if (key) while ((await fillPids(work.db, work.cipher, { month, key, now })) > 0);
}

/** Makes the file of today unless there is one; `again` makes another one. */
export async function makeDailyFile(work: ExchangeWork, again = false): Promise<void> {
  const peers = await whenOn(work);
  const now = work.clock();
  if (!peers) return;
  if (!peers.monthKeys.has(monthOf(now))) {
    return work.log.error({ month: monthOf(now) }, 'there is no key of this month for the exchange');
  }
  const today = formatDay(dayOf(now.getTime()));
  if (!again && (await newestOwnFile(work.db))?.businessDay === today) return;
  await refreshPids(work);
  const rules = ruleSetAt(ruleSets, now.getTime());
  if (!rules) return;
  const file = await makeFile(work.db, { issuer: peers.issuer, secondHand: secondHand(rules), now });
  work.log.info({ seq: file.seq, kind: file.kind, rows: file.rows }, 'exchange file made');
}

/** Fetches the files of all peers. One that fails keeps no other waiting. */
export async function pullAll(work: ExchangeWork): Promise<void> {
  const peers = await whenOn(work);
  for (const peer of peers?.peers.values() ?? []) {
    try {
      const accepted = await pullFiles({ ...work, peers: peers!, now: work.clock() }, peer);
      if (accepted > 0) work.log.info({ issuer: peer.issuer, accepted }, 'exchange files accepted');
    } catch (err) {
      const refused = err instanceof FileRefused ? { refused: err.reason } : { err };
      work.log.error({ issuer: peer.issuer, ...refused }, 'exchange files not taken');
    }
  }
}
