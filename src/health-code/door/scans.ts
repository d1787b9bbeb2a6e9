import { createHmac, randomBytes } from 'node:crypto';
import type { Queryable } from '../../platform/database.ts';
import type { Cipher } from '../../platform/field-encryption.ts';
import { newId } from '../../platform/id.ts';
import { type Day, dayOf, formatDay } from '../engine/civil-day.ts';

/*
 * What stays of a check at a door: that somebody was at this venue at this time, under a name that holds for one
 * venue and one day. It can be led back to a person only with the key of the day, by two officers together, and by
 * nobody once the key is destroyed.
 */

export type ScanKind = 'online' | 'offline' | 'paper' | 'visitor';

const PURPOSE = 'health_day_key';
const KEY_BYTES = 32;

/** The name of somebody at a venue on the day of the key. @param who a citizen's id. */
export const pseudonymOf = (dayKey: Buffer, venueId: string, who: string): Buffer =>
  createHmac('sha256', dayKey).update(`${venueId} ${who}`).digest();

/** The key of a day; undefined when it was destroyed, or nobody was checked on that day. */
export async function readDayKey(db: Queryable, cipher: Cipher, day: Day): Promise<Buffer | undefined> {
  const name = formatDay(day);
  const [row] = await db.query<{ key: Buffer }>('select key from health_day_keys where day = $1', [name]);
  return row && Buffer.from(cipher.unsealShared(PURPOSE, name, row.key), 'base64');
}

async function todaysKey(tx: Queryable, cipher: Cipher, day: Day): Promise<Buffer> {
  const known = await readDayKey(tx, cipher, day);
  if (known) return known;
  const name = formatDay(day);
  await tx.query('insert into health_day_keys (day, key) values ($1, $2) on conflict do nothing', [
    name,
    cipher.sealShared(PURPOSE, name, randomBytes(KEY_BYTES).toString('base64')),
  ]);
  return (await readDayKey(tx, cipher, day))!;
}

/**
 * Writes down that somebody was checked, in the transaction of the check.
 *
 * @param scan.who the citizen's id; for a visitor a text that no citizen's id is.
 */
export async function recordScan(
  tx: Queryable,
  cipher: Cipher,
  { venueId, who, kind, at }: { venueId: string; who: string; kind: ScanKind; at: Date },
): Promise<void> {
  const key = await todaysKey(tx, cipher, dayOf(at.getTime()));
  await tx.query('insert into health_scans (venue_id, id, at, kind, pseudonym) values ($1, $2, $3, $4, $5)', [
    venueId,
    newId(),
    at,
    kind,
    pseudonymOf(key, venueId, who),
  ]);
}
