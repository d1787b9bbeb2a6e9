import type { ClaimSet } from '../consents/claim-set.ts';

/**
 * Scope → claims. `openid` holds what every ID token says; the others are given by userinfo only. A scope stands here
 * when there is something to give: whoever is asked to agree to it, agrees to something.
 */
export const SCOPE_CLAIMS = {
  openid: ['sub', 'acr', 'amr', 'auth_time', 'achieved_acr'],
  profile: ['name', 'preferred_username', 'birthdate', 'gender'],
  phone: ['phone_number', 'phone_number_verified'],
  identity: ['name', 'id_number'],
  health_code: ['health_code'],
} as const;

/**
 * Scopes of the standard (OpenID Connect Core 1.0 §5.4) that registrations may name although nothing is held for them.
 * Requests for them are passed over, as for every scope that is not known (§3.1.2.1).
 */
export const SCOPES_WITHOUT_DATA: readonly string[] = ['email', 'address'];

/** What the `scope` of a registration may name. */
export const REGISTRABLE_SCOPES: readonly string[] = [...Object.keys(SCOPE_CLAIMS), ...SCOPES_WITHOUT_DATA];

/** Asked for by name in the `claims` parameter, and by no scope. */
const CLAIMS_ALONE = { verified_claims: ['verified_claims'] } as const;

/** Sensitive personal information, each asked for by itself. */
const SEPARATE: readonly string[] = ['identity', 'health_code', 'verified_claims'];

/** Claims that an account has whatever was agreed to. */
const ALWAYS: readonly string[] = SCOPE_CLAIMS.openid;

export type PersonalScope = Exclude<keyof typeof SCOPE_CLAIMS, 'openid'>;
export const PERSONAL_SCOPES = Object.keys(SCOPE_CLAIMS).filter((s) => s !== 'openid') as PersonalScope[];

/** A set that a citizen is asked for, whether or not there is a scope for it. */
export type PersonalSet = PersonalScope | keyof typeof CLAIMS_ALONE;

const CLAIMS: Record<PersonalSet | 'openid', readonly string[]> = { ...SCOPE_CLAIMS, ...CLAIMS_ALONE };
const PERSONAL_SETS = Object.keys(CLAIMS).filter((id) => id !== 'openid') as PersonalSet[];

/** What the library is told: claims by scope, and those without. */
export const LIBRARY_CLAIMS: Record<string, string[] | null> = {
  ...Object.fromEntries(Object.entries(SCOPE_CLAIMS).map(([scope, claims]) => [scope, [...claims]])),
  ...Object.fromEntries(Object.keys(CLAIMS_ALONE).map((claim) => [claim, null])),
};

/** The claims of a set; of `openid`, those that every account has. */
export const claimsOf = (id: PersonalSet | 'openid'): string[] => [...CLAIMS[id]];

export const isScope = (id: string): boolean => Object.hasOwn(SCOPE_CLAIMS, id);

const setOf = (id: PersonalSet): ClaimSet => ({
  id,
  claims: claimsOf(id),
  separate: SEPARATE.includes(id),
});

/** To sign in at a client with `consent: explicit` at all. */
export const SIGN_IN: ClaimSet = { id: 'openid', claims: ['sub'], separate: false };

/** The set that a single claim belongs to: the least telling one the client is entitled to. */
const homeOf = (claim: string, entitled: readonly string[]): PersonalSet | undefined =>
  PERSONAL_SETS.find((id) => entitled.includes(id) && CLAIMS[id].includes(claim));

export interface Wanted {
  /** What may be given if the citizen agrees. */
  sets: ClaimSet[];
  /** Asked for without being entitled: never given, never asked the citizen. */
  refusedScopes: string[];
  refusedClaims: string[];
}

/** Sorts what a request asks for by what its client is entitled to. */
export function wantedSets(asked: {
  scopes: Iterable<string>;
  claims: Iterable<string>;
  entitled: readonly string[];
  consent: 'implied' | 'explicit';
}): Wanted {
  const scopes = [...asked.scopes].filter((scope): scope is PersonalScope =>
    (PERSONAL_SCOPES as string[]).includes(scope),
  );
  const claims = [...asked.claims].filter((claim) => !ALWAYS.includes(claim));
  const ids = new Set<PersonalSet>(scopes.filter((scope) => asked.entitled.includes(scope)));
  for (const claim of claims) {
    const home = homeOf(claim, asked.entitled);
    if (home !== undefined) ids.add(home);
  }
  return {
    sets: [...(asked.consent === 'explicit' ? [SIGN_IN] : []), ...[...ids].map(setOf)],
    refusedScopes: scopes.filter((scope) => !asked.entitled.includes(scope)),
    refusedClaims: claims.filter((claim) => homeOf(claim, asked.entitled) === undefined),
  };
}
