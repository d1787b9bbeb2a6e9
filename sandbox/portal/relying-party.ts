import { createRemoteJWKSet, importJWK, jwtVerify } from 'jose';
import * as openid from 'openid-client';
import { acrOf, type Level } from './level.ts';
import type { Credentials } from './settings.ts';

/** The platform could not be reached; the portal goes on without it. */
export class PlatformUnreachable extends Error {
  override readonly name = 'PlatformUnreachable';
}

/** What is kept, on the server only, between leaving for the platform and coming back. */
export interface Pending {
  verifier: string;
  nonce: string;
  returnTo: string;
  /** `anonymous` and `silent` happen without the person asking, so their failure is not shown. */
  kind: 'login' | 'anonymous' | 'silent';
  required?: Level;
  resource?: string;
}

/** One person at one client, from a checked ID token. Tokens stay in the server's memory. */
export interface Login {
  sub: string;
  sid: string | undefined;
  acr: string;
  achievedAcr: string;
  amr: string[];
  authTime: Date | undefined;
  accessToken: string;
  /** API that the access token is for; nothing means userinfo. */
  resource: string | undefined;
  /** The access token ends no later than the proof behind `acr`; after this, ask the platform again. */
  until: Date;
}

export interface Ask {
  kind: Pending['kind'];
  returnTo: string;
  scope?: string;
  /** Voluntary: any of these will do, none is no error. */
  preferred?: Level;
  /** Essential: the platform refuses rather than answer with less. */
  required?: Level;
  resource?: string;
  prompt?: 'none' | 'login' | 'create';
  formPost?: boolean;
}

export interface LogoutNotice {
  sub: string | undefined;
  sid: string | undefined;
}

export interface RelyingParty {
  readonly clientId: string;
  readonly redirectUri: string;
  /** @throws PlatformUnreachable */
  begin(ask: Ask): Promise<{ redirectTo: string; state: string; pending: Pending }>;
  /** @throws openid errors as they are, when the answer is an error or does not check out */
  complete(query: string, state: string, pending: Pending): Promise<Login>;
  userinfo(login: Login): Promise<Record<string, unknown>>;
  introspect(token: string): Promise<openid.IntrospectionResponse>;
  endSessionUrl(postLogoutRedirectUri: string): Promise<string>;
  /** Checks a logout token (OpenID Connect Back-Channel Logout 1.0 §2.6). @throws when it does not */
  logoutNotice(logoutToken: string): Promise<LogoutNotice>;
}

export interface RelyingPartyOptions {
  issuer: string;
  credentials: Credentials;
  redirectUri: string;
  /** Pushes the request to the platform first (RFC 9126), so that the browser carries only a reference. */
  pushed?: boolean;
}

const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout';
const CLOCK_TOLERANCE_S = 10;

async function clientAuth(credentials: Credentials): Promise<openid.ClientAuth> {
  if ('secret' in credentials) return openid.ClientSecretBasic(credentials.secret);
  const key = await importJWK(credentials.key, credentials.key.alg);
  if (key instanceof Uint8Array) throw new TypeError('a private key is needed');
  return openid.PrivateKeyJwt({ key, kid: credentials.key.kid });
}

