import { record } from '../../audit/log.ts';
import type { Queryable } from '../../platform/database.ts';
import type { Cipher } from '../../platform/field-encryption.ts';
import type { Translate } from '../../platform/i18n.ts';
import { newId } from '../../platform/id.ts';
import { Problem } from '../../platform/problem.ts';
import { decideBatch } from '../decide.ts';
import { days } from '../engine/civil-day.ts';
import type { RuleSet } from '../engine/rule-set.ts';
import type { Officer } from '../officers/gate.ts';
import { requireOthersOrder } from '../officers/own-case.ts';
import type { Grant } from '../officers/store.ts';
import { healthSettings } from '../settings.ts';
import { alarmedAbout, raiseAlarm } from './alarm.ts';
import { citizensOf, type OrderColour } from './store.ts';

export interface OrderTools {
  cipher: Cipher;
  /** The language of messages to alarm contacts. */
  t: Translate;
  /** The rule set in force: it has the limits. */
  rules: RuleSet;
}

/** Who acts, and for which organisation. */
export interface Actor {
  officer: Pick<Officer, 'citizenId' | 'actor'>;
  as: Pick<Grant, 'organisation' | 'orgType'>;
}

export interface NewOrder {
  colour: OrderColour;
  evidenceId: string;
  reason: string;
  from: Date;
  to: Date;
  /** Blind indexes of the document numbers, each once. */
  subjects: readonly Buffer[];
}

/** Large orders may be cut into pieces: what one officer asked for within this time counts together. */
const TOGETHER_MS = 86_400_000;
const BATCH = 500;

/** @throws Problem `health_order_org` 403 for an organisation that may not give orders. */
function requireHealth({ as }: Actor, rules: RuleSet): void {
  if (!rules.overrides.orgTypes.includes(as.orgType)) throw new Problem('health_order_org', 403);
}

/** @throws Problem `health_own_case` 409 for somebody whom the order is about, or whose family it is about. */
const requireOthers = (
  tx: Queryable,
  { cipher }: Pick<OrderTools, 'cipher'>,
  { id, actor }: { id: string; actor: Pick<Actor, 'officer'> },
) => requireOthersOrder(tx, cipher, { orderId: id, officerId: actor.officer.citizenId });

/**
 * The first of the two: asks for an order. Nothing changes for anybody yet.
 *
 * @throws Problem `health_order_invalid` 422 for what the form should have refused, and those of the officer.
 */
export async function requestOrder(
  tx: Queryable,
  tools: OrderTools,
  { actor, order, now }: { actor: Actor; order: NewOrder; now: Date },
): Promise<string> {
  const { rules } = tools;
  requireHealth(actor, rules);
  // One after the other: pieces that are asked for at the same moment would each not count the others.
  await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [
    `health_orders:${actor.officer.citizenId}`,
  ]);
  const { colour, evidenceId, reason, from, to, subjects } = order;
  const lasts = to.getTime() - from.getTime();
  const whole = evidenceId.trim() !== '' && reason.trim() !== '' && subjects.length > 0;
  if (!whole || lasts <= 0 || lasts > days(rules.overrides.longestDays) || to <= now) {
    throw new Problem('health_order_invalid', 422, { days: rules.overrides.longestDays });
  }
  const id = newId();
  const people = subjects.length;
  await tx.query(
    `insert into health_orders (id, colour, purpose, org_type, organisation, evidence_id, reason, people, valid_from,
       valid_to, approver1, state, requested_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'requested', $12)`,
    [
      id,
      colour,
      healthSettings.purpose,
      actor.as.orgType,
      actor.as.organisation,
      evidenceId,
      reason,
      people,
      from,
      to,
      actor.officer.citizenId,
      now,
    ],
  );
  await tx.query(
    'insert into health_order_subjects (subject, order_id) select subject, $2 from unnest($1::bytea[]) as n (subject)',
    [subjects, id],
  );
  await requireOthers(tx, tools, { id, actor });
  await record(tx, { type: 'health.override_requested', actor: actor.officer.actor, at: now });
  const together = await peopleOf(tx, actor, now);
  if (together > rules.overrides.alarmAbove) {
    await raiseAlarm(tx, tools, {
      orderId: id,
      kind: 'requested',
      people: together,
      actor: actor.officer.actor,
      now,
    });
  }
  return id;
}

