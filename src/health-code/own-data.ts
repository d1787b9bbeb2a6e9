import type { Queryable } from '../platform/database.ts';
import type { Cipher } from '../platform/field-encryption.ts';
import { readAppeals } from './appeals/store.ts';
import { daysOfTrip, readTrips } from './travel/trip.ts';

/** More than anybody has: the copy is whole. */
const ALL = 100_000;

/** What a citizen told the health code, and what it decided: for the copy of their data that they may ask for. */
export async function ownHealthData(db: Queryable, cipher: Cipher, citizenId: string) {
  const declarations = await db.query<{ at: Date; body: Buffer }>(
    'select at, body from health_declarations where citizen_id = $1 order by at desc, id desc',
    [citizenId],
  );
  const checkins = await db.query<{ at: Date; temp: number | null; symptoms: string[] }>(
    'select at, temp, symptoms from health_checkins where citizen_id = $1 order by at desc, id desc',
    [citizenId],
  );
  const decisions = await db.query<{ at: Date; colour: string; reasons: string[]; rule_set: string }>(
    'select at, colour, reasons, rule_set from health_decisions where citizen_id = $1 order by at desc, id desc',
    [citizenId],
  );
  const trips = await readTrips(db, cipher, citizenId, ALL);
  const appeals = await readAppeals(db, cipher, citizenId, ALL);
  return {
    declarations: declarations.map(({ at, body }) => ({
      at,
      declared: JSON.parse(cipher.unsealShared('health_declaration', citizenId, body)) as unknown,
    })),
    checkins: checkins.map(({ at, temp, symptoms }) => ({
      at,
      ...(temp !== null && { celsius: temp / 10 }),
      symptoms,
    })),
    decisions: decisions.map(({ at, colour, reasons, rule_set: ruleSet }) => ({
      at,
      colour,
      reasons,
      ruleSet,
    })),
    trips: trips.map(({ declaredAt, province, city, way, number, answer, ...trip }) => ({
      at: declaredAt,
      declared: { province, city, ...daysOfTrip(trip), way, number },
      carrier: answer,
    })),
    appeals: appeals.map(({ filedAt, text, state, answer, decidedAt }) => ({
      at: filedAt,
      text,
      state,
      answer,
      decidedAt,
    })),
  };
}
