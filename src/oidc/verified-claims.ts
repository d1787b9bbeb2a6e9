import { acrOf, type Level } from '../assurance/level.ts';
import type { StoredEvidence } from '../assurance/standing.ts';
import type { Citizen } from '../citizens/store.ts';
import {
  CHECK_METHODS,
  DOCUMENTS,
  RECORDS,
  TRUST_FRAMEWORK,
  VERIFIABLE,
  type Verifiable,
} from './verified-claims-metadata.ts';

/*
 * `verified_claims` of OpenID Connect for Identity Assurance 1.0, in the schema of OpenID Identity Assurance Schema
 * Definition 1.0. Nothing that was not asked for is given; what does not meet a restriction is left out, with
 * everything that needs it, and nothing here is ever an error. A request of a shape that we do not know is one that we
 * cannot meet.
 */

/** What we know, and what of it this client may have from this citizen. */
export interface VerifiedFacts {
  citizen: Pick<Citizen, 'name' | 'birthDate' | 'idNumber' | 'phone' | 'documentType'>;
  /** Evidence that counts at `at`. */
  evidence: readonly StoredEvidence[];
  /** The level that the evidence gives the account. */
  level: Level;
  /** The claims that may be inside. */
  releasable: ReadonlySet<Verifiable>;
  at: Date;
}

type Json = Record<string, unknown>;
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Members of a request for one element that say what it must be; all others say nothing about its value. */
const RESTRICTIONS = ['value', 'values', 'max_age'];

/** Whether a value meets what is asked of it: `null`, or an object with `value`, `values` or, of times, `max_age`. */
function meets(value: string, asked: unknown, at: Date): boolean {
  if (asked === null) return true;
  if (!isObject(asked)) return false;
  if ('value' in asked && asked.value !== value) return false;
  if ('values' in asked && !(Array.isArray(asked.values) && asked.values.includes(value))) return false;
  if (!('max_age' in asked)) return true;
  const { max_age: age } = asked;
  const then = Date.parse(value);
  return typeof age === 'number' && age >= 0 && !Number.isNaN(then) && then + age * 1_000 >= at.getTime();
}

/**
 * Gives the elements of `have` that are asked for, and those that cannot be missing.
 *
 * @returns undefined when something restricted is not as asked, or not there.
 */
function pick(have: Json, asked: unknown, required: readonly string[], at: Date): Json | undefined {
  const wanted = asked === null ? {} : asked;
  if (!isObject(wanted)) return undefined;
  const given: Json = {};
  for (const [name, value] of Object.entries(have)) {
    if (!(name in wanted)) {
      if (required.includes(name)) given[name] = value;
      continue;
    }
    const part = isObject(value)
      ? pick(value, wanted[name], ['type'], at)
      : meets(String(value), wanted[name], at)
        ? value
        : undefined;
    if (part === undefined) return undefined;
    given[name] = part;
  }
  const missing = Object.entries(wanted).some(([name, ask]) => !(name in have) && isRestricted(ask));
  return missing ? undefined : given;
}

const isRestricted = (asked: unknown): boolean =>
  asked !== null && (!isObject(asked) || RESTRICTIONS.some((name) => name in asked));

/** One piece of our evidence as the schema has it, complete. */
function elementOf(
  { method, source, transactionId, at }: StoredEvidence,
  documentType: VerifiedFacts['citizen']['documentType'],
) {
  const time = at.toISOString();
  const check = { check_method: CHECK_METHODS[method], organization: source, txn: transactionId, time };
  return method === 'in_person'
    ? { type: 'document', check, time, details: { document_details: { type: DOCUMENTS[documentType] } } }
    : {
        type: 'electronic_record',
        check,
        time,
        details: { record: { type: RECORDS[method], source: { name: source, country_code: 'CN' } } },
      };
}