async function peopleOf(tx: Queryable, { officer }: Actor, now: Date): Promise<number> {
  const [row] = await tx.query<{ people: number }>(
    `select coalesce(sum(people), 0) as people from health_orders
     where approver1 = $1 and requested_at > $2 and state in ('requested', 'approved')`,
    [officer.citizenId, new Date(now.getTime() - TOGETHER_MS)],
  );
  return row?.people ?? 0;
}

/**
 * The second of the two: approves an order that somebody else asked for. Of two who do so at once, one does. Those
 * whom it touches are decided anew.
 *
 * @throws Problem 409 `health_same_person`, `health_own_case`, or `health_order_closed` when it is decided or over.
 */
export async function approveOrder(
  tx: Queryable,
  tools: OrderTools,
  { actor, id, now }: { actor: Actor; id: string; now: Date },
): Promise<void> {
  requireHealth(actor, tools.rules);
  const { citizenId } = actor.officer;
  const [row] = await tx.query<{ people: number; approver1: string }>(
    `update health_orders set state = 'approved', approver2 = $2, decided_by = $2, decided_at = $3
     where id = $1 and state = 'requested' and approver1 <> $2 and valid_to > $3
     returning people, approver1`,
    [id, citizenId, now],
  );
  if (!row) throw await whyNot(tx, id, citizenId);
  await requireOthers(tx, tools, { id, actor });
  await record(tx, { type: 'health.override_approved', actor: actor.officer.actor, at: now });
  // One of many pieces is as large as all of them together.
  const people = Math.max(row.people, await alarmedAbout(tx, id));
  if (people > tools.rules.overrides.alarmAbove) {
    const { actor: name } = actor.officer;
    await raiseAlarm(tx, tools, { orderId: id, kind: 'approved', people, actor: name, now });
  }
  await decideTouched(tx, id, now);
}

/** Says no to an order that somebody else asked for. @throws as `approveOrder`. */
export async function refuseOrder(
  tx: Queryable,
  tools: Pick<OrderTools, 'cipher'>,
  { actor, id, now }: { actor: Actor; id: string; now: Date },
): Promise<void> {
  const { citizenId } = actor.officer;
  const rows = await tx.query(
    `update health_orders set state = 'refused', decided_by = $2, decided_at = $3
     where id = $1 and state = 'requested' and approver1 <> $2 returning id`,
    [id, citizenId, now],
  );
  if (rows.length === 0) throw await whyNot(tx, id, citizenId);
  await requireOthers(tx, tools, { id, actor });
  await record(tx, { type: 'health.override_refused', actor: actor.officer.actor, at: now });
}

/**
 * Ends an order at once, whether it holds already or not. One person is enough, and whoever asked for it may too.
 *
 * @throws Problem 409 `health_order_closed` when there is nothing to end, `health_own_case`.
 */
export async function withdrawOrder(
  tx: Queryable,
  tools: Pick<OrderTools, 'cipher'>,
  { actor, id, now }: { actor: Pick<Actor, 'officer'>; id: string; now: Date },
): Promise<void> {
  await requireOthers(tx, tools, { id, actor });
  // What the order did until now is decided before it is gone.
  await decideTouched(tx, id, now);
  const rows = await tx.query(
    `update health_orders set state = 'withdrawn', decided_by = $2, withdrawn_at = $3
     where id = $1 and state in ('requested', 'approved') and valid_to > $3 returning id`,
    [id, actor.officer.citizenId, now],
  );
  if (rows.length === 0) throw new Problem('health_order_closed', 409);
  await record(tx, { type: 'health.override_withdrawn', actor: actor.officer.actor, at: now });
  await decideTouched(tx, id, now);
}

async function whyNot(tx: Queryable, id: string, citizenId: string): Promise<Problem> {
  const [order] = await tx.query<{ own: boolean; state: string }>(
    'select approver1 = $2 as own, state from health_orders where id = $1',
    [id, citizenId],
  );
  if (!order) return new Problem('health_no_record', 404);
  return new Problem(
    order.own && order.state === 'requested' ? 'health_same_person' : 'health_order_closed',
    409,
  );
}

async function decideTouched(tx: Queryable, orderId: string, now: Date): Promise<void> {
  const citizens = await citizensOf(tx, orderId);
  for (let first = 0; first < citizens.length; first += BATCH) {
    await decideBatch(tx, citizens.slice(first, first + BATCH), now);
  }
}
