import type { Database, Queryable } from '../platform/database.ts';
import { ruleSets } from './engine/rule-set.ts';
import { healthSettings } from './settings.ts';

type Deletion = (tx: Queryable, before: Date, limit: number, now: Date) => Promise<unknown[]>;

/** Tenths of a degree: from the first on a temperature may be a fever, from the second on it is one by every rule set. */
const fevers = ruleSets.map(({ temperature }) => Math.round(temperature.fever * 10));
const MAYBE_FEVER = Math.min(...fevers);
const FEVER = Math.max(...fevers);

/**
 * A colour must not change because something is deleted. While somebody is red or yellow, is to be decided anew, or an
 * order decides for them, nothing of theirs goes: it may hold the colour, or wait behind it.
 */
const HELD = `
  select from health_people h where h.subject = p.subject and (h.colour in ('RED', 'YELLOW') or h.next_eval_at <= $3 or exists (
    select from health_order_subjects s join health_orders o on o.id = s.order_id
    where s.subject = h.subject and o.state = 'approved' and o.valid_to > $3))`;

/** Answered appeals with what they were about. What they took out of account stays out. */
const appeals: Deletion = (tx, before, limit) =>
  tx.query(
    `with gone as (
       delete from health_appeals where (citizen_id, id) in (
         select citizen_id, id from health_appeals where decided_at < $1 order by decided_at limit $2
         for update skip locked
       ) returning citizen_id, id
     ), items as (
       delete from health_appeal_items i using gone where i.citizen_id = gone.citizen_id and i.appeal_id = gone.id
     ) select id from gone`,
    [before, limit],
  );

/** Whom orders touched that ended long ago. The orders themselves stay: they say who decided what, and about nobody. */
const orders: Deletion = (tx, before, limit) =>
  tx.query(
    `delete from health_order_subjects where (subject, order_id) in (
       select s.subject, s.order_id from health_orders o join health_order_subjects s on s.order_id = o.id
       where o.requested_at < $1 and o.valid_to < $1 order by o.requested_at limit $2 for update of s skip locked
     ) returning 1`,
    [before, limit],
  );

/** Over for good when it is old: an open case never is, unless it came too late and counts for nothing. */
const SETTLED = (row: string) =>
  `${row}.at < $1 and (${row}.type not like 'CASE\\_%' or ${row}.discharged_at < $1 or ${row}.revoked_at is not null or ${row}.late)`;

/** A release says nothing once the evidence before it is gone. */
const releases: Deletion = (tx, before, limit) =>
  tx.query(
    `delete from health_releases where (subject, id) in (
       select r.subject, r.id from health_releases r
       where r.received_at < $1 and r.at < $1
         and not exists (select from health_evidence e where e.subject = r.subject and e.at <= r.at)
       order by r.received_at limit $2 for update skip locked
     ) returning 1`,
    [before, limit],
  );

const DELETIONS: Record<keyof typeof healthSettings.keepDays | 'releases', Deletion> = {
  declarations: (tx, before, limit) =>
    tx.query(
      `delete from health_declarations where (citizen_id, id) in (
         select citizen_id, id from health_declarations where at < $1 order by at limit $2 for update skip locked
       ) returning id`,
      [before, limit],
    ),
  // A healthy day stays as long as evidence whose run it may belong to, what is unhealthy goes before the run that
  // ended it. A mark that one does not count goes with it.
  checkins: (tx, before, limit, now) =>
    tx.query(
      `with gone as (
         delete from health_checkins where (citizen_id, id) in (
           select c.citizen_id, c.id from health_checkins c
           left join health_people p on p.citizen_id = c.citizen_id
           where c.at < $1 and not exists (${HELD}) and (c.temp >= $4 or c.symptoms <> '{}' or not exists (
             select from health_evidence e where e.subject = p.subject and e.at < c.at + interval '24 hours'))
           order by c.at limit $2 for update of c skip locked
         ) returning citizen_id, id
       ), voids as (
         delete from health_checkin_voids v using gone where v.citizen_id = gone.citizen_id and v.checkin_id = gone.id
       ) select id from gone`,
      [before, limit, now, FEVER],
    ),
  // All of a person's that is old goes at once, and only when nothing older is left that it absorbed: an older
  // yellow would come back to life when the red that absorbed it is gone.
  evidence: (tx, before, limit, now) =>
    tx.query(
      `with due as (
         select p.subject from health_evidence p
         where p.received_at < $1 and ${SETTLED('p')} and not exists (${HELD})
           and not exists (
             select from health_evidence k where k.subject = p.subject and k.at < $1 and k.received_at >= $1)
           and not exists (
             select from health_people h join health_checkins c on c.citizen_id = h.citizen_id
             where h.subject = p.subject and (c.temp >= $4 or c.symptoms <> '{}')
               and c.at < greatest(p.at, p.discharged_at))
         order by p.received_at limit $2 for update skip locked
       ), gone as (
         delete from health_evidence e where e.subject in (select subject from due) and e.received_at < $1
           and ${SETTLED('e')} returning e.id
       ) select id from gone`,
      [before, limit, now, MAYBE_FEVER],
    ),
  releases,
  appeals,
  orders,
  decisions: (tx, before, limit) =>
    tx.query(
      `delete from health_decisions where (citizen_id, id) in (
         select d.citizen_id, d.id from health_decisions d
         where d.at < $1 and not exists (
           select from health_people p where p.citizen_id = d.citizen_id and p.decision_id = d.id)
         order by d.at limit $2 for update skip locked
       ) returning id`,
      [before, limit],
    ),
};

/**
 * Deletes one batch of each kind of row that is older than `config/health-code/settings.json` keeps it.
 *
 * @returns how many rows went; call again while it is not 0.
 */
export async function purgeHealth(
  db: Database,
  { now, limit = 500 }: { now: Date; limit?: number },
): Promise<number> {
  let gone = 0;
  const keptDays = { ...healthSettings.keepDays, releases: healthSettings.keepDays.evidence };
  for (const [kind, remove] of Object.entries(DELETIONS) as [keyof typeof DELETIONS, Deletion][]) {
    const before = new Date(now.getTime() - keptDays[kind] * 86_400_000);
    await db.transaction(async (tx) => {
      await tx.query(`select set_config('yimatong.health_purge', 'on', true)`);
      gone += (await remove(tx, before, limit, now)).length;
    });
  }
  return gone;
}
