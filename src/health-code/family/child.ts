import { recordAccess } from '../../audit/access-log.ts';
import { record } from '../../audit/log.ts';
import { recordGuardianship } from '../../citizens/guardianship.ts';
import { createCitizen, readCitizen } from '../../citizens/store.ts';
import type { Queryable } from '../../platform/database.ts';
import { Problem } from '../../platform/problem.ts';
import type { FamilyDeps, Refusals } from './deps.ts';
import { asked, confirmPerson, type Named } from './person.ts';

/**
 * Puts a child without an account under its guardian, until it has one or comes of age. The register has to know the child by this name, and the household
 * register the guardian as its guardian: knowing somebody's number makes nobody a parent.
 *
 * @returns what is wrong, by field; nothing when it is done.
 */
export async function addChild(
  deps: FamilyDeps,
  { guardianId, child, now }: { guardianId: string; child: Named; now: Date },
): Promise<Refusals | undefined> {
  const { db, cipher, household } = deps;
  const refused = await confirmPerson(deps, child);
  if (refused) return refused;
  const guardian = await readCitizen(db, cipher, guardianId);
  if (!guardian) throw new Problem('health_no_person', 404);
  const answer = await asked(() =>
    household.isGuardian({
      guardian: { name: guardian.name, idNumber: guardian.idNumber },
      child: { name: child.name, idNumber: child.idNumber },
    }),
  );
  if (answer === undefined) return { '': 'healthFamily.errors.unavailable' };
  if (answer.outcome !== 'match') return { id_number: 'healthFamily.errors.notGuardian' };
  try {
    await db.transaction(async (tx) => {
      const dependantId = await createCitizen(tx, cipher, { ...child, now });
      await record(tx, { type: 'dependant.recorded', citizenId: dependantId, actor: 'system', at: now });
      const { reference } = answer;
      await recordGuardianship(tx, { guardianId, dependantId, kind: 'child', reference, now });
      await noteGuardian(tx, { guardianId, dependantId, kind: 'child', now });
    });
  } catch (error) {
    if (error instanceof Problem && error.code === 'id_already_registered') {
      return { id_number: 'healthFamily.errors.hasAccount' };
    }
    throw error;
  }
  return undefined;
}

/** Writes down that somebody acts for another from now on, where both can see it. */
export async function noteGuardian(
  tx: Queryable,
  {
    guardianId,
    dependantId,
    kind,
    now,
  }: { guardianId: string; dependantId: string; kind: 'child' | 'elder'; now: Date },
): Promise<void> {
  const actor = `guardian:${guardianId}`;
  const detail = { kind };
  await record(tx, { type: 'guardianship.recorded', citizenId: dependantId, actor, detail, at: now });
  await recordAccess(tx, {
    citizenId: dependantId,
    clientId: 'guardian',
    what: ['health_code'],
    purpose: 'guardianship',
    at: now,
  });
}
