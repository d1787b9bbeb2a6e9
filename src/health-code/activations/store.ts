import { record } from '../../audit/log.ts';
import type { Queryable } from '../../platform/database.ts';
import { newId } from '../../platform/id.ts';
import { Problem } from '../../platform/problem.ts';
import { isOfProvince } from '../activation.ts';
import { days } from '../engine/civil-day.ts';
import type { Officer } from '../officers/gate.ts';
import { healthSettings } from '../settings.ts';

type By = Pick<Officer, 'citizenId' | 'actor'>;

/** An activation record as its approvers see it. */
export interface ActivationRecord {
  id: string;
  legalBasis: string;
  region: string;
  from: Date;
  to: Date;
  approver1: string;
  approver2: string | undefined;
  recordedAt: Date;
  state: 'requested' | 'refused' | 'withdrawn' | 'over' | 'ahead' | 'live';
}

interface Row {
  id: string;
  legal_basis: string;
  region: string;
  valid_from: Date;
  valid_to: Date;
  approver1: string;
  approver2: string | null;
  recorded_at: Date;
  refused_at: Date | null;
  withdrawn_at: Date | null;
}

function stateOf(row: Row, now: Date): ActivationRecord['state'] {
  if (row.refused_at) return 'refused';
  if (row.withdrawn_at) return 'withdrawn';
  if (row.valid_to <= now) return 'over';
  if (row.approver2 === null) return 'requested';
  return row.valid_from > now ? 'ahead' : 'live';
}

/** Activation records, newest first. */
export async function readActivations(db: Queryable, now: Date): Promise<ActivationRecord[]> {
  const rows = await db.query<Row>(
    `select id, legal_basis, region, valid_from, valid_to, approver1, approver2, recorded_at, refused_at, withdrawn_at
     from health_activations order by recorded_at desc, id limit 50`,
  );
  return rows.map((row) => ({
    id: row.id,
    legalBasis: row.legal_basis,
    region: row.region,
    from: row.valid_from,
    to: row.valid_to,
    approver1: row.approver1,
    approver2: row.approver2 ?? undefined,
    recordedAt: row.recorded_at,
    state: stateOf(row, now),
  }));
}

/**
 * The first of the two: asks that the health code be switched on. Nothing changes yet.
 *
 * @throws Problem `health_activation_invalid` 422 for what the form should have refused.
 */
export async function requestActivation(
  tx: Queryable,
  {
    officer,
    legalBasis,
    region,
    from,
    to,
    now,
  }: {
    officer: By;
    legalBasis: string;
    region: string;
    from: Date;
    to: Date;
    now: Date;
  },
): Promise<string> {
  const lasts = to.getTime() - from.getTime();
  const longest = days(healthSettings.activations.longestDays);
  if (legalBasis.trim() === '' || !isOfProvince(region) || lasts <= 0 || lasts > longest || to <= now) {
    throw new Problem('health_activation_invalid', 422);
  }
  const id = newId();
  await tx.query(
    `insert into health_activations (id, legal_basis, region, valid_from, valid_to, approver1, recorded_at)
     values ($1, $2, $3, $4, $5, $6, $7)`,
    [id, legalBasis, region, from, to, officer.citizenId, now],
  );
  await record(tx, { type: 'health.activation_requested', actor: officer.actor, at: now });
  return id;
}

/**
 * The second of the two: from now on, or from its beginning, the health code is on.
 *
 * @throws Problem 409 `health_same_person`, or `health_activation_closed` when it is decided or over.
 */
export async function approveActivation(
  tx: Queryable,
  { officer, id, now }: { officer: By; id: string; now: Date },
): Promise<void> {
  const rows = await tx.query(
    `update health_activations set approver2 = $2, decided_at = $3
     where id = $1 and approver2 is null and refused_at is null and withdrawn_at is null and valid_to > $3
       and approver1 <> $2 returning id`,
    [id, officer.citizenId, now],
  );
  if (rows.length === 0) throw await whyNot(tx, id, officer);
  await record(tx, { type: 'health.activated', actor: officer.actor, at: now });
}

/** Says no. Whoever asked may take it back by `deactivate`. @throws as `approveActivation`. */
export async function refuseActivation(
  tx: Queryable,
  { officer, id, now }: { officer: By; id: string; now: Date },
): Promise<void> {
  const rows = await tx.query(
    `update health_activations set refused_at = $3, decided_at = $3
     where id = $1 and approver2 is null and refused_at is null and withdrawn_at is null and approver1 <> $2
     returning id`,
    [id, officer.citizenId, now],
  );
  if (rows.length === 0) throw await whyNot(tx, id, officer);
  await record(tx, { type: 'health.activation_refused', actor: officer.actor, at: now });
}

async function whyNot(tx: Queryable, id: string, officer: By): Promise<Problem> {
  const [row] = await tx.query<{ own: boolean }>(
    `select approver1 = $2 and approver2 is null and refused_at is null and withdrawn_at is null as own
     from health_activations where id = $1`,
    [id, officer.citizenId],
  );
  if (!row) return new Problem('health_no_record', 404);
  return new Problem(row.own ? 'health_same_person' : 'health_activation_closed', 409);
}
