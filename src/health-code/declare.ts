import { createHash } from 'node:crypto';
import { record } from '../audit/log.ts';
import type { Queryable } from '../platform/database.ts';
import type { Cipher } from '../platform/field-encryption.ts';
import { newId } from '../platform/id.ts';
import type { Decision } from './assess.ts';
import { decideFor } from './decide.ts';
import { type Day, days, startOf } from './engine/civil-day.ts';
import type { RuleSet } from './engine/rule-set.ts';
import type { Holder } from './people.ts';
import { rulesInForce } from './rules-in-force.ts';
import { healthSettings } from './settings.ts';

/** What a citizen declares. Days are the last ones there, or the day of arrival. */
export interface Declaration {
  address: string;
  temp: number | undefined;
  symptoms: string[];
  highRiskUntil: Day | undefined;
  mediumRiskUntil: Day | undefined;
  arrivedOn: Day | undefined;
  arrivedFrom: string | undefined;
  /** Contact with a case. Only the centre for disease control makes it a reason. */
  contact: boolean;
  signature: string;
}

/** The evidence that a declaration gives: type and instant. */
export function evidenceOf(
  declared: Declaration,
  now: Date,
  rules: Pick<RuleSet, 'temperature'>,
): { type: string; at: Date }[] {
  // A stay ends with its last day; today's has not ended, so it counts until now.
  const endOf = (day: Day) => new Date(Math.min(startOf(day) + days(1) - 1, now.getTime()));
  const found: { type: string; at: Date }[] = [];
  const feverish = declared.temp !== undefined && declared.temp >= rules.temperature.fever;
  if (declared.symptoms.length > 0 || feverish) found.push({ type: 'SYMPTOM_DECLARED', at: now });
  if (declared.highRiskUntil !== undefined) {
    found.push({ type: 'HIGH_RISK_STAY', at: endOf(declared.highRiskUntil) });
  }
  if (declared.mediumRiskUntil !== undefined) {
    found.push({ type: 'MEDIUM_RISK_STAY', at: endOf(declared.mediumRiskUntil) });
  }
  if (declared.arrivedOn !== undefined) {
    found.push({ type: 'ARRIVAL_OTHER_PROV', at: endOf(declared.arrivedOn) });
  }
  return found;
}

/**
 * Files a signed declaration with its evidence, and decides anew: all or nothing.
 *
 * @returns the decision that follows.
 * @throws NoRuleSet
 */
export async function declare(
  tx: Queryable,
  cipher: Cipher,
  {
    holder,
    declared,
    declaredBy,
    sessionUid,
    now,
  }: {
    holder: Holder;
    declared: Declaration;
    /** The guardian, where it is not the holder who declares. */
    declaredBy?: string | undefined;
    sessionUid?: string | undefined;
    now: Date;
  },
): Promise<Decision> {
  const { citizenId, subject } = holder;
  const id = newId();
  const text = JSON.stringify({ ...declared, notice: healthSettings.notice, at: now.toISOString() });
  await tx.query(
    `insert into health_people (citizen_id, subject, declared_at, level_ever) values ($1, $2, $3, 'anonymous')
     on conflict (citizen_id) do update set subject = excluded.subject`,
    [citizenId, subject, now],
  );
  await tx.query(
    `insert into health_declarations (citizen_id, id, at, notice, body, digest, session_uid, declared_by)
     values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [
      citizenId,
      id,
      now,
      healthSettings.notice,
      cipher.sealShared('health_declaration', citizenId, text),
      createHash('sha256').update(text).digest(),
      sessionUid ?? null,
      declaredBy ?? null,
    ],
  );
  const rules = await rulesInForce(tx, now);
  for (const { type, at } of evidenceOf(declared, now, rules)) {
    await tx.query(
      `insert into health_evidence (subject, id, type, source, reference, at, purpose, received_at)
       values ($1, $2, $3, 'declaration', $4, $5, $6, $7)`,
      [subject, newId(), type, `${id}:${type}`, at, healthSettings.purpose, now],
    );
  }
  const actor = declaredBy === undefined ? undefined : `guardian:${declaredBy}`;
  await record(tx, { type: 'health.declared', citizenId, sessionUid, actor, at: now });
  return decideFor(tx, citizenId, now);
}
