import type { Outcomes, Person } from './person.ts';

/** One line of the cast; `make.ts` adds numbers, cards and what follows from the line. */
export interface Role {
  name: string;
  username: string;
  /** ISO date of birth. */
  born: string;
  sex: 'f' | 'm';
  level: Person['level'];
  shows: Person['shows'];
  outcomes?: Outcomes;
  document?: 'hong_kong' | 'macau' | 'taiwan' | 'foreign_permanent_resident' | 'passport';
  /** No fixed code: codes are read at `/sms`, and the limits count. */
  readsSms?: true;
  /** Owns a second number. */
  secondPhone?: true;
  noCards?: true;
  /** User names of the guardians. */
  wardOf?: string[];
  /** Works on the health code. */
  officer?: Person['officer'];
}

export const role = (
  level: Person['level'],
  name: string,
  username: string,
  sex: 'f' | 'm',
  born: string,
  zh: string,
  en: string,
  more: Partial<Role> = {},
): Role => ({ level, name, username, sex, born, shows: { zh, en }, ...more });
