import type { DocumentType } from './identifiers.ts';
import { sameName } from './names.ts';

/** What tells two holders of one document number apart. */
export interface Holder {
  documentType: DocumentType;
  name: string;
  /** `YYYY-MM-DD`. */
  birthDate?: string | undefined;
}

/**
 * Whether two holders of the same document number are one person. Where one authority gives the numbers they are,
 * whatever name the register now has. Passports are numbered by each country for itself, and which one that was is
 * nowhere in a number (ICAO Doc 9303-4): name and, if both are known, date of birth have to agree too. In doubt it is
 * somebody else, because the other mistake opens one person's account to another.
 */
export function isSamePerson(one: Holder, other: Holder): boolean {
  if (one.documentType !== 'passport' && other.documentType !== 'passport') return true;
  const sameBirth = !one.birthDate || !other.birthDate || one.birthDate === other.birthDate;
  return one.documentType === other.documentType && sameName(one.name, other.name) && sameBirth;
}
