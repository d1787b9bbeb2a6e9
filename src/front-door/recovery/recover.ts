import { noteLevelChange, voidEvidence } from '../../assurance/level-change.ts';
import { endEvidence, recordEvidence } from '../../assurance/store.ts';
import { record } from '../../audit/log.ts';
import { AuthorityUnavailable } from '../../authorities/ask.ts';
import type { Carrier } from '../../authorities/carrier.ts';
import { capLevel, lockAccount } from '../../citizens/account-state.ts';
import { cancelClosing } from '../../citizens/closing.ts';
import { removeAllCredentials } from '../../citizens/credentials.ts';
import { changePassword } from '../../citizens/password.ts';
import { changePhone, transferPhone } from '../../citizens/phone.ts';
import { readCitizen } from '../../citizens/store.ts';
import type { Database, Queryable } from '../../platform/database.ts';
import { tryEach } from '../../platform/each.ts';
import type { Cipher } from '../../platform/field-encryption.ts';
import type { Translate } from '../../platform/i18n.ts';
import { lifetimes } from '../../platform/lifetimes.ts';
import { post } from '../../platform/outbox.ts';
import { type EnqueueLogout, endSessions } from '../../sessions/end.ts';
import { barTo } from '../account-bars.ts';
import { hoursOf } from '../hours.ts';
import { hashOf, newToken } from '../ticket.ts';
import { nextRecoveryStep } from './steps.ts';
import {
  decideRecovery,
  dropProvedRecoveries,
  dueRecoveries,
  lockRecovery,
  type Recovery,
  waitingRecoveries,
} from './store.ts';

/** What a recovery works with, besides the transaction. */
export interface RecoveryTools {
  cipher: Cipher;
  origin: string;
  /** The texts of a language, for messages. */
  translator(locale: 'zh-CN' | 'en'): Translate;
  enqueueLogout: EnqueueLogout;
}

/** For how long "this was not me" works after a change, in milliseconds. */
const OBJECTION_MS = 7 * 24 * 60 * 60 * 1000;
const later = (now: Date, seconds: number): Date => new Date(now.getTime() + seconds * 1000);

/**
 * Tells every phone that the account has or had, with a link that stops the change. The link works once.
 *
 * @returns the hash of the link's token, to be stored.
 */
async function tell(
  tx: Queryable,
  { cipher, origin, translator }: RecoveryTools,
  {
    phones,
    recovery,
    about,
    now,
  }: {
    phones: readonly (string | undefined)[];
    recovery: Recovery;
    about: 'password' | 'phoneWaiting' | 'phoneChanged' | 'cancelled' | 'refused';
    now: Date;
  },
): Promise<Buffer> {
  const token = newToken();
  const url = `${origin}/recover/stop/${token}`;
  const text = translator(recovery.file.locale)(`frontDoor.recover.message.${about}`, {
    url,
    hours: hoursOf('lostPhoneWait'),
  });
  for (const to of new Set(phones)) {
    if (to !== undefined) await post(tx, cipher, { channel: 'sms', to, text, kind: 'recovery', now });
  }
  return hashOf(token);
}

/** What every recovery does to the account once it is applied. */
async function secure(
  tx: Queryable,
  tools: RecoveryTools,
  { citizenId, recoveryId, now }: { citizenId: string; recoveryId: string; now: Date },
): Promise<void> {
  await capLevel(tx, citizenId, { level: 'basic', until: later(now, lifetimes.recoveryCap) });
  // Whoever took the account over may have asked for its end.
  await cancelClosing(tx, { citizenId, now });
  await endSessions(tx, tools.enqueueLogout, { accountId: citizenId, reason: 'recovery', now });
  await endOthers(tx, tools, { citizenId, recoveryId, now });
}

/** What somebody else has begun must not be applied after a recovery was, or after its owner said no to it. */
async function endOthers(
  tx: Queryable,
  tools: RecoveryTools,
  { citizenId, recoveryId, now }: { citizenId: string; recoveryId: string; now: Date },
): Promise<void> {
  for (const kind of await dropProvedRecoveries(tx, { citizenId, except: recoveryId })) {
    await record(tx, { type: 'recovery.cancelled', citizenId, detail: { kind }, at: now });
  }
  for (const { id } of await waitingRecoveries(tx, citizenId)) {
    if (id !== recoveryId) await cancelRecovery(tx, tools, { recoveryId: id, now });
  }
}

/**
 * Sets the new password: ends all sessions and refresh tokens, keeps passkeys only if the citizen says that they
 * still are theirs, holds the account at basic for a day, and tells every channel.
 *
 * @returns whether it happened now: a second click finds it done, and the account can be another by now.
 */
