import type { Database, Queryable } from '../platform/database.ts';
import { healthSettings } from './settings.ts';

type Deletion = (tx: Queryable, before: Date, limit: number) => Promise<unknown[]>;

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

const DELETIONS: Record<keyof typeof healthSettings.keepDays, Deletion> = {
  declarations: (tx, before, limit) =>
    tx.query(
      `delete from health_declarations where (citizen_id, id) in (
         select citizen_id, id from health_declarations where at < $1 order by at limit $2 for update skip locked
       ) returning id`,
      [before, limit],
    ),
  // A mark that one does not count goes with it.
  checkins: (tx, before, limit) =>
    tx.query(
      `with gone as (
         delete from health_checkins where (citizen_id, id) in (
           select citizen_id, id from health_checkins where at < $1 order by at limit $2 for update skip locked
         ) returning citizen_id, id
       ), voids as (
         delete from health_checkin_voids v using gone where v.citizen_id = gone.citizen_id and v.checkin_id = gone.id
       ) select id from gone`,
      [before, limit],
    ),
  // Not what holds a colour now, nor an open case: deleting those would change a colour without any fact.
  evidence: (tx, before, limit) =>
    tx.query(
      `delete from health_evidence where (subject, id) in (
         select e.subject, e.id from health_evidence e
         where e.received_at < $1 and e.at < $1
           and (e.type not like 'CASE\\_%' or e.discharged_at < $1 or e.revoked_at is not null)
           and not exists (select from health_people p where p.subject = e.subject and p.colour in ('RED', 'YELLOW'))
         order by e.received_at limit $2 for update skip locked
       ) returning id`,
      [before, limit],
    ),
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
  for (const [kind, remove] of Object.entries(DELETIONS) as [keyof typeof DELETIONS, Deletion][]) {
    const before = new Date(now.getTime() - healthSettings.keepDays[kind] * 86_400_000);
    await db.transaction(async (tx) => {
      await tx.query(`select set_config('yimatong.health_purge', 'on', true)`);
      gone += (await remove(tx, before, limit)).length;
    });
  }
  return gone;
}
