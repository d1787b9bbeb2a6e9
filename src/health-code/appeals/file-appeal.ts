import { record } from '../../audit/log.ts';
import type { Queryable } from '../../platform/database.ts';
import type { Cipher } from '../../platform/field-encryption.ts';
import { newId } from '../../platform/id.ts';
import { Problem } from '../../platform/problem.ts';
import type { Decision } from '../assess.ts';
import { decideFor } from '../decide.ts';
import { type RuleSet, ruleSets } from '../engine/rule-set.ts';
import { noteGuardianAct } from '../guardian-acts.ts';
import type { Holder } from '../people.ts';
import { rulesInForce } from '../rules-in-force.ts';
import { healthSettings } from '../settings.ts';
import { sealAppeal } from './store.ts';

/** How far back check-ins are part of the decision that they led to, in days. */
const CHECKINS_BACK = 14;

const guardian = (by: string | undefined) => (by === undefined ? undefined : `guardian:${by}`);

interface Appealed {
  at: Date;
  reasons: string[];
  rule_set: string;
}

/** The types of evidence that a rule set gives one of these reasons for. */
export const typesBehind = (rules: RuleSet, reasons: readonly string[]): string[] =>
  Object.entries(rules.types)
    .filter(([, { code }]) => reasons.includes(code))
    .map(([type]) => type);

/**
 * Files an appeal against a decision: everything that the decision rests on is under appeal from now on, weak
 * evidence lapses if nobody decides in time, and the officer's list has one more item. Filing it a second time
 * while it is open changes nothing.
 *
 * @returns the appeal's id, and the decision as it stands now.
 * @throws Problem `health_no_decision` 404 for a decision that is not this citizen's, `health_appeals_many` 429.
 */
export async function fileAppeal(
  tx: Queryable,
  cipher: Cipher,
  appeal: {
    holder: Holder;
    /** The guardian who files it, when it is not the holder. */
    by?: string | undefined;
    decisionId: string;
    text: string;
    sessionUid?: string | undefined;
    now: Date;
  },
): Promise<{ id: string; decision: Decision }> {
  const { holder, by, decisionId, text, sessionUid, now } = appeal;
  const { citizenId } = holder;
  // One after the other: the limit counts, and so does what is under appeal already.
  await tx.query('select 1 from health_people where citizen_id = $1 for update', [citizenId]);
  const [appealed] = await tx.query<Appealed>(
    'select at, reasons, rule_set from health_decisions where citizen_id = $1 and id = $2',
    [citizenId, decisionId],
  );
  if (!appealed) throw new Problem('health_no_decision', 404);
  const open = await tx.query<{ id: string; decision_id: string }>(
    `select id, decision_id from health_appeals where citizen_id = $1 and state = 'open'`,
    [citizenId],
  );
  const same = open.find(({ decision_id }) => decision_id === decisionId);
  if (same) return { id: same.id, decision: await decideFor(tx, citizenId, now) };
  if (open.length >= healthSettings.appeals.mostOpen) throw new Problem('health_appeals_many', 429);

  const rules =
    ruleSets.find(({ version }) => version === appealed.rule_set) ?? (await rulesInForce(tx, now));
  const id = newId();
  const weak = await linkItems(tx, { id, holder, appealed, rules, now });
  const hours = weak ? rules.weak.appealHours : healthSettings.appeals.dueHours;
  await tx.query(
    `insert into health_appeals (citizen_id, id, decision_id, body, state, filed_at, due_at)
     values ($1, $2, $3, $4, 'open', $5, $6)`,
    [
      citizenId,
      id,
      decisionId,
      sealAppeal(cipher, 'text', citizenId, text),
      now,
      new Date(now.getTime() + hours * 3_600_000),
    ],
  );
  await record(tx, { type: 'health.appealed', citizenId, actor: guardian(by), sessionUid, at: now });
  await noteGuardianAct(tx, { citizenId, by, what: 'health_appeal', now });
  return { id, decision: await decideFor(tx, citizenId, now) };
}