/** A piece of evidence cut to what one entry of the request asks, or undefined when it is not what is asked for. */
function evidenceFor(facts: VerifiedFacts, row: StoredEvidence, asked: Json): Json | undefined {
  const { type, check, time, details } = elementOf(row, facts.citizen.documentType);
  // Which type is meant has to be said by `value` alone.
  if (!isObject(asked.type) || asked.type.value !== type || 'values' in asked.type) return undefined;
  const { type: _, check_details: checks, ...rest } = asked;
  const picked = pick({ time, ...details }, rest, [], facts.at);
  if (picked === undefined) return undefined;
  if (checks === undefined) return { type, ...picked };
  // Several entries are alternatives; there is only ever one check a row.
  const entries = Array.isArray(checks) ? checks : [checks];
  for (const entry of entries) {
    const found = pick(check, entry, ['check_method'], facts.at);
    if (found !== undefined) return { type, check_details: [found], ...picked };
  }
  return undefined;
}

function verificationFor(facts: VerifiedFacts, asked: Json): Json | undefined {
  const { evidence: askedEvidence, ...rest } = asked;
  const register = facts.evidence.find(({ method }) => method === 'register' || method === 'in_person');
  if (register === undefined || facts.level === 'anonymous') return undefined;
  const have = {
    trust_framework: TRUST_FRAMEWORK,
    assurance_level: acrOf(facts.level),
    time: register.at.toISOString(),
  };
  const verification = pick(have, rest, ['trust_framework'], facts.at);
  if (verification === undefined || askedEvidence === undefined) return verification;
  if (!Array.isArray(askedEvidence)) return undefined;
  const evidence = facts.evidence.flatMap((row) => {
    for (const entry of askedEvidence) {
      const found = isObject(entry) ? evidenceFor(facts, row, entry) : undefined;
      if (found !== undefined) return [found];
    }
    return [];
  });
  return evidence.length === 0 ? undefined : { ...verification, evidence };
}

/** What stands behind each claim: without it the claim is not verified. */
const PROVED_BY: Record<Verifiable, readonly string[]> = {
  name: ['register', 'in_person'],
  birthdate: ['register', 'in_person'],
  id_number: ['register', 'in_person'],
  phone_number: ['carrier'],
};

function claimsFor({ citizen, evidence, releasable, at }: VerifiedFacts, asked: Json): Json {
  const values: Record<Verifiable, string | undefined> = {
    name: citizen.name,
    birthdate: citizen.birthDate,
    id_number: citizen.idNumber,
    phone_number: citizen.phone,
  };
  const given: Json = {};
  for (const name of VERIFIABLE) {
    const value = values[name];
    const proved = evidence.some(({ method }) => PROVED_BY[name].includes(method));
    if (!(name in asked) || value === undefined || !proved || !releasable.has(name)) continue;
    if (meets(value, asked[name], at)) given[name] = value;
  }
  return given;
}

function answerOne(facts: VerifiedFacts, asked: unknown): Json | undefined {
  if (!isObject(asked) || !isObject(asked.verification) || !isObject(asked.claims)) return undefined;
  const claims = claimsFor(facts, asked.claims);
  if (Object.keys(claims).length === 0) return undefined;
  const verification = verificationFor(facts, asked.verification);
  return verification && { verification, claims };
}

/** As many as any relying party needs; each costs a look at all evidence. */
const MOST_REQUESTS = 10;

/**
 * The value of `verified_claims` for one request of it: an object, or a list where a list was asked for. Pure.
 *
 * @param asked the member `verified_claims` of `claims.userinfo`, whatever the client sent.
 * @returns undefined when nothing can be given.
 */
export function verifiedClaims(facts: VerifiedFacts, asked: unknown): Json | Json[] | undefined {
  if (!Array.isArray(asked)) return answerOne(facts, asked);
  const answers = asked
    .slice(0, MOST_REQUESTS)
    .map((one: unknown) => answerOne(facts, one))
    .filter((one) => one !== undefined);
  return answers.length === 0 ? undefined : answers;
}

/** The claims that an answer holds, for the access log. */
export function claimNames(answer: Json | Json[]): string[] {
  const all = Array.isArray(answer) ? answer : [answer];
  return [...new Set(all.flatMap(({ claims }) => Object.keys(claims as Json)))];
}
