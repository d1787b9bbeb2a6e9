import { createHash } from 'node:crypto';
import { record } from '../../audit/log.ts';
import type { Queryable } from '../../platform/database.ts';
import type { Cipher } from '../../platform/field-encryption.ts';
import { newId } from '../../platform/id.ts';
import { Problem } from '../../platform/problem.ts';
import { decideFor } from '../decide.ts';
import { type Day, days, formatDay, startOf } from '../engine/civil-day.ts';
import type { Holder } from '../people.ts';
import { healthSettings } from '../settings.ts';

/** How somebody travelled. */
export const WAYS = ['plane', 'train', 'coach', 'car', 'ship', 'other'] as const;
export type Way = (typeof WAYS)[number];

/** What a citizen declares of one trip. */
export interface Trip {
  /** Two digits of GB/T 2260. */
  province: string;
  city: string;
  from: Day;
  to: Day;
  way: Way;
  /** Flight, train or number plate. */
  number: string | undefined;
  signature: string;
}

/** A trip as its page lists it. */
export interface DeclaredTrip extends Trip {
  id: string;
  declaredAt: Date;
  state: 'waiting' | 'answered' | 'unanswered' | 'not_asked';
  answer: 'yes' | 'no' | 'unknown' | undefined;
}

/** More than anybody makes in the days that are asked about; what is beyond is a script. */
const MOST_TRIPS = 30;

const purpose = 'health_trip';
/** What the carrier was asked once it is not asked again, whoever declares it how often. */
const fingerprintOf = (cipher: Cipher, citizenId: string, { province, from, to }: Trip) =>
  cipher.blindIndex(purpose, JSON.stringify([citizenId, province, from, to]));

/** The end of the exposure: a trip ends with its last day; today's has not ended. */
export const endOfTrip = (to: Day, now: Date): Date =>
  new Date(Math.min(startOf(to) + days(1) - 1, now.getTime()));

/** Evidence that a declared trip and the carrier's answer disagree; it is all that a trip can yield. */
export async function recordMismatch(
  tx: Queryable,
  { subject, tripId, to, now }: { subject: Buffer; tripId: string; to: Day; now: Date },
): Promise<void> {
  await tx.query(
    `insert into health_evidence (subject, id, type, source, reference, at, purpose, received_at)
     values ($1, $2, 'DECL_MISMATCH', 'engine', $3, $4, $5, $6)
     on conflict (subject, source, reference) do nothing`,
    [subject, newId(), tripId, endOfTrip(to, now), healthSettings.purpose, now],
  );
}

/**
 * Files a signed trip. By itself it gives no colour. The carrier is to be asked about it, unless it was asked
 * about the same province and days before: then that answer holds.
 *
 * @param ask false where there is no phone that is the traveller's own: a child's, or an elder's without one.
 * @throws Problem 409 `health_not_declared` before the first health declaration, `health_trip_known`; 429
 * `health_trips_many`.
 */
