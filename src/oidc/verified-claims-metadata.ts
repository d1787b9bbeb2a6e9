import type { EvidenceMethod } from '../assurance/policy.ts';
import type { DocumentType } from '../citizens/identifiers.ts';

/**
 * How our evidence is called in the schema of OpenID Identity Assurance 1.0. Record types and check methods are
 * those of the working group's list of predefined values; where it has none, ours begin with `urn:ymt:`.
 */

/** The rules under which we verify: those of the ladder (`config/ladder.json`). */
export const TRUST_FRAMEWORK = 'urn:ymt:trust-framework:1';

/** What can be inside `verified_claims.claims`. */
export const VERIFIABLE = ['name', 'birthdate', 'id_number', 'phone_number'] as const;
export type Verifiable = (typeof VERIFIABLE)[number];

/** How each method checks; `in_person` looks at a document, all others ask whoever keeps a record. */
export const CHECK_METHODS: Record<EvidenceMethod, string> = {
  register: 'data',
  carrier: 'data',
  in_person: 'pvp',
  face: 'bvr',
  alipay: 'auth',
  social_security_card: 'data',
  bank_card: 'data',
  live_face: 'bvr',
  voiceprint: 'bvr',
  video: 'pvr',
};

export const RECORDS: Record<Exclude<EvidenceMethod, 'in_person'>, string> = {
  register: 'population_register',
  carrier: 'urn:ymt:record:mobile_subscription',
  face: 'population_register',
  alipay: 'urn:ymt:record:payment_account',
  social_security_card: 'social_security',
  bank_card: 'bank_account',
  live_face: 'population_register',
  voiceprint: 'urn:ymt:record:voice_reference',
  video: 'population_register',
};

export const DOCUMENTS: Record<DocumentType, string> = {
  resident_id: 'idcard',
  residence_permit: 'residence_permit',
  foreign_permanent_resident: 'residence_permit',
  passport: 'passport',
};

const each = <T>(values: Iterable<T>): T[] => [...new Set(values)];

/** What discovery says (OpenID Connect for Identity Assurance 1.0, "OP Metadata"). */
export const VERIFIED_CLAIMS_METADATA = {
  verified_claims_supported: true,
  trust_frameworks_supported: [TRUST_FRAMEWORK],
  claims_in_verified_claims_supported: [...VERIFIABLE],
  evidence_supported: ['electronic_record', 'document'],
  documents_supported: each(Object.values(DOCUMENTS)),
  documents_check_methods_supported: [CHECK_METHODS.in_person],
  electronic_records_supported: each(Object.values(RECORDS)),
};
