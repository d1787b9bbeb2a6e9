import type { Queryable } from '../platform/database.ts';
import type { Cipher } from '../platform/field-encryption.ts';
import { newId } from '../platform/id.ts';
import { Problem } from '../platform/problem.ts';
import { ageAt } from './age.ts';
import { type Citizen, readCitizen } from './store.ts';

/** A child's guardian is confirmed by the register; an elder's helper by the elder's own consent. */
export type GuardianshipKind = 'child' | 'elder';

/** From this age on somebody may let another act for them (老年人权益保障法 §2). */
export const ELDER_AGE = 60;
/** From this age on nobody's parents act for them any more (民法典 §17). */
export const FULL_AGE = 18;
const MOST_DEPENDANTS = 10;
const MOST_GUARDIANS = 4;

/** Somebody for whom a guardian acts. */
export interface Dependant {
  /** Of the guardianship: what pages and links name. */
  id: string;
  citizenId: string;
  name: string;
  kind: GuardianshipKind;
  since: Date;
}

interface Row {
  id: string;
  guardian_id: string;
  dependant_id: string;
  kind: GuardianshipKind;
  since: Date;
}

/** Until they come of age (民法典 §17) the register's guardian may act; anybody from 60 on may have a helper. */
export const kindForAge = (birthDate: string, now: Date): GuardianshipKind | undefined => {
  const age = ageAt(birthDate, now);
  if (age < FULL_AGE) return 'child';
  return age >= ELDER_AGE ? 'elder' : undefined;
};

/**
 * Writes down that one citizen acts for another. Doing it again changes nothing.
 *
 * @param reference the register's transaction, or the consent's.
 * @returns the id of the guardianship.
 * @throws Problem 409 `dependants_many`, `guardians_many`; 422 `guardianship_self`.
 */
export async function recordGuardianship(
  tx: Queryable,
  {
    guardianId,
    dependantId,
    kind,
    reference,
    now,
  }: { guardianId: string; dependantId: string; kind: GuardianshipKind; reference: string; now: Date },
): Promise<string> {
  if (guardianId === dependantId) throw new Problem('guardianship_self', 422);
  // Requests of one guardian, or for one dependant, wait for each other, so that none slips past a limit.
  for (const id of [guardianId, dependantId].sort()) {
    await tx.query(`select pg_advisory_xact_lock(hashtextextended('guardianship ' || $1, 0))`, [id]);
  }
  const [known] = await tx.query<{ id: string }>(
    `select id from guardianships where guardian_id = $1 and dependant_id = $2 and ended_at is null`,
    [guardianId, dependantId],
  );
  if (known) return known.id;
  const [count] = await tx.query<{ dependants: number; guardians: number }>(
    `select
       (select count(*) from guardianships where guardian_id = $1 and ended_at is null) as dependants,
       (select count(*) from guardianships where dependant_id = $2 and ended_at is null) as guardians`,
    [guardianId, dependantId],
  );
  if (count && count.dependants >= MOST_DEPENDANTS) {
    throw new Problem('dependants_many', 409, { max: MOST_DEPENDANTS });
  }
  if (count && count.guardians >= MOST_GUARDIANS) {
    throw new Problem('guardians_many', 409, { max: MOST_GUARDIANS });
  }
  const id = newId();
  await tx.query(
    `insert into guardianships (guardian_id, id, dependant_id, kind, reference, since)
     values ($1, $2, $3, $4, $5, $6)`,
    [guardianId, id, dependantId, kind, reference, now],
  );
  return id;
}

/**
 * Whether a guardianship still holds for the person as they are now: nobody acts for the dead, nor for a child
 * that got an account of its own or came of age.
 */
export function stillHolds(kind: GuardianshipKind, citizen: Citizen | undefined, now: Date): boolean {
  if (citizen?.state !== 'active') return false;
  if (kind === 'elder') return true;
  if (citizen.accountState === 'active' || citizen.accountState === 'locked') return false;
  return citizen.birthDate === undefined || ageAt(citizen.birthDate, now) < FULL_AGE;
}

/** For whom a citizen acts, the longest first. */
export async function readDependants(
  db: Queryable,
  cipher: Cipher,
  guardianId: string,
  now: Date,
): Promise<Dependant[]> {
  const rows = await db.query<Row>(
    `select id, dependant_id, kind, since from guardianships
     where guardian_id = $1 and ended_at is null order by since, id`,
    [guardianId],
  );
  const found = await Promise.all(rows.map((row) => dependantOf(db, cipher, row, now)));
  return found.filter((each): each is Dependant => each !== undefined);
}