/** Puts what a decision rests on under appeal. @returns whether weak evidence is among it. */
async function linkItems(
  tx: Queryable,
  {
    id,
    holder: { citizenId, subject },
    appealed,
    rules,
    now,
  }: { id: string; holder: Holder; appealed: Appealed; rules: RuleSet; now: Date },
): Promise<boolean> {
  const { reasons, at } = appealed;
  const evidence = await tx.query<{ source: string }>(
    `with about as (
       select id, source, appeal_at, appeal_decision from health_evidence
       where subject = $2 and type = any ($4::text[]) and at <= $5 and revoked_at is null
         and superseded_at is null and appeal_decision is distinct from 'upheld' and not late
     ), link as (
       insert into health_appeal_items (citizen_id, appeal_id, kind, item_id) select $1, $3, 'evidence', id from about
     ), begin as (
       -- What is under appeal already keeps its clock.
       update health_evidence e set appeal_at = $6, appeal_decision = null from about a
       where e.subject = $2 and e.id = a.id and (a.appeal_at is null or a.appeal_decision is not null)
     )
     select source from about`,
    [citizenId, subject, id, typesBehind(rules, reasons), at, now],
  );
  if (reasons.includes(rules.unhealthyCheckin)) {
    await tx.query(
      `insert into health_appeal_items (citizen_id, appeal_id, kind, item_id)
       select c.citizen_id, $2, 'checkin', c.id from health_checkins c
       where c.citizen_id = $1 and c.at <= $3 and c.at > $4 and (c.temp >= $5 or c.symptoms <> '{}')
         and not exists (select from health_checkin_voids v where v.citizen_id = $1 and v.checkin_id = c.id)`,
      [
        citizenId,
        id,
        at,
        new Date(at.getTime() - CHECKINS_BACK * 86_400_000),
        Math.round(rules.temperature.fever * 10),
      ],
    );
  }
  const colours = Object.entries(rules.overrides.codes)
    .filter(([, code]) => reasons.includes(code))
    .map(([colour]) => colour);
  if (colours.length > 0) {
    await tx.query(
      `insert into health_appeal_items (citizen_id, appeal_id, kind, item_id)
       select $1, $3, 'order', o.id from health_order_subjects s join health_orders o on o.id = s.order_id
       where s.subject = $2 and s.lifted_at is null and o.state = 'approved' and o.colour = any ($4::text[])
         and o.valid_from <= $5 and o.valid_to > $5`,
      [citizenId, subject, id, colours, at],
    );
  }
  return evidence.some(({ source }) => rules.weak.sources.includes(source));
}

/**
 * Takes an appeal back. Weak evidence that lapsed by it counts again only if no other appeal is about it.
 *
 * @throws Problem `health_appeal_closed` 409 when it is not open, or not this citizen's.
 */
export async function withdrawAppeal(
  tx: Queryable,
  { holder, by, id, now }: { holder: Holder; by?: string | undefined; id: string; now: Date },
): Promise<Decision> {
  const { citizenId, subject } = holder;
  await tx.query('select 1 from health_people where citizen_id = $1 for update', [citizenId]);
  await decideFor(tx, citizenId, now);
  const rows = await tx.query(
    `update health_appeals set state = 'withdrawn', decided_at = $3
     where citizen_id = $1 and id = $2 and state = 'open' returning id`,
    [citizenId, id, now],
  );
  if (rows.length === 0) throw new Problem('health_appeal_closed', 409);
  await tx.query(
    `update health_evidence e set appeal_at = null
     from health_appeal_items i
     where i.citizen_id = $1 and i.appeal_id = $2 and i.kind = 'evidence' and e.subject = $3 and e.id = i.item_id
       and e.appeal_decision is null and not exists (
         select from health_appeal_items o join health_appeals a on a.citizen_id = o.citizen_id and a.id = o.appeal_id
         where o.citizen_id = $1 and o.kind = 'evidence' and o.item_id = i.item_id and a.state = 'open')`,
    [citizenId, id, subject],
  );
  await record(tx, { type: 'health.appeal_withdrawn', citizenId, actor: guardian(by), at: now });
  await noteGuardianAct(tx, { citizenId, by, what: 'health_appeal', now });
  return decideFor(tx, citizenId, now);
}
