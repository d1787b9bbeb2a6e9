import { createHash, randomInt, timingSafeEqual } from 'node:crypto';
import { record } from '../../audit/log.ts';
import type { Queryable } from '../../platform/database.ts';
import { newId } from '../../platform/id.ts';
import { Problem } from '../../platform/problem.ts';

/** A venue whose device asks. */
export interface Venue {
  id: string;
  name: string;
  /** Administrative division (GB/T 2260). */
  region: string;
  deviceId: string;
}

/** Crockford's base 32: no I, L, O, U, because somebody types it once. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const ID_LETTERS = 8;
/** 120 bits: nobody guesses it, so a plain hash keeps it. */
const SECRET_LETTERS = 24;
const CREDENTIAL = new RegExp(`^[${ALPHABET}]{${ID_LETTERS + SECRET_LETTERS}}$`);

const letters = (count: number) =>
  Array.from({ length: count }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
const hashOf = (secret: string) => createHash('sha256').update(secret).digest();
const NO_DEVICE = hashOf('');

/** A credential as it may be typed, `k7qm 3xpd-…`, without what makes no difference. */
export const plainCredential = (typed: string): string =>
  typed.normalize('NFKC').replace(/[\s-]/g, '').toUpperCase().replace(/O/g, '0').replace(/[IL]/g, '1');

function parseCredential(typed: string): { id: string; secret: string } | undefined {
  const plain = plainCredential(typed);
  if (!CREDENTIAL.test(plain)) return undefined;
  return { id: plain.slice(0, ID_LETTERS), secret: plain.slice(ID_LETTERS) };
}

/**
 * Registers a venue. @param by the officer who did: an actor of the audit log.
 * @throws Problem `health_venue_invalid` 422 for an empty name or a region that is none.
 */
export async function registerVenue(
  tx: Queryable,
  { name, region, by, now }: { name: string; region: string; by: string; now: Date },
): Promise<string> {
  if (name.trim() === '' || name.length > 100 || !/^\d{6}$/.test(region))
    throw new Problem('health_venue_invalid', 422);
  const id = newId();
  await tx.query(
    'insert into health_venues (id, name, region, registered_by, registered_at) values ($1, $2, $3, $4, $5)',
    [id, name.trim(), region, by, now],
  );
  await record(tx, { type: 'health.venue_registered', actor: by, at: now });
  return id;
}

/**
 * Adds a device to a venue that is not taken out. @param credential only the sandbox names one.
 * @returns the credential in groups of four letters. It is shown once and kept as a hash.
 * @throws Problem `health_no_record` 404 when there is no such venue.
 */
export async function addDevice(
  tx: Queryable,
  {
    venueId,
    label,
    by,
    now,
    credential = letters(ID_LETTERS + SECRET_LETTERS),
  }: { venueId: string; label: string; by: string; now: Date; credential?: string },
): Promise<string> {
  const parts = parseCredential(credential);
  if (!parts) throw new RangeError('a device credential is 32 letters of base 32');
  const rows = await tx.query(
    `insert into health_venue_devices (id, venue_id, label, secret_hash, registered_by, registered_at)
     select $1, id, $3, $4, $5, $6 from health_venues where id = $2 and disabled_at is null returning 1`,
    [parts.id, venueId, label.trim().slice(0, 100), hashOf(parts.secret), by, now],
  );
  if (rows.length === 0) throw new Problem('health_no_record', 404);
  await record(tx, { type: 'health.venue_device_added', actor: by, at: now });
  return (parts.id + parts.secret).replace(/(.{4})(?=.)/g, '$1-');
}

/** Takes a device out at once, a lost one say. Returns whether there was one. */
export async function disableDevice(
  tx: Queryable,
  { deviceId, by, now }: { deviceId: string; by: string; now: Date },
): Promise<boolean> {
  const rows = await tx.query(
    'update health_venue_devices set disabled_at = $2 where id = $1 and disabled_at is null returning 1',
    [deviceId, now],
  );
  if (rows.length > 0) await record(tx, { type: 'health.venue_device_disabled', actor: by, at: now });
  return rows.length > 0;
}

/** Takes a venue out at once, with all its devices. Returns whether there was one. */
export async function disableVenue(
  tx: Queryable,
  { venueId, by, now }: { venueId: string; by: string; now: Date },
): Promise<boolean> {
  const rows = await tx.query(
    'update health_venues set disabled_at = $2 where id = $1 and disabled_at is null returning 1',
    [venueId, now],
  );
  if (rows.length > 0) await record(tx, { type: 'health.venue_disabled', actor: by, at: now });
  return rows.length > 0;
}

interface VenueRow {
  id: string;
  name: string;
  region: string;
  registered_at: Date;
  disabled_at: Date | null;
  devices: { id: string; label: string; disabled: boolean }[];
}

/** How many venues a page lists; the others are found by their names. */
export const VENUES_LISTED = 50;

/**
 * Venues with their devices, newest first: for officers' pages.
 *
 * @param named a part of the name, in small or capital letters; none for all.
 */
export async function listVenues(db: Queryable, named = '', limit = VENUES_LISTED): Promise<VenueRow[]> {
  return db.query<VenueRow>(
    `select v.id, v.name, v.region, v.registered_at, v.disabled_at,
       (select coalesce(json_agg(json_build_object('id', d.id, 'label', d.label,
           'disabled', d.disabled_at is not null) order by d.registered_at), '[]')
        from health_venue_devices d where d.venue_id = v.id) as devices
     from health_venues v where position(lower($1) in lower(v.name)) > 0 order by v.id desc limit $2`,
    [named, limit],
  );
}

/** A venue's name; undefined when there is none of this id. */
export async function venueName(db: Queryable, venueId: string): Promise<string | undefined> {
  const [row] = await db.query<{ name: string }>('select name from health_venues where id = $1', [venueId]);
  return row?.name;
}

/** The venue that a credential belongs to; undefined for one that is unknown or was taken out. */
export async function authenticateDevice(db: Queryable, typed: string): Promise<Venue | undefined> {
  const parts = parseCredential(typed);
  const [row] = parts
    ? await db.query<{ id: string; name: string; region: string; secret_hash: Buffer }>(
        `select v.id, v.name, v.region, d.secret_hash
         from health_venue_devices d join health_venues v on v.id = d.venue_id
         where d.id = $1 and d.disabled_at is null and v.disabled_at is null`,
        [parts.id],
      )
    : [];
  const same = timingSafeEqual(hashOf(parts?.secret ?? ''), row?.secret_hash ?? NO_DEVICE);
  if (!row || !parts || !same) return undefined;
  return { id: row.id, name: row.name, region: row.region, deviceId: parts.id };
}
