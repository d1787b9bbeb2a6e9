import { record } from '../audit/log.ts';
import { AuthorityUnavailable } from '../authorities/ask.ts';
import type { Carrier } from '../authorities/carrier.ts';
import type { Register } from '../authorities/register.ts';
import { closeAccount, markDeceased } from '../citizens/account-state.ts';
import { type Citizen, readCitizen } from '../citizens/store.ts';
import type { Clock } from '../platform/clock.ts';
import type { Database } from '../platform/database.ts';
import type { Cipher } from '../platform/field-encryption.ts';
import { type EnqueueLogout, endSessions } from '../sessions/end.ts';
import { ladderPolicy } from './policy.ts';
import { endEvidence, recordEvidence } from './store.ts';

export interface RecheckDeps {
  db: Database;
  cipher: Cipher;
  register: Register;
  carrier: Carrier;
  now: Clock;
  enqueueLogout: EnqueueLogout;
}

/** `gone`: nobody to ask about. `unavailable`: nobody to ask; nothing changed. */
export type RegisterRecheck = 'match' | 'mismatch' | 'deceased' | 'gone' | 'unavailable';
export type PhoneRecheck = 'match' | 'new_owner' | 'unknown' | 'gone' | 'unavailable';

async function orUnavailable<T>(asking: Promise<T>): Promise<T | undefined> {
  try {
    return await asking;
  } catch (error) {
    if (error instanceof AuthorityUnavailable) return undefined;
    throw error;
  }
}

/**
 * Asks the register of the document again: monthly, and before each live check. A match renews the evidence; a
 * person whom the register no longer confirms by name and number loses it; the account of somebody who has died
 * is closed with all its sessions and grants.
 */
export async function recheckRegister(deps: RecheckDeps, citizenId: string): Promise<RegisterRecheck> {
  const { db, cipher, register } = deps;
  const citizen = await readCitizen(db, cipher, citizenId);
  if (citizen === undefined) return 'gone';
  if (citizen.state === 'deceased') return 'deceased';
  const answer = await orUnavailable(register.confirm(citizen));
  if (answer === undefined) return 'unavailable';
  const { outcome, source, reference: transactionId } = answer;
  const at = deps.now();
  return db.transaction(async (tx) => {
    if (outcome === 'match') {
      await recordEvidence(tx, { citizenId, method: 'register', source, transactionId, at });
      return 'match';
    }
    if (outcome === 'deceased') {
      await markDeceased(tx, citizenId, at);
      await endEvidence(tx, { citizenId, method: 'register', reason: 'deceased', at });
      await endSessions(tx, deps.enqueueLogout, { accountId: citizenId, reason: 'deceased', now: at });
      const closed = await closeAccount(tx, cipher, { citizenId, reason: 'deceased', now: at });
      if (closed) await record(tx, { type: 'account.closed', citizenId, detail: { reason: 'deceased' }, at });
      return 'deceased';
    }
    await endEvidence(tx, { citizenId, method: 'register', reason: 'mismatch', at });
    return 'mismatch';
  });
}

/**
 * Asks the carrier again whose the account's phone is. A match renews the evidence; another owner voids it. A
 * number that the carrier does not know just now keeps its evidence until that expires.
 */
export async function recheckPhone(deps: RecheckDeps, citizenId: string): Promise<PhoneRecheck> {
  const { db, cipher, carrier } = deps;
  const citizen = await readCitizen(db, cipher, citizenId);
  if (!hasPhone(citizen)) return 'gone';
  const answer = await orUnavailable(carrier.owner(citizen));
  if (answer === undefined) return 'unavailable';
  const at = deps.now();
  return db.transaction(async (tx) => {
    if (answer.outcome === 'match') {
      const { source, reference: transactionId } = answer;
      await recordEvidence(tx, { citizenId, method: 'carrier', source, transactionId, at });
      return 'match';
    }
    if (answer.outcome === 'unknown') return 'unknown';
    await endEvidence(tx, { citizenId, method: 'carrier', reason: 'new_owner', at });
    return 'new_owner';
  });
}

const hasPhone = (citizen: Citizen | undefined): citizen is Citizen & { phone: string } =>
  citizen?.accountState !== undefined && citizen.accountState !== 'closed' && citizen.phone !== undefined;

/**
 * Does the rechecks that are due. Each is put off by the retry time before it is tried, so that several
 * processes share the work and an authority that is down is asked again later.
 *
 * @returns how many were tried; call again while it is `limit`.
 */
export async function runRechecks(deps: RecheckDeps, { limit }: { limit: number }): Promise<number> {
  const now = deps.now();
  const retryAt = new Date(now.getTime() + ladderPolicy.recheckRetrySeconds * 1000);
  const due = await deps.db.query<{ citizen_id: string; method: 'register' | 'carrier' }>(
    `update rechecks set due_at = $2 where (citizen_id, method) in (
       select citizen_id, method from rechecks where due_at <= $1 order by due_at limit $3
       for update skip locked)
     returning citizen_id, method`,
    [now, retryAt, limit],
  );
  for (const { citizen_id: citizenId, method } of due) {
    const outcome =
      method === 'register' ? await recheckRegister(deps, citizenId) : await recheckPhone(deps, citizenId);
    // A match has set the next date itself; anything final leaves nothing to ask about.
    if (outcome === 'match' || outcome === 'unavailable' || outcome === 'unknown') continue;
    await deps.db.query('delete from rechecks where citizen_id = $1 and method = $2 and due_at = $3', [
      citizenId,
      method,
      retryAt,
    ]);
  }
  return due.length;
}
