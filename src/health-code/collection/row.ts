import { type DocumentType, documentTypeOf, parseDocument } from '../../citizens/identifiers.ts';
import type { Cipher } from '../../platform/field-encryption.ts';
import { dayOf, days } from '../engine/civil-day.ts';
import { parseInstant } from '../engine/instant.ts';
import type { RuleSet } from '../engine/rule-set.ts';
import { subjectOf } from '../people.ts';
import { healthSettings } from '../settings.ts';
import { collectionSettings } from './settings.ts';
import type { SourceKind, Target } from './sources.ts';

/** Why a row is refused; each has a sentence in `healthCollection.reasons`. */
export type Reason =
  | 'line_too_long'
  | 'not_utf8'
  | 'not_json'
  | 'not_object'
  | 'missing'
  | 'malformed'
  | 'field_not_allowed'
  | 'id_number'
  | 'type_unknown'
  | 'type_not_of_source'
  | 'purpose'
  | 'date_impossible'
  | 'in_future'
  | 'too_old'
  | 'before_at'
  | 'temperature'
  | 'same_version_differs';

export interface Refusal {
  reason: Reason;
  field?: string | undefined;
}

/** A good row. Instants are milliseconds. */
export interface Row {
  /** The line it stood on. */
  line: number;
  target: Target;
  /** Blind index of the document number, hexadecimal. */
  subject: string;
  type: string;
  /** The source's own name of the row. */
  reference: string;
  version: number;
  at: number;
  revokedAt: number | undefined;
  dischargedAt: number | undefined;
  supersededBy: number | undefined;
  phoneOwnerVerified: boolean | undefined;
  place: string | undefined;
  /** Tenths of a degree. */
  temp: number | undefined;
  /** Too old to be news: it may only repeat or correct what is known already. */
  late: boolean;
  /** What later versions may assert, because it was told in time: `health_evidence.in_time`. */
  inTime: string[];
}

export interface RowRules {
  source: SourceKind;
  /** Those in force. */
  rules: RuleSet;
  cipher: Cipher;
  /** Milliseconds. */
  now: number;
  extraProvinces?: readonly string[] | undefined;
}

