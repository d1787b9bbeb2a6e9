import { z } from 'zod';
import { type AuthorityOptions, ask, at, type Fetch } from './ask.ts';

export interface HouseholdAnswer {
  outcome: 'match' | 'mismatch' | 'unknown';
  reference: string;
  source: 'police';
}

interface Named {
  name: string;
  idNumber: string;
}

/** The household register: who is whose guardian. */
export interface Household {
  /** @throws AuthorityUnavailable */
  isGuardian(question: { guardian: Named; child: Named }): Promise<HouseholdAnswer>;
}

const answer = z.object({
  outcome: z.enum(['match', 'mismatch', 'unknown']),
  reference: z.string().min(1).max(128),
  source: z.literal('police'),
});

/** @param baseUrl where `police/guardian` is. */
export function createHousehold(baseUrl: string, fetch: Fetch, options?: AuthorityOptions): Household {
  const url = at(baseUrl, 'police/guardian');
  return {
    isGuardian: ({ guardian, child }) =>
      ask(fetch, { kind: 'police', url, body: { guardian, child }, answer }, options),
  };
}