export async function applyNewPassword(
  tx: Queryable,
  tools: RecoveryTools,
  change: { recoveryId: string; passwordHash: string; keepPasskeys: readonly string[]; now: Date },
): Promise<boolean> {
  const { cipher } = tools;
  const { now, passwordHash, keepPasskeys } = change;
  const recovery = await lockRecovery(tx, cipher, change.recoveryId, 'proved');
  const citizenId = recovery?.citizenId;
  if (recovery?.kind !== 'password' || citizenId === undefined) return false;
  const citizen = await readCitizen(tx, cipher, citizenId);
  const { file } = recovery;
  // Looked at again now that nothing can change. A code to a phone that the account has no more proves nothing.
  const proved = nextRecoveryStep('password', file) === 'password' && file.phone === citizen?.phone;
  if (!proved || barTo(citizen)) return false;
  await changePassword(tx, { citizenId, passwordHash, boundLevel: 'basic', now });
  await removeAllCredentials(tx, { citizenId, keepPasskeys });
  await noteLevelChange(tx, { citizenId, at: now }, () =>
    secure(tx, tools, { citizenId, recoveryId: recovery.id, now }),
  );
  const stopHash = await tell(tx, tools, { phones: [citizen?.phone], recovery, about: 'password', now });
  const decided = { file, stopHash, decidedAt: now, expiresAt: new Date(now.getTime() + OBJECTION_MS) };
  await decideRecovery(tx, cipher, recovery.id, { state: 'applied', ...decided });
  const detail = { kind: 'password', keptPasskeys: keepPasskeys.length > 0 } as const;
  await record(tx, { type: 'recovery.completed', citizenId, detail, at: now });
  await record(tx, { type: 'password.changed', citizenId, at: now });
  return true;
}

/**
 * Lets the wait for a new phone begin, and tells the old one.
 *
 * @param begun.keepPasskeys those that the citizen says still are theirs; the others go when the wait is over.
 * @returns when it ends, if it began now.
 */
export async function beginWait(
  tx: Queryable,
  tools: RecoveryTools,
  { recoveryId, keepPasskeys, now }: { recoveryId: string; keepPasskeys: readonly string[]; now: Date },
): Promise<Date | undefined> {
  const recovery = await lockRecovery(tx, tools.cipher, recoveryId, 'proved');
  const citizenId = recovery?.citizenId;
  if (recovery?.kind !== 'phone' || citizenId === undefined) return undefined;
  const citizen = await readCitizen(tx, tools.cipher, citizenId);
  const file = { ...recovery.file, keepPasskeys };
  if (nextRecoveryStep('phone', file) !== 'confirm' || barTo(citizen)) return undefined;
  const phones = [citizen?.phone, file.phone];
  const stopHash = await tell(tx, tools, { phones, recovery, about: 'phoneWaiting', now });
  const applyAt = later(now, lifetimes.lostPhoneWait);
  const expiresAt = new Date(applyAt.getTime() + OBJECTION_MS);
  await decideRecovery(tx, tools.cipher, recovery.id, {
    state: 'waiting',
    file,
    stopHash,
    applyAt,
    expiresAt,
  });
  await record(tx, { type: 'phone.change_requested', citizenId, at: now });
  return applyAt;
}

/**
 * Ends a wait before its time: by the citizen's own pages, the browser that began it, or the link in the message.
 *
 * @returns whether it was still waiting.
 */
export async function cancelRecovery(
  tx: Queryable,
  tools: RecoveryTools,
  { recoveryId, now }: { recoveryId: string; now: Date },
): Promise<boolean> {
  const recovery = await lockRecovery(tx, tools.cipher, recoveryId, 'waiting');
  if (!recovery?.citizenId) return false;
  const { citizenId, file } = recovery;
  const citizen = await readCitizen(tx, tools.cipher, citizenId);
  await tell(tx, tools, { phones: [citizen?.phone, file.phone], recovery, about: 'cancelled', now });
  const expiresAt = new Date(now.getTime() + OBJECTION_MS);
  await decideRecovery(tx, tools.cipher, recovery.id, {
    state: 'cancelled',
    file,
    decidedAt: now,
    expiresAt,
  });
  await record(tx, { type: 'recovery.cancelled', citizenId, detail: { kind: recovery.kind }, at: now });
  await record(tx, { type: 'phone.change_cancelled', citizenId, at: now });
  return true;
}

/**
 * "This was not me": a wait is ended; a change that has happened freezes the account until somebody at a counter
 * has seen who is who. Once only.
 */