export async function declareTrip(
  tx: Queryable,
  cipher: Cipher,
  {
    holder: { citizenId, subject },
    trip,
    ask,
    declaredBy,
    sessionUid,
    now,
  }: {
    holder: Holder;
    trip: Trip;
    ask: boolean;
    declaredBy?: string | undefined;
    sessionUid?: string | undefined;
    now: Date;
  },
): Promise<string> {
  // Whoever declares twice at once waits here for themselves.
  const [person] = await tx.query('select 1 from health_people where citizen_id = $1 for update', [
    citizenId,
  ]);
  if (!person) throw new Problem('health_not_declared', 409);
  const fingerprint = fingerprintOf(cipher, citizenId, trip);
  const [known] = await tx.query<{ answer: DeclaredTrip['answer'] | null; live: boolean; recent: number }>(
    `select max(answer) filter (where fingerprint = $2) as answer,
       coalesce(bool_or(withdrawn_at is null) filter (where fingerprint = $2), false) as live,
       count(*) filter (where declared_at >= $3) as recent
     from health_trips where citizen_id = $1`,
    [citizenId, fingerprint, new Date(now.getTime() - days(healthSettings.exposureDays))],
  );
  if (known?.live) throw new Problem('health_trip_known', 409);
  if (known && known.recent >= MOST_TRIPS) throw new Problem('health_trips_many', 429);
  const answer = known?.answer ?? null;
  const id = newId();
  const text = JSON.stringify({ ...trip, notice: healthSettings.notice, at: now.toISOString() });
  await tx.query(
    `insert into health_trips (citizen_id, id, declared_at, declared_by, body, digest, notice, session_uid,
       fingerprint, state, answer)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
    [
      citizenId,
      id,
      now,
      declaredBy ?? null,
      cipher.sealShared(purpose, citizenId, text),
      createHash('sha256').update(text).digest(),
      healthSettings.notice,
      sessionUid ?? null,
      fingerprint,
      answer !== null ? 'answered' : ask ? 'waiting' : 'not_asked',
      answer,
    ],
  );
  if (answer === 'no') await recordMismatch(tx, { subject, tripId: id, to: trip.to, now });
  const actor = declaredBy === undefined ? undefined : `guardian:${declaredBy}`;
  await record(tx, { type: 'health.travel_declared', citizenId, sessionUid, actor, at: now });
  await decideFor(tx, citizenId, now);
  return id;
}

/** What a trip's sealed body says. */
export function openTrip(cipher: Cipher, citizenId: string, body: Buffer): Trip {
  return JSON.parse(cipher.unsealShared(purpose, citizenId, body)) as Trip;
}

interface Row {
  id: string;
  declared_at: Date;
  body: Buffer;
  state: DeclaredTrip['state'];
  answer: DeclaredTrip['answer'] | null;
}

/** The trips that a citizen declared and did not take back, the newest first. */
export async function readTrips(
  db: Queryable,
  cipher: Cipher,
  citizenId: string,
  limit = 20,
): Promise<DeclaredTrip[]> {
  const rows = await db.query<Row>(
    `select id, declared_at, body, state, answer from health_trips
     where citizen_id = $1 and withdrawn_at is null order by id desc limit $2`,
    [citizenId, limit],
  );
  return rows.map((row) => ({
    ...openTrip(cipher, citizenId, row.body),
    id: row.id,
    declaredAt: row.declared_at,
    state: row.state,
    answer: row.answer ?? undefined,
  }));
}

/**
 * Takes a trip back, and with it what the carrier's answer led to.
 *
 * @returns whether there was one to take back.
 */
export async function withdrawTrip(
  tx: Queryable,
  {
    holder: { citizenId, subject },
    id,
    by,
    sessionUid,
    now,
  }: {
    holder: Holder;
    id: string;
    by?: string | undefined;
    sessionUid?: string | undefined;
    now: Date;
  },
): Promise<boolean> {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)) return false;
  const rows = await tx.query(
    `update health_trips set withdrawn_at = $3,
       state = case when state = 'waiting' then 'not_asked' else state end
     where citizen_id = $1 and id = $2 and withdrawn_at is null returning id`,
    [citizenId, id, now],
  );
  if (rows.length === 0) return false;
  await tx.query(
    `update health_evidence set revoked_at = least(revoked_at, $3)
     where subject = $1 and source = 'engine' and reference = $2`,
    [subject, id, now],
  );
  const actor = by === undefined ? undefined : `guardian:${by}`;
  await record(tx, { type: 'health.travel_withdrawn', citizenId, sessionUid, actor, at: now });
  await decideFor(tx, citizenId, now);
  return true;
}

/** The days of a trip as the carrier is asked about them. */
export const daysOfTrip = ({ from, to }: Pick<Trip, 'from' | 'to'>) => ({
  from: formatDay(from),
  to: formatDay(to),
});