/** An ordinary OpenID Connect client. Discovery waits for the first use and is tried again after a failure. */
export function createRelyingParty(options: RelyingPartyOptions): RelyingParty {
  const { issuer, credentials, redirectUri, pushed = false } = options;
  const { clientId } = credentials;
  const seen = new Map<string, number>();
  let discovered: Promise<openid.Configuration> | undefined;
  let keys: ReturnType<typeof createRemoteJWKSet> | undefined;

  async function discover(): Promise<openid.Configuration> {
    const execute = issuer.startsWith('http:') ? [openid.allowInsecureRequests] : [];
    const metadata = {
      id_token_signed_response_alg: 'ES256',
      [openid.clockTolerance]: CLOCK_TOLERANCE_S,
    };
    const auth = await clientAuth(credentials);
    return openid.discovery(new URL(issuer), clientId, metadata, auth, { execute, timeout: 5 });
  }

  async function configuration(): Promise<openid.Configuration> {
    discovered ??= discover();
    try {
      return await discovered;
    } catch (cause) {
      discovered = undefined;
      throw new PlatformUnreachable('discovery failed', { cause });
    }
  }

  return {
    clientId,
    redirectUri,

    async begin(ask) {
      const config = await configuration();
      const pending: Pending = {
        verifier: openid.randomPKCECodeVerifier(),
        nonce: openid.randomNonce(),
        returnTo: ask.returnTo,
        kind: ask.kind,
        required: ask.required,
        resource: ask.resource,
      };
      // The prefix lets a callback without its session tell a visitor's sign-in, which must never loop.
      const state = (ask.kind === 'login' ? 'l.' : 'v.') + openid.randomState();
      const parameters: Record<string, string> = {
        redirect_uri: redirectUri,
        scope: ask.scope ?? 'openid',
        code_challenge: await openid.calculatePKCECodeChallenge(pending.verifier),
        code_challenge_method: 'S256',
        state,
        nonce: pending.nonce,
        ...(ask.preferred && { acr_values: acrOf(ask.preferred) }),
        ...(ask.required && { claims: essentialAcr(ask.required) }),
        ...(ask.resource && { resource: ask.resource }),
        ...(ask.prompt && { prompt: ask.prompt }),
        ...(ask.formPost && { response_mode: 'form_post' }),
      };
      try {
        const url = pushed
          ? await openid.buildAuthorizationUrlWithPAR(config, parameters)
          : openid.buildAuthorizationUrl(config, parameters);
        return { redirectTo: url.href, state, pending };
      } catch (cause) {
        throw new PlatformUnreachable('request not accepted', { cause });
      }
    },

    async complete(query, state, pending) {
      const config = await configuration();
      const url = new URL(redirectUri);
      url.search = query;
      const tokens = await openid.authorizationCodeGrant(config, url, {
        pkceCodeVerifier: pending.verifier,
        expectedState: state,
        expectedNonce: pending.nonce,
        idTokenExpected: true,
      });
      const claims = tokens.claims();
      if (!claims) throw new Error('no ID token');
      const { sub, sid, acr, achieved_acr: achieved, amr, auth_time: authTime } = claims;
      if (typeof acr !== 'string') throw new Error('no acr in the ID token');
      return {
        sub,
        sid: typeof sid === 'string' ? sid : undefined,
        acr,
        achievedAcr: typeof achieved === 'string' ? achieved : acr,
        amr: Array.isArray(amr) ? amr.map(String) : [],
        authTime: typeof authTime === 'number' ? new Date(authTime * 1000) : undefined,
        accessToken: tokens.access_token,
        resource: pending.resource,
        until: new Date(Date.now() + (tokens.expires_in ?? 60) * 1000),
      };
    },

    async userinfo({ accessToken, sub }) {
      return openid.fetchUserInfo(await configuration(), accessToken, sub);
    },

    async introspect(token) {
      return openid.tokenIntrospection(await configuration(), token);
    },

    async endSessionUrl(postLogoutRedirectUri) {
      // `client_id`, which the library adds, names us as well as an `id_token_hint` would, and puts no token
      // into the browser's history (OpenID Connect RP-Initiated Logout 1.0 §2).
      const parameters = { post_logout_redirect_uri: postLogoutRedirectUri };
      return openid.buildEndSessionUrl(await configuration(), parameters).href;
    },

    async logoutNotice(logoutToken) {
      const server = (await configuration()).serverMetadata();
      keys ??= createRemoteJWKSet(new URL(server.jwks_uri ?? ''));
      const { payload } = await jwtVerify(logoutToken, keys, {
        issuer: server.issuer,
        audience: clientId,
        typ: 'logout+jwt',
        algorithms: ['ES256', 'RS256'],
        requiredClaims: ['iat', 'exp', 'jti', 'events'],
        clockTolerance: CLOCK_TOLERANCE_S,
      });
      const { events, nonce, sid, sub, jti = '', exp = 0 } = payload;
      if (nonce !== undefined) throw new Error('a logout token has no nonce');
      if (typeof events !== 'object' || events === null || !(LOGOUT_EVENT in events)) {
        throw new Error('not a back-channel logout event');
      }
      if (typeof sid !== 'string' && typeof sub !== 'string') throw new Error('neither sid nor sub');
      const now = Date.now() / 1000;
      for (const [id, until] of seen) if (until + CLOCK_TOLERANCE_S < now) seen.delete(id);
      if (seen.has(jti)) throw new Error('this logout token was used before');
      seen.set(jti, exp);
      return { sub, sid: typeof sid === 'string' ? sid : undefined };
    },
  };
}

/** OpenID Connect Core 1.0 §5.5.1.1: with essential, less is an error and not another answer. */
const essentialAcr = (level: Level): string =>
  JSON.stringify({ id_token: { acr: { essential: true, values: [acrOf(level)] } } });
