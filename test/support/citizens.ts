import { createHash } from 'node:crypto';
import { residentCheckDigit } from '../../src/citizens/check-digits.ts';
import { createAccount, createCitizen } from '../../src/citizens/store.ts';
import type { Database } from '../../src/platform/database.ts';
import { createCipher } from '../../src/platform/field-encryption.ts';

const key = (name: string) => createHash('sha256').update(name).digest();

/** Keys for tests: fixed, so that a failure can be repeated. */
export const cipher = createCipher({
  current: 'test',
  keys: { test: key('master') },
  indexKey: key('index'),
});

/** For tests that end accounts which no relying party knows. */
export const ending = { cipher, enqueueLogout: async () => {} };

/** A valid resident ID of the unassigned province 39; `n` makes them different. */
export function residentIdOf(n: number, birth = '19900102'): string {
  const body = `390100${birth}${String(n).padStart(3, '0')}`;
  return body + residentCheckDigit(body);
}

export const phoneOf = (n: number) => `139${String(n).padStart(8, '0')}`;

export const NOW = new Date('2026-11-23T02:00:00Z');
export const minutesLater = (minutes: number) => new Date(NOW.getTime() + minutes * 60_000);

/** What `createAccount` keeps of a password in tests that never log in with it. */
export const NO_PASSWORD = '$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAA$AAAAAAAAAAA';

/** A person with an account at basic: `n` decides ID number, phone and user name. */
export function givenAccount(db: Database, n: number, { passwordHash = NO_PASSWORD } = {}): Promise<string> {
  return db.transaction(async (tx) => {
    const citizenId = await createCitizen(tx, cipher, {
      name: `示例${n}`.replace(/\d/g, (digit) => '零一二三四五六七八九'[Number(digit)]!),
      documentType: 'resident_id',
      idNumber: residentIdOf(n),
      birthDate: '1990-01-02',
      now: NOW,
    });
    await createAccount(tx, cipher, {
      citizenId,
      username: `person.${n}`,
      phone: phoneOf(n),
      passwordHash,
      boundLevel: 'basic',
      now: NOW,
    });
    return citizenId;
  });
}