const FIELDS = new Set([
  'reference',
  'idNumber',
  'documentType',
  'type',
  'at',
  'purpose',
  'version',
  'revokedAt',
  'dischargedAt',
  'supersededBy',
  'phoneOwnerVerified',
  'place',
  'temp',
]);
const REFERENCE = /^[A-Za-z0-9._:/#-]{1,100}$/;
const PLACE = /^[A-Za-z0-9._:-]{1,64}$/;
const DOCUMENT_TYPES = new Set(['resident_id', 'residence_permit', 'foreign_permanent_resident', 'passport']);
const MOST_VERSION = 1_000_000_000;

class Refused extends Error {
  readonly refusal: Refusal;
  constructor(reason: Reason, field?: string) {
    super(reason);
    this.refusal = { reason, field };
  }
}
const refuse = (reason: Reason, field?: string): never => {
  // Without its stack: a wrong file has a million of them.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  const refused = new Refused(reason, field);
  Error.stackTraceLimit = stackTraceLimit;
  throw refused;
};

type Fields = Readonly<Record<string, unknown>>;

/** Reads one line of a source: a good row, or why it is none. Never throws for what a line says. */
export function readRow(text: string, line: number, rules: RowRules): Row | Refusal {
  try {
    return rowOf(fieldsOf(text), line, rules);
  } catch (error) {
    if (error instanceof Refused) return error.refusal;
    throw error;
  }
}

function fieldsOf(text: string): Fields {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return refuse('not_json');
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return refuse('not_object');
  for (const field of Object.keys(json)) {
    if (!FIELDS.has(field)) return refuse('field_not_allowed', /^\w{1,40}$/.test(field) ? field : undefined);
  }
  return json as Fields;
}

function rowOf(fields: Fields, line: number, { source, rules, cipher, now, extraProvinces }: RowRules): Row {
  const reference = textOf(fields, 'reference', REFERENCE);
  const type = textOf(fields, 'type', /^[A-Z_]{1,40}$/);
  const meaning = source.types.get(type);
  if (!meaning) return refuse(source.known.has(type) ? 'type_not_of_source' : 'type_unknown', 'type');
  if (fields.purpose !== healthSettings.purpose) return refuse('purpose', 'purpose');
  const { target, kind } = meaning;
  const only = (field: string, allowed: boolean) => {
    if (!allowed && fields[field] != null) refuse('field_not_allowed', field);
  };
  only('dischargedAt', kind === 'case');
  only('supersededBy', source.name === 'peer');
  only('phoneOwnerVerified', source.phone && target === 'evidence');
  only('place', target === 'movement');
  only('temp', target === 'movement' && source.thermometer);
  const at = instantOf(fields, 'at', now) ?? refuse('missing', 'at');
  const row: Row = {
    line,
    target,
    subject: '',
    type,
    reference,
    version: versionOf(fields),
    at,
    revokedAt: instantOf(fields, 'revokedAt', now),
    dischargedAt: instantOf(fields, 'dischargedAt', now),
    supersededBy: instantOf(fields, 'supersededBy', now),
    phoneOwnerVerified: yesNoOf(fields, 'phoneOwnerVerified'),
    place: fields.place == null ? undefined : textOf(fields, 'place', PLACE),
    temp: temperatureOf(fields, rules),
    late: false,
    inTime: [],
  };
  if (row.dischargedAt !== undefined && row.dischargedAt < at) return refuse('before_at', 'dischargedAt');
  const { movements } = collectionSettings.keepDays;
  if (target === 'movement' && at < now - days(movements)) return refuse('too_old', 'at');
  row.late = target === 'evidence' && comesLate(row, kind, rules, now);
  if (!row.late) row.inTime = kind === 'case' ? casesOf(source) : [assertedBy(row)];
  row.subject = subjectHex(fields, cipher, now, extraProvinces);
  return row;
}

/**
 * Whether evidence comes too late to be news. An exposure whose clock has run out would give no quarantine, only
 * "observation over, not released": red for something long past; so would a case that was discharged as long ago.
 * An open case has no such clock and counts as long as rows are kept. Taking a row back is never late.
 */
function comesLate(row: Row, kind: string | undefined, rules: RuleSet, now: number): boolean {
  if (row.revokedAt !== undefined) return false;
  const open = kind === 'case' && row.dischargedAt === undefined;
  if (open) return row.at < now - days(healthSettings.keepDays.evidence);
  const anchor = kind === 'case' ? (row.dischargedAt ?? row.at) : row.at;
  return dayOf(anchor) + rules.red.clockDays <= dayOf(now);
}

/**
 * What a row of evidence asserts. A late version counts only where one that came in time asserted the same: who was
 * told of a fever must not become a contact by what comes too late.
 */
export const assertedBy = ({ type, phoneOwnerVerified }: Row): string =>
  phoneOwnerVerified === true ? `${type}+` : type;

/** A case stays the same case under another name: who was told of a suspected one must hear that it ended as a confirmed one. */
const casesOf = ({ types }: SourceKind): string[] =>
  [...types].filter(([, { kind }]) => kind === 'case').map(([type]) => type);

function textOf(fields: Fields, field: string, form: RegExp): string {
  const value = fields[field];
  if (value == null || value === '') return refuse('missing', field);
  return typeof value === 'string' && form.test(value) ? value : refuse('malformed', field);
}

function instantOf(fields: Fields, field: string, now: number): number | undefined {
  const value = fields[field];
  if (value == null) return undefined;
  const at = typeof value === 'string' && value.length <= 40 ? parseInstant(value) : undefined;
  if (at === undefined) return refuse('date_impossible', field);
  return at > now + collectionSettings.aheadSeconds * 1_000 ? refuse('in_future', field) : at;
}

function yesNoOf(fields: Fields, field: string): boolean | undefined {
  const value = fields[field];
  if (value == null) return undefined;
  return typeof value === 'boolean' ? value : refuse('malformed', field);
}

function versionOf({ version }: Fields): number {
  if (version == null) return 1;
  const good = Number.isInteger(version) && (version as number) >= 1 && (version as number) <= MOST_VERSION;
  return good ? (version as number) : refuse('malformed', 'version');
}

function temperatureOf({ temp }: Fields, { temperature }: RuleSet): number | undefined {
  if (temp == null) return undefined;
  const good = typeof temp === 'number' && temp >= temperature.lowest && temp <= temperature.highest;
  return good ? Math.trunc(temp * 10 + 1e-6) : refuse('temperature', 'temp');
}

function subjectHex(
  { idNumber, documentType }: Fields,
  cipher: Cipher,
  now: number,
  extraProvinces: readonly string[] | undefined,
): string {
  if (idNumber == null || idNumber === '') return refuse('missing', 'idNumber');
  if (typeof idNumber !== 'string' || idNumber.length > 40) return refuse('id_number', 'idNumber');
  if (documentType != null && !DOCUMENT_TYPES.has(documentType as string)) {
    return refuse('malformed', 'documentType');
  }
  const type = (documentType as DocumentType | null | undefined) ?? documentTypeOf(idNumber);
  const parsed =
    type && parseDocument(type, idNumber, { now: new Date(now), extraProvinces: extraProvinces ?? [] });
  return parsed?.ok ? subjectOf(cipher, parsed.value).toString('hex') : refuse('id_number', 'idNumber');
}
