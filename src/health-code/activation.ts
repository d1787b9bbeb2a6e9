import { record } from '../audit/log.ts';
import type { Database, Queryable } from '../platform/database.ts';
import { newId } from '../platform/id.ts';
import { Problem } from '../platform/problem.ts';
import { healthSettings } from './settings.ts';

/** The record without which the health code is off: who ordered it, where, on what legal basis, from when to when. */
export interface Activation {
  id: string;
  legalBasis: string;
  region: string;
  from: Date;
  to: Date;
  approver1: string;
  approver2: string;
}

interface Row {
  id: string;
  legal_basis: string;
  region: string;
  valid_from: Date;
  valid_to: Date;
  approver1: string;
  approver2: string;
}

/** The first two digits of every division of this province. */
export const PROVINCE = healthSettings.region.slice(0, 2);

/** Whether a region (GB/T 2260) is this province or lies in it: nobody here decides for another. */
export const isOfProvince = (region: string): boolean =>
  /^\d{6}$/.test(region) && region.startsWith(PROVINCE);

/** The activation in force at `now`, or undefined: then the module is off. */
export async function liveActivation(db: Queryable, now: Date): Promise<Activation | undefined> {
  const [row] = await db.query<Row>(
    `select id, legal_basis, region, valid_from, valid_to, approver1, approver2 from health_activations
     where withdrawn_at is null and approver2 is not null and valid_from <= $1 and valid_to > $1
     order by valid_to desc, id limit 1`,
    [now],
  );
  return (
    row && {
      id: row.id,
      legalBasis: row.legal_basis,
      region: row.region,
      from: row.valid_from,
      to: row.valid_to,
      approver1: row.approver1,
      approver2: row.approver2,
    }
  );
}

/** @throws Problem `health_off` 404 when no activation is in force. */
export async function requireActivation(db: Queryable, now: Date): Promise<Activation> {
  const activation = await liveActivation(db, now);
  if (!activation) throw new Problem('health_off', 404);
  return activation;
}

/**
 * Switches the health code on for a region and a time.
 *
 * @throws Problem `health_activation_invalid` 422 for one approver, no legal basis, a region of another province
 * or an end before the beginning.
 */
export async function activate(
  tx: Queryable,
  activation: Omit<Activation, 'id'>,
  now: Date,
): Promise<string> {
  const { legalBasis, region, from, to, approver1, approver2 } = activation;
  const complete =
    isOfProvince(region) && [legalBasis, approver1, approver2].every((text) => text.trim() !== '');
  if (!complete || approver1 === approver2 || from >= to) throw new Problem('health_activation_invalid', 422);
  const id = newId();
  await tx.query(
    `insert into health_activations
       (id, legal_basis, region, valid_from, valid_to, approver1, approver2, recorded_at, decided_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $8)`,
    [id, legalBasis, region, from, to, approver1, approver2, now],
  );
  await record(tx, { type: 'health.activated', actor: 'system', at: now });
  return id;
}

/** Withdraws an activation at once. Returns whether there was one to withdraw. */
export async function deactivate(tx: Queryable, id: string, now: Date, actor = 'system'): Promise<boolean> {
  const rows = await tx.query(
    `update health_activations set withdrawn_at = $2
     where id = $1 and withdrawn_at is null and refused_at is null returning id`,
    [id, now],
  );
  if (rows.length > 0) await record(tx, { type: 'health.deactivated', actor, at: now });
  return rows.length > 0;
}

/** For the sandbox: an activation of ten years, unless one is in force already. */
export async function seedActivation(db: Database, now: Date, region = '390000'): Promise<void> {
  await db.transaction(async (tx) => {
    await tx.query('lock table health_activations in share row exclusive mode');
    if (await liveActivation(tx, now)) return;
    await activate(
      tx,
      {
        legalBasis: '示例省传染病防治应急预案（演示）',
        region,
        from: now,
        to: new Date(now.getTime() + 3_650 * 86_400_000),
        approver1: 'sandbox-officer-1',
        approver2: 'sandbox-officer-2',
      },
      now,
    );
  });
}
