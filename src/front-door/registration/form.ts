import { ageAt, beijingDate, OWN_ACCOUNT_AGE } from '../../citizens/age.ts';
import {
  DOCUMENT_TYPES,
  type DocumentType,
  documentTypeOf,
  parseDocument,
  parseMobile,
} from '../../citizens/identifiers.ts';
import { parseName, parseUsername } from '../../citizens/names.ts';
import { acceptable } from '../../citizens/password.ts';

/** The first page of the registration, checked and in normal form. */
export interface Entries {
  name: string;
  documentType: DocumentType;
  idNumber: string;
  /** `YYYY-MM-DD`, of the number itself or, where it does not tell, as typed. */
  birthDate: string;
  phone: string;
  username: string;
  password: string;
}

export interface FormRules {
  now: Date;
  /** Province codes known besides `config/provinces.json`. */
  extraProvinces?: readonly string[];
}

/** Field → key of the sentence that says what is wrong. */
export type EntryErrors = Partial<Record<string, string>>;

const text = (area: string, reason: string): string => `frontDoor.entry.${area}.${reason}`;

const DATE = /^(\d{4})-(\d{2})-(\d{2})$/;

/** A date that exists, from 1800 until today in Beijing. */
function parseBirthDate(raw: string, now: Date): string | undefined {
  const date = raw.trim();
  if (!DATE.test(date)) return undefined;
  const parsed = new Date(`${date}T00:00:00Z`);
  if (Number.isNaN(parsed.getTime()) || parsed.toISOString().slice(0, 10) !== date) return undefined;
  return date >= '1800-01-01' && date <= beijingDate(now) ? date : undefined;
}

/**
 * Reads the document number by the type that was chosen or, where the number is plainly another document's, by
 * that one: the chooser stands on "resident ID" until somebody moves it. A passport must begin with a letter to
 * be recognised so, or every mistyped ID number would be one.
 */
export function readDocument(typeField: string, raw: string, rules: FormRules) {
  const chosen = DOCUMENT_TYPES.find((type) => type === typeField) ?? 'resident_id';
  const parsed = parseDocument(chosen, raw, rules);
  if (parsed.ok) return { ...parsed, documentType: chosen };
  const shape = documentTypeOf(raw);
  if (shape === undefined || shape === chosen) return parsed;
  if (shape === 'passport' && !/^\s*\p{L}/u.test(raw)) return parsed;
  const other = parseDocument(shape, raw, rules);
  return other.ok ? { ...other, documentType: shape } : parsed;
}

/**
 * Checks everything that can be checked without asking anybody, all fields at once.
 *
 * @param fields as posted; `password` may be absent when `passwordKept` (a change of an earlier entry).
 */
export function checkEntries(
  fields: Readonly<Record<string, string>>,
  rules: FormRules,
  { passwordKept = false }: { passwordKept?: boolean } = {},
): { ok: true; entries: Entries } | { ok: false; errors: EntryErrors; needsBirthDate: boolean } {
  const field = (name: string): string => fields[name] ?? '';
  const errors: EntryErrors = {};
  const name = parseName(field('name'));
  if (!name.ok) errors.name = text('name', name.reason);
  const document = readDocument(field('document_type'), field('id_number'), rules);
  if (!document.ok) errors.id_number = text('document', document.reason);
  const needsBirthDate = document.ok && document.birthDate === undefined;
  const birthDate = document.ok
    ? (document.birthDate ?? parseBirthDate(field('birth_date'), rules.now))
    : undefined;
  if (needsBirthDate && birthDate === undefined) {
    errors.birth_date = text('birthDate', field('birth_date').trim() === '' ? 'empty' : 'wrong');
  }
  const phone = parseMobile(field('phone'));
  if (!phone.ok) errors.phone = text('phone', phone.reason);
  const username = parseUsername(field('username'));
  if (!username.ok) errors.username = text('username', username.reason);
  const password = field('password');
  if (!(passwordKept && password === '')) {
    const refusal = acceptable(password, {
      ...(username.ok && { username: username.value }),
      ...(name.ok && { name: name.value }),
      ...(phone.ok && { phone: phone.value }),
      ...(document.ok && { idNumber: document.value }),
    });
    if (refusal !== undefined) errors.password = text('password', refusal);
  }
  if (Object.keys(errors).length > 0 || !(name.ok && document.ok && phone.ok && username.ok && birthDate)) {
    return { ok: false, errors, needsBirthDate };
  }
  return {
    ok: true,
    entries: {
      name: name.value,
      documentType: document.documentType,
      idNumber: document.value,
      birthDate,
      phone: phone.value,
      username: username.value,
      password,
    },
  };
}

/** Whether somebody born then is too young for an account of their own. */
export const tooYoung = (birthDate: string, now: Date): boolean => ageAt(birthDate, now) < OWN_ACCOUNT_AGE;
