import { recordEvidence } from '../../src/assurance/store.ts';
import { seedActivation } from '../../src/health-code/activation.ts';
import { type Declaration, declare } from '../../src/health-code/declare.ts';
import { ruleSets } from '../../src/health-code/engine/rule-set.ts';
import { type Holder, readHolder } from '../../src/health-code/people.ts';
import { seedRuleSet } from '../../src/health-code/rule-set-store.ts';
import type { Database } from '../../src/platform/database.ts';
import { newId } from '../../src/platform/id.ts';
import { cipher, givenAccount, NOW } from './citizens.ts';

export const daysLater = (days: number, from = NOW) => new Date(from.getTime() + days * 86_400_000);

/** Switches the module on as the sandbox does. */
export async function givenHealthCode(db: Database, now = NOW): Promise<void> {
  await seedActivation(db, now);
  await seedRuleSet(db, ruleSets, now);
}

/** A citizen whose account is at basic. */
export async function givenCitizenAtBasic(db: Database, n: number, at = NOW): Promise<Holder> {
  const citizenId = await givenAccount(db, n);
  for (const [method, source] of [
    ['register', 'police'],
    ['carrier', 'carrier'],
  ] as const) {
    await recordEvidence(db, { citizenId, method, source, transactionId: newId(), at });
  }
  return readHolder(db, cipher, citizenId);
}

export const NOTHING: Declaration = {
  address: '甲市示例路 1 号',
  temp: 36.5,
  symptoms: [],
  highRiskUntil: undefined,
  mediumRiskUntil: undefined,
  arrivedOn: undefined,
  arrivedFrom: undefined,
  contact: false,
  signature: '示例',
};

/** A citizen at basic who has declared. */
export async function givenDeclared(
  db: Database,
  n: number,
  { declared = {}, now = NOW }: { declared?: Partial<Declaration>; now?: Date } = {},
): Promise<Holder> {
  const holder = await givenCitizenAtBasic(db, n, now);
  await db.transaction((tx) => declare(tx, cipher, { holder, declared: { ...NOTHING, ...declared }, now }));
  return holder;
}

/** A row of evidence as a source would have sent it. */
export async function givenEvidence(
  db: Database,
  subject: Buffer,
  row: { type: string; source: string; at: Date; purpose?: string; phoneOwnerVerified?: boolean },
): Promise<string> {
  const id = newId();
  await db.query(
    `insert into health_evidence
       (subject, id, type, source, reference, at, purpose, phone_owner_verified, received_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $6)`,
    [
      subject,
      id,
      row.type,
      row.source,
      id,
      row.at,
      row.purpose ?? 'epidemic_prevention',
      row.phoneOwnerVerified ?? null,
    ],
  );
  return id;
}
