import { Gauge, type Registry } from 'prom-client';
import { record } from '../../audit/log.ts';
import { readCitizen } from '../../citizens/store.ts';
import type { Queryable } from '../../platform/database.ts';
import type { Cipher } from '../../platform/field-encryption.ts';
import type { Translate } from '../../platform/i18n.ts';
import { post } from '../../platform/outbox.ts';
import { officersWith } from '../officers/store.ts';

export type AlarmKind = 'requested' | 'approved';

export interface Alarm {
  orderId: string;
  kind: AlarmKind;
  people: number;
  at: Date;
}

/** The most that an audit event counts; beyond it, it says this. */
const MOST_COUNTED = 9_999;

/**
 * Raises the alarm for an order that touches many people, once at its request and once at its approval: an audit
 * event, a message to every alarm contact, and a row that the officers' pages and the metric show until somebody
 * has looked at it.
 */
export async function raiseAlarm(
  tx: Queryable,
  { cipher, t }: { cipher: Cipher; t: Translate },
  { orderId, kind, people, actor, now }: Omit<Alarm, 'at'> & { actor: string; now: Date },
): Promise<void> {
  const rows = await tx.query(
    `insert into health_order_alarms (order_id, kind, people, at) values ($1, $2, $3, $4)
     on conflict (order_id, kind) do nothing returning order_id`,
    [orderId, kind, people, now],
  );
  if (rows.length === 0) return;
  const count = Math.min(people, MOST_COUNTED);
  await record(tx, { type: 'health.override_alarm', actor, detail: { count }, at: now });
  for (const { citizenId } of await officersWith(tx, 'alarm_contact')) {
    const contact = await readCitizen(tx, cipher, citizenId);
    if (contact?.phone === undefined) continue;
    const text = t(`healthOffice.alarm.sms.${kind}`, { people });
    await post(tx, cipher, { channel: 'sms', to: contact.phone, text, kind: 'health_alarm', now });
  }
}

/** Of how many people the alarm at the request of an order spoke; 0 when there was none. */
export async function alarmedAbout(db: Queryable, orderId: string): Promise<number> {
  const [row] = await db.query<{ people: number }>(
    `select people from health_order_alarms where order_id = $1 and kind = 'requested'`,
    [orderId],
  );
  return row?.people ?? 0;
}

/** Alarms that nobody has looked at, oldest first. */
export async function openAlarms(db: Queryable): Promise<Alarm[]> {
  const rows = await db.query<{ order_id: string; kind: AlarmKind; people: number; at: Date }>(
    'select order_id, kind, people, at from health_order_alarms where seen_at is null order by at, order_id limit 50',
  );
  return rows.map(({ order_id, ...rest }) => ({ orderId: order_id, ...rest }));
}

/**
 * Notes that an officer has looked at the alarms of an order: neither of the two who gave it.
 *
 * @returns how many.
 */
export async function seeAlarms(
  tx: Queryable,
  { orderId, officer, now }: { orderId: string; officer: { citizenId: string; actor: string }; now: Date },
): Promise<number> {
  const rows = await tx.query(
    `update health_order_alarms a set seen_by = $2, seen_at = $3 from health_orders o
     where a.order_id = $1 and a.seen_at is null and o.id = a.order_id
       and o.approver1 <> $4 and o.approver2 is distinct from $4
     returning a.kind`,
    [orderId, officer.citizenId, now, officer.citizenId],
  );
  if (rows.length > 0) {
    await record(tx, { type: 'health.override_alarm_seen', actor: officer.actor, at: now });
  }
  return rows.length;
}

/** Reports alarms that nobody has looked at, for Prometheus. */
export function watchAlarms(registry: Registry, db: Queryable): void {
  new Gauge({
    name: 'health_order_alarms_open',
    help: 'Orders that touch many people and that nobody has looked at',
    registers: [registry],
    async collect() {
      const [row] = await db.query<{ count: number }>(
        'select count(*) as count from health_order_alarms where seen_at is null',
      );
      this.set(row?.count ?? 0);
    },
  });
}