export async function objectToRecovery(
  tx: Queryable,
  tools: RecoveryTools,
  { recovery, now }: { recovery: Recovery; now: Date },
): Promise<'cancelled' | 'frozen' | undefined> {
  if (recovery.state === 'waiting') {
    return (await cancelRecovery(tx, tools, { recoveryId: recovery.id, now })) ? 'cancelled' : undefined;
  }
  const held = await lockRecovery(tx, tools.cipher, recovery.id, 'applied');
  if (!held?.citizenId) return undefined;
  const { citizenId, file, kind } = held;
  await lockAccount(tx, tools, { citizenId, reason: 'recovery', now });
  await endOthers(tx, tools, { citizenId, recoveryId: held.id, now });
  const expiresAt = new Date(now.getTime() + OBJECTION_MS);
  await decideRecovery(tx, tools.cipher, held.id, { state: 'cancelled', file, decidedAt: now, expiresAt });
  await record(tx, { type: 'recovery.cancelled', citizenId, detail: { kind }, at: now });
  return 'frozen';
}

/** What the log says of an account that may not be used by now. */
const BARRED: Record<string, 'locked' | 'deceased' | undefined> = {
  account_locked: 'locked',
  account_deceased: 'deceased',
};

/**
 * Gives the account its new phone, three days after it was asked for. The carrier is asked once more: a number
 * can change hands in three days.
 *
 * @returns what came of it; `undefined` when it was no longer waiting.
 * @throws AuthorityUnavailable, and the wait goes on.
 */
export async function applyNewPhone(
  tx: Queryable,
  tools: RecoveryTools & { carrier: Carrier },
  { recoveryId, now }: { recoveryId: string; now: Date },
): Promise<'applied' | 'refused' | undefined> {
  const { cipher, carrier } = tools;
  const recovery = await lockRecovery(tx, cipher, recoveryId, 'waiting');
  const { citizenId, file, applyAt } = recovery ?? {};
  if (!recovery || !citizenId || !file?.phone || !applyAt || applyAt.getTime() > now.getTime())
    return undefined;
  const citizen = await readCitizen(tx, cipher, citizenId);
  const { phone } = file;
  const decided = { file, decidedAt: now, expiresAt: new Date(now.getTime() + OBJECTION_MS) };
  const bar = barTo(citizen);
  const answer = bar ? undefined : await carrier.owner({ phone, name: file.name, idNumber: file.idNumber });
  if (answer?.outcome !== 'match') {
    await tell(tx, tools, { phones: [citizen?.phone, phone], recovery, about: 'refused', now });
    await decideRecovery(tx, cipher, recovery.id, { state: 'refused', ...decided });
    const reason = bar ? (BARRED[bar.code] ?? 'account_closed') : 'carrier_mismatch';
    const detail = { kind: 'phone', reason } as const;
    await record(tx, { type: 'recovery.refused', citizenId, detail, at: now });
    return 'refused';
  }
  const { fromCitizenId } = await transferPhone(tx, cipher, { phone, toCitizenId: citizenId });
  if (fromCitizenId !== undefined) {
    await voidEvidence(tx, { citizenId: fromCitizenId, method: 'carrier', reason: 'new_owner', at: now });
  }
  await changePhone(tx, cipher, { citizenId, phone, boundLevel: 'basic', now });
  const { source, reference: transactionId } = answer;
  await noteLevelChange(tx, { citizenId, at: now }, async () => {
    await endEvidence(tx, { citizenId, method: 'carrier', reason: 'phone_changed', at: now });
    await recordEvidence(tx, { citizenId, method: 'carrier', source, transactionId, at: now });
    await removeAllCredentials(tx, { citizenId, keepPasskeys: file.keepPasskeys ?? [] });
    await secure(tx, tools, { citizenId, recoveryId, now });
  });
  const phones = [citizen?.phone, phone];
  const stopHash = await tell(tx, tools, { phones, recovery, about: 'phoneChanged', now });
  await decideRecovery(tx, cipher, recovery.id, { state: 'applied', ...decided, stopHash });
  const detail = { kind: 'phone', keptPasskeys: (file.keepPasskeys ?? []).length > 0 } as const;
  await record(tx, { type: 'recovery.completed', citizenId, detail, at: now });
  await record(tx, { type: 'phone.changed', citizenId, at: now });
  return 'applied';
}

/**
 * Applies every wait that is over; a job calls it. One that cannot be asked about now waits for the next time.
 *
 * @returns how many came to an end.
 */
export async function applyDueRecoveries(
  db: Database,
  tools: RecoveryTools & { carrier: Carrier },
  now: Date,
): Promise<number> {
  let ended = 0;
  await tryEach(await dueRecoveries(db, now), 'some recoveries could not be applied', async (recoveryId) => {
    try {
      if (await db.transaction((tx) => applyNewPhone(tx, tools, { recoveryId, now }))) ended++;
    } catch (error) {
      if (!(error instanceof AuthorityUnavailable)) throw error;
    }
  });
  return ended;
}
