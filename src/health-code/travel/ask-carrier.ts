import { recordAccess } from '../../audit/access-log.ts';
import { record } from '../../audit/log.ts';
import { AuthorityUnavailable } from '../../authorities/ask.ts';
import type { StayAnswer, StayCarrier } from '../../authorities/carrier.ts';
import { readCitizen } from '../../citizens/store.ts';
import type { Database } from '../../platform/database.ts';
import type { Cipher } from '../../platform/field-encryption.ts';
import { decideFor } from '../decide.ts';
import { subjectOf } from '../people.ts';
import { NoRuleSet } from '../rules-in-force.ts';
import { healthSettings } from '../settings.ts';
import { daysOfTrip, openTrip, recordMismatch } from './trip.ts';

/** Attempts in all; a carrier that cannot be reached leaves a trip as it is. */
const ATTEMPTS = 3;
/** How long after an attempt the next one is made: longer each time. */
const RETRY_MINUTES = 10;

interface Waiting {
  citizen_id: string;
  id: string;
  body: Buffer;
  attempts: number;
}

/**
 * Asks the carrier about trips that wait for it: yes or no, once for each. A "no" is evidence of a mismatch, which
 * the citizen can clear by correcting the trip. Who has no phone of their own any more is not asked about.
 *
 * @returns how many were taken up; call again while it is not 0.
 */
export async function askAboutTrips(
  { db, cipher, stayCarrier }: { db: Database; cipher: Cipher; stayCarrier: StayCarrier },
  { now, limit = 20 }: { now: Date; limit?: number },
): Promise<number> {
  // Counted before asking: a process that dies in between does not ask for ever.
  const waiting = await db.query<Waiting>(
    `update health_trips t set attempts = t.attempts + 1, asked_at = $1
     where (t.citizen_id, t.id) in (
       select citizen_id, id from health_trips
       where state = 'waiting' and (asked_at is null or asked_at + attempts * $3 * interval '1 minute' <= $1)
       order by declared_at limit $2 for update skip locked)
     returning t.citizen_id, t.id, t.body, t.attempts`,
    [now, limit, RETRY_MINUTES],
  );
  for (const trip of waiting) {
    const citizen = await readCitizen(db, cipher, trip.citizen_id);
    const phone = citizen?.state === 'active' ? citizen.phone : undefined;
    if (citizen === undefined || phone === undefined) {
      await leave(db, trip, 'not_asked');
      continue;
    }
    const { province, from, to } = openTrip(cipher, trip.citizen_id, trip.body);
    try {
      const answer = await stayCarrier.wasIn({ phone, province, ...daysOfTrip({ from, to }) });
      await settle(db, trip, { answer, subject: subjectOf(cipher, citizen.idNumber), to, now });
    } catch (error) {
      if (!(error instanceof AuthorityUnavailable)) throw error;
      if (trip.attempts >= ATTEMPTS) await leave(db, trip, 'unanswered');
    }
  }
  return waiting.length;
}

async function leave(
  db: Database,
  { citizen_id, id }: Waiting,
  state: 'not_asked' | 'unanswered',
): Promise<void> {
  await db.query(
    `update health_trips set state = $3 where citizen_id = $1 and id = $2 and state = 'waiting'`,
    [citizen_id, id, state],
  );
}

async function settle(
  db: Database,
  { citizen_id: citizenId, id }: Waiting,
  { answer, subject, to, now }: { answer: StayAnswer; subject: Buffer; to: number; now: Date },
): Promise<void> {
  await db.transaction(async (tx) => {
    const rows = await tx.query(
      `update health_trips set state = 'answered', answer = $3, reference = $4
       where citizen_id = $1 and id = $2 and state = 'waiting' returning id`,
      [citizenId, id, answer.outcome, answer.reference],
    );
    // Taken back meanwhile: then the answer leads to nothing.
    if (rows.length === 0) return;
    await record(tx, {
      type: 'health.travel_asked',
      citizenId,
      actor: 'system',
      detail: { answer: answer.outcome },
      at: now,
    });
    await recordAccess(tx, {
      citizenId,
      clientId: 'carrier',
      what: ['phone_number', 'declared_travel'],
      purpose: healthSettings.purpose,
      at: now,
    });
    if (answer.outcome !== 'no') return;
    await recordMismatch(tx, { subject, tripId: id, to, now });
    await decideFor(tx, citizenId, now).catch((error: unknown) => {
      if (!(error instanceof NoRuleSet)) throw error;
    });
  });
}
