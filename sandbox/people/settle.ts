import { recordEvidence } from '../../src/assurance/store.ts';
import { importCitizen } from '../../src/citizens/import.ts';
import { hashPassword } from '../../src/citizens/password.ts';
import { createAccount, createCitizen, findByIdentifier } from '../../src/citizens/store.ts';
import { grantRole } from '../../src/health-code/officers/store.ts';
import type { Database } from '../../src/platform/database.ts';
import type { Cipher } from '../../src/platform/field-encryption.ts';
import type { Person } from './person.ts';

/** What each level was won by; the registers' and carriers' references are invented like the people. */
const EVIDENCE = {
  anonymous: [],
  basic: ['register', 'carrier'],
  intermediate: ['register', 'carrier', 'face'],
  advanced: ['register', 'carrier', 'face', 'live_face'],
} as const;

/** Where people of level anonymous come from: they have an account, and nothing about them is proved. */
const OLD_PLATFORM = 'old-platform';

/**
 * Gives the registered people of the sandbox their accounts. Who has one already keeps it as it is: a second
 * start must not undo what somebody did with it.
 *
 * @returns how many accounts were made
 */
export async function settlePeople(
  db: Database,
  cipher: Cipher,
  people: readonly Person[],
  now: Date,
): Promise<number> {
  let made = 0;
  for (const person of people) {
    const { level, password } = person;
    if (level === null || password === undefined) continue;
    // By user name too: the register may have corrected the number since.
    const known =
      (await findByIdentifier(db, cipher, person.id_number)) ??
      (await findByIdentifier(db, cipher, person.username));
    if (known && known.state !== 'none') continue;
    const passwordHash = await hashPassword(password);
    await db.transaction(async (tx) => {
      const citizen = {
        name: person.name,
        documentType: person.document_type,
        idNumber: person.id_number,
        birthDate: person.birth_date,
        now,
      };
      const old = { system: OLD_PLATFORM, oldIdentifier: person.username };
      const citizenId =
        level === 'anonymous'
          ? await importCitizen(tx, cipher, { ...citizen, ...old })
          : await createCitizen(tx, cipher, citizen);
      const { username, phone } = person;
      await createAccount(tx, cipher, { citizenId, username, phone, passwordHash, boundLevel: level, now });
      for (const method of EVIDENCE[level]) {
        await recordEvidence(tx, {
          citizenId,
          method,
          source: SOURCES[method],
          transactionId: `sandbox-${method}-${person.username}`,
          at: now,
        });
      }
      for (const role of person.officer?.roles ?? []) {
        const { organisation, type } = person.officer!;
        await grantRole(tx, { citizenId, role, organisation, orgType: type, now });
      }
    });
    made += 1;
  }
  return made;
}

const SOURCES = { register: 'police', carrier: 'carrier', face: 'face', live_face: 'live_face' } as const;
