import { record } from '../../audit/log.ts';
import type { Database, Queryable } from '../../platform/database.ts';
import { newId } from '../../platform/id.ts';
import { Problem } from '../../platform/problem.ts';
import { type Day, formatDay } from '../engine/civil-day.ts';
import type { Officer } from '../officers/gate.ts';
import { healthSettings } from '../settings.ts';
import { daysOff, type On } from './days-off.ts';

/*
 * Days on which we could not take check-ins. They neither break nor lengthen a run; who could check in all the same
 * keeps that day (`facts.ts`), so that an outage never makes a colour worse.
 */

type By = Pick<Officer, 'citizenId' | 'actor'>;

/** A day as officers see it. Without `id` it was noticed by the platform itself. */
export interface OutageDay {
  id: string | undefined;
  day: string;
  reason: string;
  state: 'requested' | 'approved' | 'refused' | 'noticed';
  requestedBy: string | undefined;
}

/** Writes days down that were not yet, and has everybody decided anew whose run they may be part of. */
async function recordDays(
  tx: Queryable,
  { days, reason, actor, now }: { days: readonly Day[]; reason: string; actor: string; now: Date },
): Promise<number> {
  const added = await tx.query<{ day: string }>(
    `insert into health_outage_days (day, reason, recorded_at) select day, $2, $3 from unnest($1::date[]) day
     on conflict (day) do nothing returning day::text`,
    [days.map(formatDay), reason, now],
  );
  if (added.length === 0) return 0;
  for (const { day } of added)
    await record(tx, { type: 'health.outage_recorded', actor, detail: { day }, at: now });
  // Nobody else has a run that is not finished.
  await tx.query(
    `with touched as (
       select citizen_id from health_people where colour in ('RED', 'YELLOW') order by citizen_id for update
     ) update health_people p set next_eval_at = least(p.next_eval_at, $1) from touched
       where p.citizen_id = touched.citizen_id`,
    [now],
  );
  return added.length;
}

/**
 * Writes down the days on which the health code was off. @returns how many are new.
 */
export async function noticeDaysOff(db: Database, now: Date): Promise<number> {
  const rows = await db.query<{ begins: Date; ends: Date }>(
    `select greatest(valid_from, decided_at) as begins, least(valid_to, withdrawn_at) as ends
     from health_activations where approver2 is not null and refused_at is null`,
  );
  const on: On[] = rows.map(({ begins, ends }) => ({ from: begins.getTime(), to: ends.getTime() }));
  const days = daysOff(on, now.getTime(), healthSettings.outages);
  if (days.length === 0) return 0;
  return db.transaction((tx) => recordDays(tx, { days, reason: 'off', actor: 'system', now }));
}

/**
 * The first of the two: says that check-ins could not be taken on a day. Nothing changes yet.
 *
 * @throws Problem `health_outage_known` 409 when the day is asked for or written down already.
 */
export async function requestOutage(
  tx: Queryable,
  { officer, day, reason, now }: { officer: By; day: Day; reason: string; now: Date },
): Promise<string> {
  const id = newId();
  const rows = await tx.query(
    `insert into health_outage_requests (id, day, reason, state, requested_by, requested_at)
     select $1, $2, $3, 'requested', $4, $5 where not exists (select from health_outage_days where day = $2::date)
     on conflict do nothing returning id`,
    [id, formatDay(day), reason, officer.citizenId, now],
  );
  if (rows.length === 0) throw new Problem('health_outage_known', 409);
  await record(tx, {
    type: 'health.outage_requested',
    actor: officer.actor,
    detail: { day: formatDay(day) },
    at: now,
  });
  return id;
}

/**
 * The second of the two: the day counts for nobody's run and breaks none, or it stays as it was.
 *
 * @throws Problem 409 `health_same_person`, or `health_outage_closed` when it is decided already.
 */
export async function decideOutage(
  tx: Queryable,
  { officer, id, approve, now }: { officer: By; id: string; approve: boolean; now: Date },
): Promise<void> {
  const [row] = await tx.query<{ day: number; text: string; reason: string }>(
    `update health_outage_requests set state = $3, decided_by = $2, decided_at = $4
     where id = $1 and state = 'requested' and requested_by <> $2
     returning day - date '1970-01-01' as day, day::text as text, reason`,
    [id, officer.citizenId, approve ? 'approved' : 'refused', now],
  );
  if (!row) throw await whyNot(tx, id);
  const { actor } = officer;
  if (approve) await recordDays(tx, { days: [row.day], reason: row.reason, actor, now });
  else await record(tx, { type: 'health.outage_refused', actor, detail: { day: row.text }, at: now });
}

async function whyNot(tx: Queryable, id: string): Promise<Problem> {
  const [row] = await tx.query<{ state: string }>('select state from health_outage_requests where id = $1', [
    id,
  ]);
  if (!row) return new Problem('health_no_record', 404);
  return new Problem(row.state === 'requested' ? 'health_same_person' : 'health_outage_closed', 409);
}

/** The days, newest first. */
export async function readOutages(db: Queryable, limit = 50): Promise<OutageDay[]> {
  const rows = await db.query<{
    id: string | null;
    day: string;
    reason: string;
    state: OutageDay['state'];
    requested_by: string | null;
  }>(
    `select id, day::text, reason, state, requested_by from health_outage_requests
     union all
     select null, d.day::text, d.reason, 'noticed', null from health_outage_days d
     where not exists (select from health_outage_requests r where r.day = d.day and r.state = 'approved')
     order by day desc, id limit $1`,
    [limit],
  );
  return rows.map(({ id, requested_by, ...row }) => ({
    ...row,
    id: id ?? undefined,
    requestedBy: requested_by ?? undefined,
  }));
}
