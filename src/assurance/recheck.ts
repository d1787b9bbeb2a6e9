import { AuthorityUnavailable } from '../authorities/ask.ts';
import type { Carrier } from '../authorities/carrier.ts';
import type { RecheckAnswer, Register } from '../authorities/register.ts';
import { markDeceased } from '../citizens/account-state.ts';
import { correctCitizen } from '../citizens/correct.ts';
import { documentKey, parseDocument } from '../citizens/identifiers.ts';
import { parseName } from '../citizens/names.ts';
import { type Citizen, readCitizen } from '../citizens/store.ts';
import type { Clock } from '../platform/clock.ts';
import type { Database, Queryable } from '../platform/database.ts';
import { tryEach } from '../platform/each.ts';
import type { Cipher } from '../platform/field-encryption.ts';
import { Problem } from '../platform/problem.ts';
import type { EnqueueLogout } from '../sessions/end.ts';
import { noteLevelChange } from './level-change.ts';
import { ladderPolicy } from './policy.ts';
import { endEvidence, lastReference, recordEvidence } from './store.ts';

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
 * Asks the register of the document again: monthly, and before each live check. A match renews the evidence, and
 * so does another name or a corrected number, which is taken over; a person whom the register no longer confirms
 * loses it; the account of somebody who has died is closed with all its sessions and grants.
 */
export async function recheckRegister(deps: RecheckDeps, citizenId: string): Promise<RegisterRecheck> {
  const { db, cipher, register } = deps;
  const citizen = await readCitizen(db, cipher, citizenId);
  if (citizen === undefined) return 'gone';
  if (citizen.state === 'deceased') return 'deceased';
  // Whoever has closed the account is nobody's business any more.
  if (citizen.accountState === 'closed') return 'gone';
  const reference = await lastReference(db, { citizenId, method: 'register' });
  const answer = await orUnavailable<RecheckAnswer>(
    reference === undefined ? register.confirm(citizen) : register.recheck({ ...citizen, reference }),
  );
  if (answer === undefined) return 'unavailable';
  const { outcome, source, reference: transactionId } = answer;
  const at = deps.now();
  const judge = async (tx: Queryable): Promise<RegisterRecheck> => {
    if (answer.outcome === 'changed' && !(await takeOver(tx, deps, citizen, answer, at))) {
      await endEvidence(tx, { citizenId, method: 'register', reason: 'mismatch', at });
      return 'mismatch';
    }
    if (outcome === 'match' || outcome === 'changed') {
      await recordEvidence(tx, { citizenId, method: 'register', source, transactionId, at });
      return 'match';
    }
    if (outcome === 'deceased') {
      await markDeceased(tx, deps, { citizenId, now: at });
      await endEvidence(tx, { citizenId, method: 'register', reason: 'deceased', at });
      return 'deceased';
    }
    await endEvidence(tx, { citizenId, method: 'register', reason: 'mismatch', at });
    return 'mismatch';
  };
  return db.transaction((tx) => noteLevelChange(tx, { citizenId, at }, () => judge(tx)));
}

/**
 * Takes over another name or number that the register has for the same person. Account, credentials and `sub`
 * stay.
 *
 * @returns `false` when the number is not well formed, or another citizen's: a matter for a counter.
 */
async function takeOver(
  tx: Queryable,
  { cipher }: RecheckDeps,
  { id: citizenId, documentType, idNumber: before }: Citizen,
  { name, idNumber }: { name: string; idNumber: string },
  now: Date,
): Promise<boolean> {
  const parsed = parseName(name);
  if (!parsed.ok) return false;
  if (documentKey(idNumber) === documentKey(before)) {
    await correctCitizen(tx, cipher, { citizenId, name: parsed.value, now });
    return true;
  }
  // The province was known when the old number was taken; a correction does not move the register.
  const document = parseDocument(documentType, idNumber, { now, extraProvinces: [before.slice(0, 2)] });
  if (!document.ok) return false;
  try {
    const { value, birthDate } = document;
    await correctCitizen(tx, cipher, { citizenId, name: parsed.value, idNumber: value, birthDate, now });
    return true;
  } catch (error) {
    if (error instanceof Problem && error.code === 'id_already_registered') return false;
    throw error;
  }
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
  const judge = async (tx: Queryable): Promise<PhoneRecheck | 'another_phone'> => {
    await tx.query('select 1 from accounts where citizen_id = $1 for update', [citizenId]);
    if ((await readCitizen(tx, cipher, citizenId))?.phone !== citizen.phone) return 'another_phone';
    if (answer.outcome === 'match') {
      const { source, reference: transactionId } = answer;
      await recordEvidence(tx, { citizenId, method: 'carrier', source, transactionId, at });
      return 'match';
    }
    if (answer.outcome === 'unknown') return 'unknown';
    await endEvidence(tx, { citizenId, method: 'carrier', reason: 'new_owner', at });
    return 'new_owner';
  };
  const judged = await db.transaction((tx) => noteLevelChange(tx, { citizenId, at }, () => judge(tx)));
  // The citizen changed it while the carrier looked: what was said of the old number says nothing of the new one.
  return judged === 'another_phone' ? recheckPhone(deps, citizenId) : judged;
}

const hasPhone = (citizen: Citizen | undefined): citizen is Citizen & { phone: string } =>
  citizen?.accountState !== undefined && citizen.accountState !== 'closed' && citizen.phone !== undefined;

/**
 * Does the rechecks that are due. Each is put off by the retry time before it is tried, so that several
 * processes share the work and an authority that is down is asked again later.
 *
 * @returns how many were tried; call again while it is `limit`.
 * @throws AggregateError with what went wrong for some, after all were tried.
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
  await tryEach(due, 'some rechecks did not end', async ({ citizen_id: citizenId, method }) => {
    const outcome =
      method === 'register' ? await recheckRegister(deps, citizenId) : await recheckPhone(deps, citizenId);
    // A match has set the next date itself; anything final leaves nothing to ask about.
    if (outcome === 'match' || outcome === 'unavailable' || outcome === 'unknown') return;
    await deps.db.query('delete from rechecks where citizen_id = $1 and method = $2 and due_at = $3', [
      citizenId,
      method,
      retryAt,
    ]);
  });
  return due.length;
}
