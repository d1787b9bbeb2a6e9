import { z } from 'zod';
import policy from '../../config/consents.json' with { type: 'json' };

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

/**
 * Sets that are given only to an access token of at least this level, whatever the citizen agreed to; the pages that
 * ask say so.
 */
export const LEAST_LEVEL: Readonly<Partial<Record<string, 'basic' | 'intermediate' | 'advanced'>>> = z
  .strictObject({
    leastLevel: z.partialRecord(z.enum(CLAIM_SETS), z.enum(['basic', 'intermediate', 'advanced'])),
  })
  .parse(policy).leastLevel;

/** A group of claims that is asked for, and remembered, as one. */
export interface ClaimSet {
  id: (typeof CLAIM_SETS)[number];
  claims: string[];
  /** Sensitive data (ID number, health, finance) is asked for on a page of its own (个人信息保护法 §29). */
  separate: boolean;
}
