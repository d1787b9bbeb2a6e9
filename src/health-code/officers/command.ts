import { findByIdentifier } from '../../citizens/store.ts';
import type { Database } from '../../platform/database.ts';
import type { Cipher } from '../../platform/field-encryption.ts';
import { healthSettings } from '../settings.ts';
import { mayHave, ORG_TYPES, type OrgType, ROLES, type Role } from './roles.ts';
import { endRole, grantRole, officersWith } from './store.ts';

export const USAGE = `npm run officers -- list
npm run officers -- grant <user name, phone or ID number> <role> <organisation> <type>
npm run officers -- end <user name, phone or ID number> <role>

roles: ${ROLES.join(', ')}
types: ${ORG_TYPES.join(', ')}`;

/** The command cannot be carried out; the message says why. */
export class OfficerCommandError extends Error {
  override readonly name = 'OfficerCommandError';
}

const oneOf = <T extends string>(list: readonly T[], given: string | undefined, what: string): T => {
  const found = list.find((each) => each === given);
  if (!found) throw new OfficerCommandError(`${what} must be one of ${list.join(', ')}.`);
  return found;
};

/**
 * Carries out one line of `npm run officers`.
 *
 * @returns what to print.
 * @throws OfficerCommandError for what cannot be understood, and for somebody without an account.
 */
export async function officerCommand(
  db: Database,
  cipher: Cipher,
  [verb, who, roleName, organisation, type]: readonly string[],
  now: Date,
): Promise<string> {
  if (verb === 'list') {
    const grants = await officersWith(db);
    const lines = grants.map(
      ({ citizenId, role, organisation: of, orgType }) =>
        `${role.padEnd(20)} ${citizenId}  ${of} (${orgType})`,
    );
    return lines.length === 0 ? 'Nobody is an officer.' : lines.join('\n');
  }
  if ((verb !== 'grant' && verb !== 'end') || !who) throw new OfficerCommandError(USAGE);
  const role: Role = oneOf(ROLES, roleName, 'The role');
  const found = await findByIdentifier(db, cipher, who);
  if (found?.state !== 'active') throw new OfficerCommandError('Nobody with that identifier has an account.');
  const { citizenId } = found;
  if (verb === 'end') {
    const ended = await db.transaction((tx) => endRole(tx, { citizenId, role, now }));
    return ended ? `${role} ended.` : `That person is not ${role}.`;
  }
  const orgType: OrgType = oneOf(ORG_TYPES, type, 'The type of the organisation');
  if (!mayHave(role, orgType)) {
    const types = healthSettings.officers.organisations.join(', ');
    throw new OfficerCommandError(`${role} is only for organisations of type ${types}.`);
  }
  if (!organisation?.trim()) throw new OfficerCommandError('Name the organisation.');
  const grant = { citizenId, role, organisation: organisation.trim().slice(0, 100), orgType, now };
  const changed = await db.transaction((tx) => grantRole(tx, grant));
  return changed ? `${role} granted.` : `That person is ${role} there already.`;
}
