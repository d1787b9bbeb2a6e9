/** Every group of claims that the texts have words for; a new one is a line here and its texts. */
export const CLAIM_SETS = [
  /** To log in at a client that must ask for that alone. */
  'openid',
  'profile',
  'phone',
  'email',
  'address',
  'identity',
  'verified_claims',
  'health_code',
  'finance',
] as const;

/** A group of claims that is asked for, and remembered, as one. */
export interface ClaimSet {
  id: (typeof CLAIM_SETS)[number];
  claims: string[];
  /** Sensitive data (ID number, health, finance) is asked for on a page of its own (个人信息保护法 §29). */
  separate: boolean;
}
