import type { Clock } from '../../platform/clock.ts';
import type { Database } from '../../platform/database.ts';
import type { Cipher } from '../../platform/field-encryption.ts';
import type { Log } from '../../platform/log.ts';
import { liveActivation } from '../activation.ts';
import { runTransitions, transitionsDue } from '../decide.ts';
import { findRulesInForce } from '../rules-in-force.ts';
import { FileRefused } from './file.ts';
import { makeFile } from './outgoing.ts';
import { forgetOthers, recordContact } from './peer-state.ts';
import type { Peers } from './peers.ts';
import { fillPids, monthOf, pidsDue } from './pid.ts';
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

/**
 * Makes the file of today unless there is one; `again` makes another one. It waits for its next turn while somebody
 * else is at work on colours or pseudonyms that are due: who is left out now is left out for a day.
 */
export async function makeDailyFile(work: ExchangeWork, again = false): Promise<void> {
  const peers = await whenOn(work);
  const now = work.clock();
  if (!peers) return;
  if (!peers.monthKeys.has(monthOf(now))) {
    return work.log.error({ month: monthOf(now) }, 'there is no key of this month for the exchange');
  }
  await refreshPids(work);
  if (await pidsDue(work.db, monthOf(now))) return;
  const rules = await findRulesInForce(work.db, now);
  if (!rules) return;
  // What ends at midnight is over before the day's file says that it lasts.
  while ((await runTransitions(work.db, { now })) > 0);
  if (await transitionsDue(work.db, now)) return;
  const { issuer } = peers;
  const file = await makeFile(work.db, { issuer, rules, again, now });
  if (file) work.log.info({ seq: file.seq, kind: file.kind, rows: file.rows }, 'exchange file made');
}

/**
 * Fetches the files of all peers. One that fails keeps no other waiting; how each ended is kept for the officers. Of a
 * province that is no peer any more nothing is expected.
 */
export async function pullAll(work: ExchangeWork): Promise<void> {
  const { db, log } = work;
  if (!(await liveActivation(db, work.clock()))) return;
  const peers = await work.peers();
  await forgetOthers(db, [...(peers?.peers.keys() ?? [])]);
  for (const peer of peers?.peers.values() ?? []) {
    const { issuer } = peer;
    const now = work.clock();
    try {
      const accepted = await pullFiles({ ...work, peers: peers!, now }, peer);
      if (accepted > 0) log.info({ issuer, accepted }, 'exchange files accepted');
      await recordContact(db, { issuer, trouble: undefined, now });
    } catch (err) {
      const refused = err instanceof FileRefused ? { refused: err.reason } : { err };
      log.error({ issuer, ...refused }, 'exchange files not taken');
      const trouble = err instanceof FileRefused ? err.reason : 'unreachable';
      await recordContact(db, { issuer, trouble, now });
    }
  }
}
