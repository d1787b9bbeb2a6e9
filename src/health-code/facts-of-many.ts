import type { Queryable } from '../platform/database.ts';
import { type Facts, type FactsRow, factsOf, ms, OUTAGE_DAYS } from './facts.ts';
import { PUT_INTO_FORCE } from './rules-in-force.ts';

/*
 * The facts of many citizens in a fixed number of statements. They come as plain rows and are sorted here: making
 * JSON of them in the database, as for one citizen, takes it four times as long.
 */

const PEOPLE = `
  select citizen_id, subject, level_ever, colour, reasons, rule_set, decision_id, next_eval_at
  from health_people where citizen_id = any ($1::uuid[])`;
const COMMON = `
  select (${PUT_INTO_FORCE}) as put_into_force,
    (select coalesce(json_agg(json_build_object('source', h.source, 'receivedAt', ${ms('h.received_at')})
         order by h.source), '[]') from health_sources h) as sources,
    (${OUTAGE_DAYS}) as outage_days`;
const EVIDENCE = `
  select subject as of, id, type, source, ${ms('at')} as at, purpose, ${ms('discharged_at')} as "dischargedAt",
    ${ms('revoked_at')} as "revokedAt", ${ms('received_at')} as "knownAt",
    phone_owner_verified as "phoneOwnerVerified", ${ms('appeal_at')} as "appealAt",
    appeal_decision as "appealDecision", ${ms('superseded_at')} as "supersededBy"
  from health_evidence where subject = any ($1::bytea[]) and not late order by id`;
const CHECKINS = `
  select c.citizen_id as of, ${ms('c.at')} as at, c.temp, c.symptoms
  from health_checkins c where c.citizen_id = any ($1::uuid[]) and not exists (
    select from health_checkin_voids v where v.citizen_id = c.citizen_id and v.checkin_id = c.id)
  order by c.id`;
const RELEASES = `
  select subject as of, ${ms('at')} as at, source, ${ms('received_at')} as "knownAt"
  from health_releases where subject = any ($1::bytea[]) and revoked_at is null order by id`;
const ORDERS = `
  select s.subject as of, o.id, o.colour, o.purpose, o.approver1, o.approver2, o.org_type as "orgType",
    o.evidence_id as "evidenceId", ${ms('o.valid_from')} as from, ${ms('o.valid_to')} as to,
    ${ms('coalesce(o.decided_at, o.requested_at)')} as "knownAt"
  from health_order_subjects s join health_orders o on o.id = s.order_id and o.state = 'approved'
  where s.subject = any ($1::bytea[]) and s.lifted_at is null order by o.id`;

type Item<K extends 'evidence' | 'checkins' | 'releases' | 'orders'> = FactsRow[K][number] & {
  of: Buffer | string;
};
type PersonRow = Omit<
  FactsRow,
  'evidence' | 'checkins' | 'releases' | 'orders' | 'sources' | 'outage_days' | 'put_into_force'
>;
type CommonRow = Pick<FactsRow, 'sources' | 'outage_days' | 'put_into_force'>;

const keyOf = (of: Buffer | string): string => (typeof of === 'string' ? of : of.toString('latin1'));

/** Rows by whom they are about, in the order in which they come. */
function byOwner<T extends { of: Buffer | string }>(rows: readonly T[]): Map<string, Omit<T, 'of'>[]> {
  const found = new Map<string, Omit<T, 'of'>[]>();
  for (const { of, ...row } of rows) {
    const key = keyOf(of);
    const list = found.get(key);
    if (list) list.push(row);
    else found.set(key, [row]);
  }
  return found;
}

/**
 * What the engine looks at for many citizens, in no particular order; exactly what `loadFacts` gives for each. Who
 * never declared is left out.
 */
export async function loadManyFacts(
  db: Queryable,
  citizenIds: readonly string[],
  now: Date,
): Promise<Facts[]> {
  const people = await db.query<PersonRow>(PEOPLE, [citizenIds]);
  const [common] = await db.query<CommonRow>(COMMON, [now]);
  if (people.length === 0 || !common) return [];
  const subjects = people.map(({ subject }) => subject);
  const evidence = byOwner(await db.query<Item<'evidence'>>(EVIDENCE, [subjects]));
  const checkins = byOwner(await db.query<Item<'checkins'>>(CHECKINS, [citizenIds]));
  const releases = byOwner(await db.query<Item<'releases'>>(RELEASES, [subjects]));
  const orders = byOwner(await db.query<Item<'orders'>>(ORDERS, [subjects]));
  return people.map((person) => {
    const subject = keyOf(person.subject);
    const row = {
      ...person,
      ...common,
      evidence: evidence.get(subject) ?? [],
      checkins: (checkins.get(person.citizen_id) ?? []).map(({ temp, ...rest }) => ({
        at: rest.at,
        temp: typeof temp === 'number' ? temp / 10 : null,
        symptoms: rest.symptoms,
      })),
      releases: releases.get(subject) ?? [],
      orders: orders.get(subject) ?? [],
    };
    return factsOf(row as FactsRow, now);
  });
}
