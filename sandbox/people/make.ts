import { writeFileSync } from 'node:fs';
import { CAST } from './cast.ts';
import { checkPeople, PEOPLE_FILE, type Person } from './person.ts';
import type { Role } from './role.ts';

/** One code and one password for all registered people, so that a guest can be handed one slip of paper. */
const FIXED_CODE = '246810';
const PASSWORD = 'Yunhe-Qiao-39';

const WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];

/** Adds the check character of GB 11643 (ISO 7064 MOD 11-2) to 17 digits. */
export function withIdCheck(body: string): string {
  const sum = WEIGHTS.reduce((total, weight, index) => total + weight * Number(body[index]), 0);
  return body + '10X98765432'[sum % 11];
}

/** Adds the Luhn digit (ISO/IEC 7812-1). */
export function withLuhn(body: string): string {
  const sum = [...body].reverse().reduce((total, digit, index) => {
    const value = Number(digit) * (index % 2 === 0 ? 2 : 1);
    return total + (value > 9 ? value - 9 : value);
  }, 0);
  return body + ((10 - (sum % 10)) % 10);
}

const pad = (value: number, width: number) => String(value).padStart(width, '0');

/** Serial of three digits, odd for men and even for women. */
const serial = (index: number, sex: Role['sex']) => pad((index + 1) * 2 + (sex === 'm' ? 1 : 0), 3);

function documentOf(role: Role, index: number): Pick<Person, 'document_type' | 'id_number'> {
  const birth = role.born.replaceAll('-', '');
  const tail = birth + serial(index, role.sex);
  const permit = (area: string) =>
    ({ document_type: 'residence_permit', id_number: withIdCheck(area + tail) }) as const;
  switch (role.document) {
    case 'hong_kong':
      return permit('810000');
    case 'macau':
      return permit('820000');
    case 'taiwan':
      return permit('830000');
    case 'foreign_permanent_resident':
      // 9, province, nationality as GB/T 2659 numeric code, birth, serial, check: the card of 2023-12.
      return { document_type: 'foreign_permanent_resident', id_number: withIdCheck(`939076${tail}`) };
    case 'passport':
      return { document_type: 'passport', id_number: `C39X00${pad(index, 3)}` };
    default: {
      const city = index % 2 === 0 ? '390100' : '390200';
      return { document_type: 'resident_id', id_number: withIdCheck(city + tail) };
    }
  }
}

/** Everybody, always the same. */
export function makePeople(): Person[] {
  return checkPeople(
    CAST.map((role, index) => {
      const number = pad(index + 1, 4);
      return {
        name: role.name,
        ...documentOf(role, index),
        birth_date: role.born,
        phone: `1393900${number}`,
        ...(role.secondPhone && { other_phones: [`1373900${number}`] }),
        username: role.username,
        ...(role.level !== null && { password: PASSWORD }),
        level: role.level,
        cards: role.noCards
          ? {}
          : { social_security_card: `S3900${number}`, bank_card: withLuhn(`62993900000000${number}`) },
        outcomes: role.outcomes ?? {},
        ...(role.wardOf && { ward_of: role.wardOf }),
        ...(!role.readsSms && { fixed_code: FIXED_CODE }),
        ...(role.officer && { officer: role.officer }),
        shows: role.shows,
      };
    }),
  );
}

if (import.meta.main) {
  writeFileSync(PEOPLE_FILE, `${JSON.stringify(makePeople(), null, 2)}\n`);
}
