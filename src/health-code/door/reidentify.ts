import { recordAccess } from '../../audit/access-log.ts';
import { record, recordAll } from '../../audit/log.ts';
import type { Database, Queryable } from '../../platform/database.ts';
import type { Cipher } from '../../platform/field-encryption.ts';
import { newId } from '../../platform/id.ts';
import { Problem } from '../../platform/problem.ts';
import { type Day, dayOf } from '../engine/civil-day.ts';
import { healthSettings } from '../settings.ts';
import { pseudonymOf, readDayKey } from './scans.ts';

/*
 * Who was at a venue: asked by one health officer, approved by another. There is no table that says it; the second
 * officer's approval makes the platform try everybody who has a code, with the keys of the days that are still kept.
 */

/** Who looked, in the citizen's access log. */
const WHO = 'health_office';
const LONGEST_MS = 24 * 3_600_000;
const BATCH = 5_000;
/** The most that an audit event counts; beyond it, it says this. */
const MOST_COUNTED = 9_999;

/** A request, as officers' pages show it. */
export interface Reidentification {
  id: string;
  venueId: string;
  venueName: string;
  from: Date;
  to: Date;
  /** The case and the legal basis, in the officer's words. */
  grounds: string;
  requestedBy: string;
  requestedAt: Date;
  state: 'requested' | 'approved' | 'refused';
  decidedBy: string | undefined;
}

/** Somebody who was there. */
export interface Visit {
  citizenId: string;
  firstAt: Date;
  lastAt: Date;
}

/**
 * Asks who was at a venue between two instants.
 *
 * @param officer who asks: `officer:<uuid>`.
 * @returns the id of the request, which another officer has to approve.
 * @throws Problem `health_reidentify_invalid` 422 without grounds, for more than a day, or for a time to come.
 */
export async function requestReidentification(
  tx: Queryable,
  {
    venueId,
    from,
    to,
    grounds,
    officer,
    now,
  }: { venueId: string; from: Date; to: Date; grounds: string; officer: string; now: Date },
): Promise<string> {
  const length = to.getTime() - from.getTime();
  const text = grounds.trim();
  if (!(length > 0 && length <= LONGEST_MS) || to > now || text === '' || text.length > 500)
    throw new Problem('health_reidentify_invalid', 422);
  const id = newId();
  await tx.query(
    `insert into health_reidentifications
       (id, venue_id, scans_from, scans_to, grounds, requested_by, requested_at, state)
     values ($1, $2, $3, $4, $5, $6, $7, 'requested')`,
    [id, venueId, from, to, text, officer, now],
  );
  await record(tx, { type: 'health.scan_identification_requested', actor: officer, at: now });
  return id;
}

interface Row {
  id: string;
  venue_id: string;
  venue_name: string | null;
  scans_from: Date;
  scans_to: Date;
  grounds: string;
  requested_by: string;
  requested_at: Date;
  state: Reidentification['state'];
  decided_by: string | null;
}

/** Requests, newest first; those that wait for a second officer, or all. */
export async function listReidentifications(
  db: Queryable,
  { waiting = false, limit = 50 }: { waiting?: boolean; limit?: number } = {},
): Promise<Reidentification[]> {
  const rows = await db.query<Row>(
    `select r.id, r.venue_id, v.name as venue_name, r.scans_from, r.scans_to, r.grounds, r.requested_by,
       r.requested_at, r.state, r.decided_by
     from health_reidentifications r left join health_venues v on v.id = r.venue_id
     where r.state = 'requested' or not $1 order by r.id desc limit $2`,
    [waiting, limit],
  );
  return rows.map(requestOf);
}

const requestOf = (row: Row): Reidentification => ({
  id: row.id,
  venueId: row.venue_id,
  venueName: row.venue_name ?? '',
  from: row.scans_from,
  to: row.scans_to,
  grounds: row.grounds,
  requestedBy: row.requested_by,
  requestedAt: row.requested_at,
  state: row.state,
  decidedBy: row.decided_by ?? undefined,
});

/** One request. */
export async function readReidentification(db: Queryable, id: string): Promise<Reidentification | undefined> {
  const [row] = await db.query<Row>(
    `select r.id, r.venue_id, v.name as venue_name, r.scans_from, r.scans_to, r.grounds, r.requested_by,
       r.requested_at, r.state, r.decided_by
     from health_reidentifications r left join health_venues v on v.id = r.venue_id where r.id = $1`,
    [id],
  );
  return row && requestOf(row);
}

/**
 * Takes a request over for a decision.
 *
 * @throws Problem `health_reidentify_gone` 409 when it is not waiting, `health_same_person` 409 for the officer
 * who asked.
 */
async function decide(
  tx: Queryable,
  { id, officer, state, now }: { id: string; officer: string; state: 'approved' | 'refused'; now: Date },
): Promise<{ venueId: string; from: Date; to: Date }> {
  const [asked] = await tx.query<Pick<Row, 'requested_by' | 'venue_id' | 'scans_from' | 'scans_to'>>(
    `select requested_by, venue_id, scans_from, scans_to from health_reidentifications
     where id = $1 and state = 'requested' for update`,
    [id],
  );
  if (!asked) throw new Problem('health_reidentify_gone', 409);
  if (asked.requested_by === officer) throw new Problem('health_same_person', 409);
  await tx.query(
    'update health_reidentifications set state = $2, decided_by = $3, decided_at = $4 where id = $1',
    [id, state, officer, now],
  );
  return { venueId: asked.venue_id, from: asked.scans_from, to: asked.scans_to };
}

