import { hasFreshSim } from '../../assurance/fresh-sim.ts';
import { noteLevelChange, voidEvidence } from '../../assurance/level-change.ts';
import { endAllEvidence, recordEvidence, recordProof } from '../../assurance/store.ts';
import { record } from '../../audit/log.ts';
import { AuthorityUnavailable } from '../../authorities/ask.ts';
import type { Carrier } from '../../authorities/carrier.ts';
import type { Register } from '../../authorities/register.ts';
import { transferPhone } from '../../citizens/phone.ts';
import { createAccount, createCitizen } from '../../citizens/store.ts';
import type { Queryable } from '../../platform/database.ts';
import type { Cipher } from '../../platform/field-encryption.ts';
import { Problem } from '../../platform/problem.ts';
import { hoursOf } from '../hours.ts';
import { type Draft, isFresh, nextStep, upToDate, voucher } from './draft.ts';
import { finishDraft, lockDraft } from './store.ts';

/** What the register of the document can say besides yes. */
const REGISTER_SAYS = {
  mismatch: 'identity_mismatch',
  unknown: 'identity_unknown',
  deceased: 'identity_deceased',
} as const;

/** What the carrier can say besides yes. */
const CARRIER_SAYS = { other_owner: 'phone_not_yours', unknown: 'phone_unknown' } as const;

/**
 * Asks the register of the document and then the carrier, whichever of them has not confirmed yet, or too long ago.
 *
 * @returns the draft with every confirmation that was won, and the problem that it stopped at, if any. An
 *   authority that does not answer says nothing about the person: the draft waits for another try.
 */
export async function askAuthorities(
  { register, carrier }: { register: Register; carrier: Carrier },
  draft: Draft,
  now: Date,
): Promise<{ draft: Draft; problem?: Problem }> {
  let asked = upToDate(draft, now);
  try {
    if (nextStep(asked) === 'register') {
      const { outcome, reference, source } = await register.confirm(asked);
      if (outcome !== 'match') return { draft: asked, problem: new Problem(REGISTER_SAYS[outcome], 422) };
      asked = { ...asked, register: { reference, source, at: now.toISOString() } };
    }
    if (nextStep(asked) === 'carrier') {
      const { phone, name, idNumber } = asked;
      const { outcome, reference, source } = await carrier.owner({ phone, name, idNumber });
      if (outcome !== 'match') {
        const problem = new Problem(CARRIER_SAYS[outcome], 422);
        return { draft: { ...asked, carrierRefused: true }, problem };
      }
      const freshSim = await hasFreshSim(carrier, phone, now);
      const confirmed = { reference, source, at: now.toISOString() };
      asked = { ...asked, carrier: confirmed, carrierRefused: false, freshSim };
    }
    return { draft: asked };
  } catch (error) {
    if (!(error instanceof AuthorityUnavailable)) throw error;
    const code = error.kind === 'carrier' ? 'carrier_unavailable' : 'register_unavailable';
    const params = { hours: hoursOf('draft') };
    return { draft: asked, problem: new Problem(code, 503, params, { cause: error }) };
  }
}

/** For how long the browser may still go on from a registration that is done, in milliseconds. */
const AFTERWARDS_MS = 30 * 60 * 1000;

/**
 * Opens the account: person, account, identifiers, evidence, audit row and, in an interaction, the proofs of
 * the login that this also was — in the caller's transaction, so that there is never half an account. A second
 * click finds the first one's result.
 *
 * @throws Problem `id_already_registered`, `document_shared`, `username_taken` 409; `registration_expired` 410 when the draft is
 *   gone; `registration_unfinished` 409 when a step was changed meanwhile.
 */
export async function completeRegistration(
  tx: Queryable,
  cipher: Cipher,
  ticket: Buffer,
  now: Date,
): Promise<{ citizenId: string; interactionUid: string | undefined }> {
  const stored = await lockDraft(tx, cipher, ticket, now);
  if (stored === undefined) throw new Problem('registration_expired', 410);
  if (stored.state === 'finished') return stored;
  const draft = upToDate(stored.draft, now);
  const { register, carrier } = draft;
  const vouched = carrier ? undefined : voucher(draft);
  if (nextStep(draft) !== 'finish' || !register || (!carrier && !vouched))
    throw new Problem('registration_unfinished', 409);
  const { name, documentType, idNumber, birthDate, phone, username, passwordHash, interactionUid } = draft;
  const citizenId = await createCitizen(tx, cipher, { name, documentType, idNumber, birthDate, now });
  if (carrier) {
    // The carrier has just said whose number it is: an account that had it before loses it. An officer's word
    // says nothing of the kind.
    const { fromCitizenId } = await transferPhone(tx, cipher, { phone, toCitizenId: citizenId });
    if (fromCitizenId !== undefined) await losePhone(tx, fromCitizenId, now);
  }
  await createAccount(tx, cipher, { citizenId, username, phone, passwordHash, boundLevel: 'basic', now });
  const confirmations = [
    ['register', register],
    ...(carrier ? ([['carrier', carrier]] as const) : []),
    ...(vouched ? ([['in_person', vouched]] as const) : []),
  ] as const;
  await noteLevelChange(tx, { citizenId, at: now }, async () => {
    // Somebody who closed an account begins anew: what was proved for that one is over.
    await endAllEvidence(tx, { citizenId, reason: 'account_closed', at: now });
    for (const [method, { source, reference: transactionId, at }] of confirmations) {
      await recordEvidence(tx, { citizenId, method, source, transactionId, at: new Date(at) });
    }
  });
  if (interactionUid !== undefined && isFresh(draft, now)) {
    const at = new Date(draft.phoneConfirmedAt!);
    for (const method of ['password', 'sms'] as const) {
      await recordProof(tx, { citizenId, interactionUid, method, at, boundLevel: 'basic' });
      const detail = { method, level: 'basic' } as const;
      await record(tx, { type: 'proof.recorded', citizenId, detail, at: now });
    }
  }
  await finishDraft(tx, cipher, ticket, {
    citizenId,
    interactionUid: isFresh(draft, now) ? interactionUid : undefined,
    now,
    expiresAt: new Date(now.getTime() + AFTERWARDS_MS),
  });
  await record(tx, { type: 'registration.completed', citizenId, detail: { documentType }, at: now });
  return { citizenId, interactionUid: isFresh(draft, now) ? interactionUid : undefined };
}

async function losePhone(tx: Queryable, citizenId: string, now: Date): Promise<void> {
  await voidEvidence(tx, { citizenId, method: 'carrier', reason: 'new_owner', at: now });
}
