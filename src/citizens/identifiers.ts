import parsePhoneNumber from 'libphonenumber-js/mobile';
import provinces from '../../config/provinces.json' with { type: 'json' };
import { luhnHolds, organisationCheckDigit, residentCheckDigit, usccCheckDigit } from './check-digits.ts';

/** The documents that open an account; each has one register that confirms it. */
export type DocumentType = 'resident_id' | 'residence_permit' | 'foreign_permanent_resident' | 'passport';

export const DOCUMENT_TYPES: readonly DocumentType[] = [
  'resident_id',
  'residence_permit',
  'foreign_permanent_resident',
  'passport',
];

/** Why a number is refused. `wrong_type` means that it is well formed, for another type of document. */
export type Refusal = 'empty' | 'length' | 'characters' | 'province' | 'date' | 'check_digit' | 'wrong_type';

export type Parsed<Value = object> = ({ ok: true; value: string } & Value) | { ok: false; reason: Refusal };

export type ParsedDocument = Parsed<{
  /** `YYYY-MM-DD`; absent where the number does not tell. */
  birthDate?: string;
  sex?: 'male' | 'female';
}>;

export interface DocumentRules {
  /** A date of birth after this moment is refused. */
  now?: Date;
  /** Two-digit province codes known besides `config/provinces.json`; the sandbox adds 39. */
  extraProvinces?: readonly string[];
}

const refuse = (reason: Refusal): { ok: false; reason: Refusal } => ({ ok: false, reason });

/** What people type around a number: full-width forms, spaces, hyphens, invisible marks, lower case. */
const compact = (raw: string) =>
  // Most numbers come as they should, millions of them in a feed.
  /^[0-9A-Z]*$/.test(raw)
    ? raw
    : raw
        .normalize('NFKC')
        .replace(/[\s\p{Cf}\p{Pd}]/gu, '')
        .toUpperCase();

/** Beijing is the only time zone of the documents: a person born today there is not born tomorrow. */
const beijingDate = (at: Date) => new Date(at.getTime() + 8 * 3600_000).toISOString().slice(0, 10);

function birthDateOf(eight: string, now: Date): string | undefined {
  const date = `${eight.slice(0, 4)}-${eight.slice(4, 6)}-${eight.slice(6, 8)}`;
  const parsed = new Date(`${date}T00:00:00Z`);
  if (Number.isNaN(parsed.getTime()) || parsed.toISOString().slice(0, 10) !== date) return undefined;
  return date >= '1800-01-01' && date <= beijingDate(now) ? date : undefined;
}

const provinceKnown = (code: string, extra: readonly string[]) =>
  Object.hasOwn(provinces, code) || extra.includes(code);

const PERMIT_PREFIX = /^8[123]0000/;
const OLD_FOREIGN = /^[A-Z]{3}\d{12}$/;
/** Serial numbers 996–999 were given to people older than a hundred when the old numbers were issued. */
const CENTENARIAN = /99[6-9]$/;

/** A 15-digit resident number as its 18-digit form (GB 11643-1999); its validity is not looked at. */
export function upgradeResidentId(fifteen: string): string {
  const century = CENTENARIAN.test(fifteen) ? '18' : '19';
  const body = `${fifteen.slice(0, 6)}${century}${fifteen.slice(6)}`;
  return body + residentCheckDigit(body);
}

function parseEighteen(value: string, province: string | undefined, rules: DocumentRules): ParsedDocument {
  if (province !== undefined && !provinceKnown(province, rules.extraProvinces ?? []))
    return refuse('province');
  const birthDate = birthDateOf(value.slice(6, 14), rules.now ?? new Date());
  if (birthDate === undefined) return refuse('date');
  if (residentCheckDigit(value) !== value[17]) return refuse('check_digit');
  return { ok: true, value, birthDate, sex: Number(value[16]) % 2 === 1 ? 'male' : 'female' };
}

/** Length and characters of an 18-character number, told apart so that the page can say which is wrong. */
function shapeFault(text: string): Refusal | undefined {
  if (text.length !== 18) return 'length';
  return /^\d{17}[\dX]$/.test(text) ? undefined : 'characters';
}

function parseResidentId(text: string, rules: DocumentRules): ParsedDocument {
  const value = /^\d{15}$/.test(text) ? upgradeResidentId(text) : text;
  const fault = shapeFault(value);
  if (fault) return refuse(OLD_FOREIGN.test(text) ? 'wrong_type' : fault);
  const parsed = parseEighteen(value, value.slice(0, 2), rules);
  if (parsed.ok || parsed.reason !== 'province') return parsed;
  const other = documentTypeOf(value);
  const belongs = other !== 'resident_id' && other !== undefined && parseDocument(other, value, rules).ok;
  return belongs ? refuse('wrong_type') : parsed;
}

function parseResidencePermit(text: string, rules: DocumentRules): ParsedDocument {
  const fault = shapeFault(text);
  if (fault) return refuse(fault);
  if (PERMIT_PREFIX.test(text)) return parseEighteen(text, undefined, rules);
  return refuse(parseResidentId(text, rules).ok ? 'wrong_type' : 'province');
}