/** Refuses a request. @throws as {@link approveReidentification} */
export async function refuseReidentification(
  db: Database,
  { id, officer, now }: { id: string; officer: string; now: Date },
): Promise<void> {
  await db.transaction(async (tx) => {
    await decide(tx, { id, officer, state: 'refused', now });
    await record(tx, { type: 'health.scan_identification_refused', actor: officer, at: now });
  });
}

/**
 * Approves a request and finds out who was there. Each of them reads it in their access log.
 *
 * @param officer another one than who asked.
 * @returns who was there; also kept for {@link readVisits} for a few weeks.
 * @throws Problem `health_reidentify_gone` 409 when it is not waiting, `health_same_person` 409 for the officer
 * who asked.
 */
export async function approveReidentification(
  db: Database,
  cipher: Cipher,
  { id, officer, now }: { id: string; officer: string; now: Date },
): Promise<Visit[]> {
  return db.transaction(async (tx) => {
    const { venueId, from, to } = await decide(tx, { id, officer, state: 'approved', now });
    const scans = await tx.query<{ at: Date; pseudonym: Buffer }>(
      `select at, pseudonym from health_scans
       where venue_id = $1 and at >= $2 and at < $3 and kind <> 'visitor' order by at`,
      [venueId, from, to],
    );
    const visits = await identify(tx, cipher, venueId, scans);
    await record(tx, {
      type: 'health.scan_identification_approved',
      actor: officer,
      detail: { count: Math.min(visits.length, MOST_COUNTED) },
      at: now,
    });
    await tx.query(
      `insert into health_reidentified (request_id, citizen_id, first_at, last_at)
       select $1, * from unnest($2::uuid[], $3::timestamptz[], $4::timestamptz[])`,
      [id, visits.map((v) => v.citizenId), visits.map((v) => v.firstAt), visits.map((v) => v.lastAt)],
    );
    for (const { citizenId } of visits) {
      await recordAccess(tx, {
        citizenId,
        clientId: WHO,
        what: ['venue_visit'],
        purpose: healthSettings.purpose,
        at: now,
      });
    }
    await recordAll(
      tx,
      visits.map(({ citizenId }) => ({
        type: 'health.scan_identified',
        citizenId,
        actor: officer,
        at: now,
      })),
    );
    return visits;
  });
}

/** Finds the citizens behind pseudonyms, by making everybody's for the same venue and days. */
async function identify(
  tx: Queryable,
  cipher: Cipher,
  venueId: string,
  scans: readonly { at: Date; pseudonym: Buffer }[],
): Promise<Visit[]> {
  const times = new Map<string, { day: Day; at: Date[] }>();
  for (const { at, pseudonym } of scans) {
    const name = pseudonym.toString('base64');
    const seen = times.get(name);
    if (seen) seen.at.push(at);
    else times.set(name, { day: dayOf(at.getTime()), at: [at] });
  }
  const days = new Set([...times.values()].map(({ day }) => day));
  const keys = (await Promise.all([...days].map((day) => readDayKey(tx, cipher, day)))).filter(
    (key) => key !== undefined,
  );
  const found = new Map<string, Date[]>();
  let open = times.size;
  for await (const citizenIds of keys.length > 0 ? everybody(tx) : []) {
    for (const citizenId of citizenIds) {
      for (const key of keys) {
        const seen = times.get(pseudonymOf(key, venueId, citizenId).toString('base64'));
        if (!seen) continue;
        found.set(citizenId, [...(found.get(citizenId) ?? []), ...seen.at]);
        open -= 1;
      }
    }
    if (open === 0) break;
  }
  return [...found].map(([citizenId, at]) => {
    const sorted = at.map((each) => each.getTime()).sort((a, b) => a - b);
    return { citizenId, firstAt: new Date(sorted[0]!), lastAt: new Date(sorted.at(-1)!) };
  });
}

/** Everybody who can have a code, in batches. */
async function* everybody(tx: Queryable): AsyncGenerator<string[]> {
  let after = '00000000-0000-0000-0000-000000000000';
  for (;;) {
    const rows = await tx.query<{ citizen_id: string }>(
      'select citizen_id from health_people where citizen_id > $1 order by citizen_id limit $2',
      [after, BATCH],
    );
    if (rows.length === 0) return;
    yield rows.map(({ citizen_id }) => citizen_id);
    after = rows.at(-1)!.citizen_id;
  }
}

/** Who was found on an approved request. */
export async function readVisits(db: Queryable, requestId: string): Promise<Visit[]> {
  const rows = await db.query<{ citizen_id: string; first_at: Date; last_at: Date }>(
    `select citizen_id, first_at, last_at from health_reidentified where request_id = $1
     order by first_at, citizen_id`,
    [requestId],
  );
  return rows.map((row) => ({ citizenId: row.citizen_id, firstAt: row.first_at, lastAt: row.last_at }));
}