/** One of a citizen's dependants, by the id of the guardianship; undefined when it is not theirs, or over. */
export async function findDependant(
  db: Queryable,
  cipher: Cipher,
  { guardianId, id, now }: { guardianId: string; id: string; now: Date },
): Promise<Dependant | undefined> {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)) return undefined;
  const [row] = await db.query<Row>(
    `select id, dependant_id, kind, since from guardianships
     where guardian_id = $1 and id = $2 and ended_at is null`,
    [guardianId, id],
  );
  return row && dependantOf(db, cipher, row, now);
}

async function dependantOf(db: Queryable, cipher: Cipher, row: Row, now: Date) {
  const citizen = await readCitizen(db, cipher, row.dependant_id);
  if (!citizen || !stillHolds(row.kind, citizen, now)) return undefined;
  return { id: row.id, citizenId: citizen.id, name: citizen.name, kind: row.kind, since: row.since };
}

/**
 * Keeps a guardianship from ending until this transaction is over: for what a guardian is given and what its end takes
 * back, so that nothing slips between the two. @returns whether there is one.
 */
export async function holdGuardianship(
  tx: Queryable,
  { guardianId, dependantId }: { guardianId: string; dependantId: string },
): Promise<boolean> {
  const rows = await tx.query(
    `select 1 from guardianships where guardian_id = $1 and dependant_id = $2 and ended_at is null for share`,
    [guardianId, dependantId],
  );
  return rows.length > 0;
}

/** Who acts for a citizen: names for their own eyes. */
export async function readGuardians(
  db: Queryable,
  cipher: Cipher,
  dependantId: string,
  now: Date,
): Promise<{ id: string; guardianId: string; name: string; kind: GuardianshipKind; since: Date }[]> {
  const rows = await db.query<Row>(
    `select id, guardian_id, dependant_id, kind, since from guardianships
     where dependant_id = $1 and ended_at is null order by since, id`,
    [dependantId],
  );
  if (rows.length === 0) return [];
  const self = await readCitizen(db, cipher, dependantId);
  const found = await Promise.all(
    rows
      .filter(({ kind }) => stillHolds(kind, self, now))
      .map(async ({ id, guardian_id, kind, since }) => {
        const guardian = await readCitizen(db, cipher, guardian_id);
        return guardian && { id, guardianId: guardian_id, name: guardian.name, kind, since };
      }),
  );
  return found.filter((each) => each !== undefined);
}

/**
 * Everybody who acts, or ever acted, for this citizen, and for whom this citizen does or did: who have an interest in
 * each other's cases.
 */
export async function familyOf(db: Queryable, citizenId: string): Promise<string[]> {
  const rows = await db.query<{ id: string }>(
    `select dependant_id as id from guardianships where guardian_id = $1
     union select guardian_id from guardianships where dependant_id = $1`,
    [citizenId],
  );
  return rows.map(({ id }) => id);
}

/**
 * Whether somebody acts, or ever acted, for this citizen: then a register and a guardian have vouched for them,
 * though they have no account.
 */
export async function everHadGuardian(db: Queryable, citizenId: string): Promise<boolean> {
  const rows = await db.query('select 1 from guardianships where dependant_id = $1 limit 1', [citizenId]);
  return rows.length > 0;
}

/**
 * Ends a guardianship at once. Either of the two may.
 *
 * @param party the citizen who ends it.
 * @returns who the two were; undefined when there is no such guardianship of this citizen, or it has ended.
 */
export async function endGuardianship(
  tx: Queryable,
  { id, party, now }: { id: string; party: { guardianId: string } | { dependantId: string }; now: Date },
): Promise<{ guardianId: string; dependantId: string } | undefined> {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)) return undefined;
  const [ended] =
    'guardianId' in party
      ? await tx.query<Row>(
          `update guardianships set ended_at = $3, ended_by = 'guardian'
           where guardian_id = $1 and id = $2 and ended_at is null returning guardian_id, dependant_id`,
          [party.guardianId, id, now],
        )
      : await tx.query<Row>(
          `update guardianships set ended_at = $3, ended_by = 'dependant'
           where dependant_id = $1 and id = $2 and ended_at is null returning guardian_id, dependant_id`,
          [party.dependantId, id, now],
        );
  return ended && { guardianId: ended.guardian_id, dependantId: ended.dependant_id };
}
