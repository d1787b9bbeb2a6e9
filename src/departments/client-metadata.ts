import { z } from 'zod';

const PREFIX = 'urn:ymt:acr:';
const acr = z.enum([`${PREFIX}anonymous`, `${PREFIX}basic`, `${PREFIX}intermediate`, `${PREFIX}advanced`]);
const url = z.url();
const scopeToken = z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/);

/** An API that a relying party offers to others (RFC 8707 resource indicator). */
export const resourceSchema = z.strictObject({
  identifier: url
    .refine((uri) => !uri.startsWith('urn:ymt:'), { error: 'urn:ymt: names are the platform’s own' })
    .describe('the resource indicator, an absolute URI'),
  scope: z.string().describe('space-separated scopes that the API knows'),
  min_acr: acr.default(`${PREFIX}basic`).describe('floor of every token for this API'),
  access_token_format: z.enum(['opaque', 'jwt']).default('opaque'),
});

/** Our own client metadata, beside OpenID Connect Dynamic Client Registration 1.0 §2. */
export const ownMetadata = {
  min_acr: acr.default(`${PREFIX}basic`).describe('nothing is issued below this level'),
  allow_anonymous: z.boolean().default(false).describe('visitors without an account may get a token'),
  require_pkce: z.boolean().default(true),
  purposes: z.array(scopeToken).default([]).describe('registered purposes, such as epidemic_prevention'),
  consent: z.enum(['implied', 'explicit']).default('explicit'),
  claims_allowed: z
    .array(z.enum(['profile', 'email', 'phone', 'address', 'identity', 'health_code', 'verified_claims']))
    .default([])
    .describe(
      'claim sets that this client is entitled to ask a citizen for; nothing is held for email and address',
    ),
  sector: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]{0,62}$/)
    .describe('organisation and purpose; one pairwise subject each. Never derived from a URL, never reused'),
  department: z.string().optional().describe('name of the department, shown to citizens'),
  'department#en': z
    .string()
    .min(1)
    .max(100)
    .optional()
    .describe('the same on English pages; without it they show `department`'),
  matters: z.array(z.string()).default([]),
  resources: z.array(resourceSchema).default([]).describe('the APIs that this client owns'),
  health_sources: z
    .array(z.string().regex(/^[a-z][a-z_]*$/))
    .default([])
    .describe('kinds of source (hospital, telecom …) that this client may send health evidence as'),
  legal_basis: z.string().optional().describe('law that lets it receive `identity`'),
};

const standard = {
  client_id: z.string().min(1).max(200),
  client_name: z.string().min(1).max(100),
  'client_name#en': z.string().max(100).optional(),
  client_secret: z.string().min(32).optional(),
  token_endpoint_auth_method: z
    .enum(['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'])
    .default('private_key_jwt'),
  redirect_uris: z.array(url).min(1).optional(),
};

const signingAlg = z.enum(['ES256', 'RS256']).optional();
const flag = z.boolean().optional();
const seconds = z.int().min(0).optional();

/**
 * The other standard members that mean something here (OpenID Connect Dynamic Client Registration 1.0 §2, Session,
 * Back-Channel and RP-Initiated Logout 1.0, RFC 9126, RFC 9449). How they go together is for the OpenID library to say.
 */
const passedOn = {
  application_type: z.enum(['web', 'native']).optional(),
  client_uri: url.optional(),
  logo_uri: url.optional(),
  policy_uri: url.optional(),
  tos_uri: url.optional(),
  contacts: z.array(z.email()).optional(),
  grant_types: z.array(z.enum(['authorization_code', 'refresh_token', 'client_credentials'])).optional(),
  response_types: z.array(z.literal('code')).optional(),
  response_modes: z.array(z.enum(['query', 'fragment', 'form_post'])).optional(),
  scope: z.string().optional().describe('space-separated scopes it may ask for; without it, all'),
  jwks: z.looseObject({ keys: z.array(z.looseObject({ kty: z.string() })) }).optional(),
  jwks_uri: url.optional(),
  token_endpoint_auth_signing_alg: z.enum(['ES256', 'RS256', 'PS256', 'EdDSA', 'Ed25519']).optional(),
  id_token_signed_response_alg: signingAlg,
  userinfo_signed_response_alg: signingAlg,
  introspection_signed_response_alg: signingAlg,
  post_logout_redirect_uris: z.array(url).optional(),
  backchannel_logout_uri: url.optional(),
  backchannel_logout_session_required: flag,
  default_acr_values: z.array(acr).optional(),
  default_max_age: seconds,
  require_auth_time: flag,
  require_pushed_authorization_requests: flag,
  dpop_bound_access_tokens: flag,
  initiate_login_uri: url.optional(),
  subject_type: z.literal('pairwise').optional(),
  sector_identifier_uri: url.optional().describe('never fetched: `sector` decides the subjects'),
  client_id_issued_at: seconds,
  client_secret_expires_at: seconds,
};

/** One entry of `CLIENTS_FILE`. A member it does not name is a mistake: its default would apply unnoticed. */
export const clientSchema = z.strictObject({ ...standard, ...passedOn, ...ownMetadata });

export type ClientEntry = z.infer<typeof clientSchema>;
export type ResourceEntry = z.infer<typeof resourceSchema>;
export const OWN_MEMBERS = Object.keys(ownMetadata) as (keyof typeof ownMetadata)[];