function parseForeignPermanentResident(text: string, rules: DocumentRules): ParsedDocument {
  if (OLD_FOREIGN.test(text)) return { ok: true, value: text };
  const fault = shapeFault(text);
  if (fault) return refuse(fault);
  if (text.startsWith('9')) return parseEighteen(text, text.slice(1, 3), rules);
  return refuse(parseResidentId(text, rules).ok ? 'wrong_type' : 'province');
}

function parsePassport(text: string): ParsedDocument {
  if (text.length < 5 || text.length > 15) return refuse('length');
  if (!/^[A-Z0-9]+$/.test(text) || !/\d/.test(text)) return refuse('characters');
  return { ok: true, value: text };
}

/**
 * Checks a document number as far as it can be checked without a register, and normalises it: upper case, no
 * spaces, a 15-digit resident number as 18 digits. The county is never checked (abolished codes live on).
 * Sources: GB 11643-1999; the residence permit for Hong Kong, Macao and Taiwan residents of 2018; the foreign
 * permanent resident card of 2023-12 (9, province of application, nationality) and its predecessor.
 */
export function parseDocument(type: DocumentType, raw: string, rules: DocumentRules = {}): ParsedDocument {
  const text = compact(raw);
  if (text === '') return refuse('empty');
  switch (type) {
    case 'resident_id':
      return parseResidentId(text, rules);
    case 'residence_permit':
      return parseResidencePermit(text, rules);
    case 'foreign_permanent_resident':
      return parseForeignPermanentResident(text, rules);
    case 'passport':
      return parsePassport(text);
  }
}

/** Which document a number is by its shape alone, or `undefined` when it has the shape of none. */
export function documentTypeOf(raw: string): DocumentType | undefined {
  const text = compact(raw);
  if (/^\d{17}[\dX]$/.test(text)) {
    if (PERMIT_PREFIX.test(text)) return 'residence_permit';
    return text.startsWith('9') ? 'foreign_permanent_resident' : 'resident_id';
  }
  if (/^\d{15}$/.test(text)) return 'resident_id';
  if (OLD_FOREIGN.test(text)) return 'foreign_permanent_resident';
  return parsePassport(text).ok ? 'passport' : undefined;
}

/** What a document number is indexed by: the same for every way of typing it, valid or not. */
export function documentKey(raw: string): string {
  const text = compact(raw);
  return /^\d{15}$/.test(text) ? upgradeResidentId(text) : text;
}

/**
 * A mobile number. Mainland numbers come back as 11 digits, others in E.164 with `+`. The library knows some
 * new mainland ranges wrongly, so it is asked about other countries only.
 */
export function parseMobile(raw: string): Parsed {
  const text = raw.normalize('NFKC').replace(/[\s\p{Cf}\p{Pd}().]/gu, '');
  if (text === '') return refuse('empty');
  const mainland = /^(?:(?:\+|00)?86)?(1[3-9]\d{9})$/.exec(text);
  if (mainland?.[1]) return { ok: true, value: mainland[1] };
  const international = text.replace(/^00/, '+');
  if (!/^\+?\d+$/.test(international)) return refuse('characters');
  if (!international.startsWith('+')) return refuse(text.length === 11 ? 'characters' : 'length');
  if (international.startsWith('+86')) return refuse('length');
  const foreign = parsePhoneNumber(international);
  return foreign?.isValid() ? { ok: true, value: foreign.number } : refuse('length');
}

/** A normalised mobile number in E.164, as the claim `phone_number` wants it (OpenID Connect Core 5.1). */
export const e164 = (mobile: string) => (mobile.startsWith('+') ? mobile : `+86${mobile}`);

/**
 * A unified social credit code (GB 32100-2015). Real codes exist whose check character is wrong: with
 * `confirmedByRegister` such a code passes with a warning.
 */
export function parseUscc(
  raw: string,
  { confirmedByRegister = false }: { confirmedByRegister?: boolean } = {},
): Parsed<{ warning?: 'check_digit' }> {
  const value = compact(raw);
  if (value === '') return refuse('empty');
  if (value.length !== 18) return refuse('length');
  if (!/^[0-9A-HJ-NPQRTUWXY]{2}\d{6}[0-9A-HJ-NPQRTUWXY]{10}$/.test(value)) return refuse('characters');
  const right =
    usccCheckDigit(value) === value[17] && organisationCheckDigit(value.slice(8)) === value.charAt(16);
  if (right) return { ok: true, value };
  return confirmedByRegister ? { ok: true, value, warning: 'check_digit' } : refuse('check_digit');
}

/** An organisation code (GB 11714-1997), nine characters without the hyphen before the last. */
export function parseOrganisationCode(raw: string): Parsed {
  const value = compact(raw);
  if (value === '') return refuse('empty');
  if (value.length !== 9) return refuse('length');
  if (!/^[0-9A-Z]{8}[\dX]$/.test(value)) return refuse('characters');
  return organisationCheckDigit(value) === value[8] ? { ok: true, value } : refuse('check_digit');
}

/** A bank card number: 13 to 19 digits, right by Luhn. */
export function parseBankCard(raw: string): Parsed {
  const value = compact(raw);
  if (value === '') return refuse('empty');
  if (!/^\d+$/.test(value)) return refuse('characters');
  if (value.length < 13 || value.length > 19) return refuse('length');
  return luhnHolds(value) ? { ok: true, value } : refuse('check_digit');
}
