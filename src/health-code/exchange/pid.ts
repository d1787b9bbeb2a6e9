import { createHmac } from 'node:crypto';
import { type DocumentType, documentKey } from '../../citizens/identifiers.ts';
import { readCitizen } from '../../citizens/store.ts';
import type { Database, Queryable } from '../../platform/database.ts';
import type { Cipher } from '../../platform/field-encryption.ts';
import { dayOf, formatDay } from '../engine/civil-day.ts';
import { applyToPeople, joinAlone } from './apply.ts';

/** The month of an instant in China, like `2026-11`: which key makes its pseudonyms. */
export const monthOf = (at: Date): string => formatDay(dayOf(at.getTime())).slice(0, 7);

/**
 * The pseudonym of a person in the files of one month: HMAC-SHA256 of document type and number under the key that
 * all provinces share that month. Without the key nobody joins two months, nor a month with a register.
 */
export const pidOf = (key: Buffer, documentType: DocumentType, idNumber: string): Buffer =>
  createHmac('sha256', key)
    .update(`${documentType}\n${documentKey(idNumber)}`)
    .digest();

/** Whether anybody still lacks the month's pseudonym. */
export async function pidsDue(db: Queryable, month: string): Promise<boolean> {
  const due = await db.query('select 1 from health_people where pid_month < $1 limit 1', [month]);
  return due.length > 0;
}

/**
 * Gives this month's pseudonym to people who lack it, and files what other provinces have said of them.
 *
 * @returns how many were looked at, none that is locked; call again while it is not 0.
 */
export async function fillPids(
  db: Database,
  cipher: Cipher,
  { month, key, limit = 200, now }: { month: string; key: Buffer; limit?: number; now: Date },
): Promise<number> {
  return db.transaction(async (tx) => {
    await joinAlone(tx);
    const people = await tx.query<{ citizen_id: string; subject: Buffer }>(
      `select citizen_id, subject from health_people where pid_month < $1
       order by pid_month, citizen_id limit $2 for update skip locked`,
      [month, limit],
    );
    if (people.length === 0) return 0;
    const pids: Buffer[] = [];
    const known: typeof people = [];
    for (const person of people) {
      const citizen = await readCitizen(tx, cipher, person.citizen_id);
      if (citizen?.state !== 'active') continue;
      pids.push(pidOf(key, citizen.documentType, citizen.idNumber));
      known.push(person);
    }
    await tx.query(
      `insert into health_pids (pid, month, citizen_id, subject)
       select pid, $1, citizen_id, subject
       from unnest($2::bytea[], $3::uuid[], $4::bytea[]) as n (pid, citizen_id, subject)
       on conflict (pid, month) do update set citizen_id = excluded.citizen_id, subject = excluded.subject`,
      [month, pids, known.map((each) => each.citizen_id), known.map((each) => each.subject)],
    );
    await tx.query('update health_people set pid_month = $1 where citizen_id = any ($2::uuid[])', [
      month,
      people.map((each) => each.citizen_id),
    ]);
    await applyToPeople(tx, { pids }, now);
    return people.length;
  });
}
