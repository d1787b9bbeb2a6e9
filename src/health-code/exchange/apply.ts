import type { Queryable } from '../../platform/database.ts';
import { healthSettings } from '../settings.ts';

/**
 * Of one person, province, colour and beginning there is one row of evidence, whatever the month's pseudonym: a
 * person who is in the files of two months did not become red twice. `superseded_at` is empty while any of the
 * pseudonyms is still listed.
 */
const evidenceOf = (which: string) => `
  with told as (
    select p.subject, r.colour, r.issuer, r.effective_from,
      case when bool_or(r.superseded_at is null) then null else max(r.superseded_at) end as superseded_at
    from (select distinct q.subject, o.issuer, o.colour, o.effective_from
          from health_peer_rows o join health_pids q on q.pid = o.pid where ${which}) touched
    join health_pids p on p.subject = touched.subject
    join health_peer_rows r on r.pid = p.pid and r.issuer = touched.issuer and r.colour = touched.colour
      and r.effective_from = touched.effective_from
    group by p.subject, r.colour, r.issuer, r.effective_from
  ), filed as (
    insert into health_evidence
      (subject, id, type, source, reference, at, purpose, superseded_at, received_at)
    select subject, gen_random_uuid(), 'PEER_' || colour, 'peer',
      issuer || ':' || colour || ':' || to_char(effective_from at time zone 'UTC', 'YYYYMMDD"T"HH24MISSMS"Z"'),
      effective_from, $2, superseded_at, $1
    from told
    on conflict (subject, source, reference) do update set superseded_at = excluded.superseded_at
      where health_evidence.superseded_at is distinct from excluded.superseded_at
    returning subject
  ), people as (
    select citizen_id from health_people where subject in (select subject from filed) order by citizen_id for update
  )
  update health_people p set next_eval_at = least(p.next_eval_at, $1) from people where p.citizen_id = people.citizen_id`;

const OF_FILE = evidenceOf('o.issuer = $3 and o.file = $4');
const OF_PIDS = evidenceOf('q.pid = any ($3::bytea[])');

/**
 * Lets only one transaction at a time bring pseudonyms and rows together, until it ends. Two at once, one with new
 * pseudonyms and one with a new file, would each not see what the other brings, and nobody would ever join them.
 * Taken before any row of `health_people`.
 */
export async function joinAlone(tx: Queryable): Promise<void> {
  await tx.query(`select pg_advisory_xact_lock(hashtextextended('health_peer_join', 0))`);
}

/**
 * Turns what other provinces said into evidence of the people whom we know, and has those decided anew. Under `joinAlone`.
 *
 * @param which the rows that one file touched, or all rows of some pseudonyms.
 */
export async function applyToPeople(
  tx: Queryable,
  which: { issuer: string; file: string } | { pids: readonly Buffer[] },
  now: Date,
): Promise<void> {
  const { purpose } = healthSettings;
  if ('file' in which) await tx.query(OF_FILE, [now, purpose, which.issuer, which.file]);
  else await tx.query(OF_PIDS, [now, purpose, which.pids]);
}
