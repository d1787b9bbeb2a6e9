import { createSecretKey } from 'node:crypto';
import type { Configuration, KoaContextWithOIDC, AccessToken as LibraryAccessToken } from 'oidc-provider';
import { acrOf, LEVELS } from '../assurance/level.ts';
import { OWN_MEMBERS } from '../departments/client-metadata.ts';
import { LOCALES } from '../platform/i18n.ts';
import type { Lifetimes } from '../platform/lifetimes.ts';
import type { Outbound } from '../platform/outbound.ts';
import { createFindAccount } from './account.ts';
import { type AdapterDeps, createAdapter } from './adapter.ts';
import { LIBRARY_CLAIMS } from './claim-sets.ts';
import { createLoadExistingGrant } from './grants.ts';
import { introspectionPolicy } from './introspection.ts';
import { issuedLevel } from './issued-level.ts';
import { ownMetadata } from './own-metadata.ts';
import { createPolicy } from './policy.ts';
import { createReleaseClaims, type ReleaseDeps } from './release-claims.ts';
import { createResources } from './resources.ts';
import { pairwiseSubjects } from './subject.ts';
import { isAnonymous, type Standings } from './subject-standing.ts';
import { VERIFIED_CLAIMS_METADATA } from './verified-claims-metadata.ts';

export interface ProtocolPages {
  /** A problem of the protocol that cannot be sent back to the client. */
  error: NonNullable<Configuration['renderError']>;
  logout: (ctx: KoaContextWithOIDC, form: string) => void | Promise<void>;
  loggedOut: (ctx: KoaContextWithOIDC) => void | Promise<void>;
}

export interface ProtocolSettings {
  issuer: string;
  cookieKeys: string[];
  pairwiseKey: Buffer;
  dpopNonceSecret: Buffer;
}

export interface ProtocolDeps extends AdapterDeps, ReleaseDeps {
  settings: ProtocolSettings;
  standings: Standings;
  lifetimes: Lifetimes;
  outbound: Outbound;
  pages: ProtocolPages;
  jwks: NonNullable<Configuration['jwks']>;
}

const secondsUntil = (at: Date, now: Date): number => Math.floor((at.getTime() - now.getTime()) / 1000);

/** Everything that we tell the library; what is not named here is its default, looked at and agreed with. */
export function protocolConfiguration(deps: ProtocolDeps): Configuration {
  const { settings, lifetimes, catalogue, standings, clock, pages } = deps;
  const secure = settings.issuer.startsWith('https:');
  const subjectOf = pairwiseSubjects(createSecretKey(settings.pairwiseKey));
  const releaseClaims = createReleaseClaims(deps);
  const levels = { standings, catalogue };

  /** An access token ends with the proof that decides its level, if that is earlier. */
  const accessTokenSeconds = (ctx: KoaContextWithOIDC, token: LibraryAccessToken): number => {
    const server = token.resourceServer;
    const anonymous = isAnonymous(token.accountId);
    const usual = anonymous ? lifetimes.anonymous : (server?.accessTokenTTL ?? lifetimes.accessToken);
    const most = server?.accessTokenFormat === 'jwt' ? Math.min(usual, lifetimes.jwtAccessToken) : usual;
    const endsAt = issuedLevel(ctx)?.endsAt;
    return Math.max(1, endsAt === undefined ? most : Math.min(most, secondsUntil(endsAt, clock())));
  };

  const policy = createPolicy({ standings, catalogue, clock });

  return {
    adapter: createAdapter(deps),
    jwks: deps.jwks,
    findAccount: createFindAccount({ ...levels, db: deps.db, clock, releaseClaims }),
    loadExistingGrant: createLoadExistingGrant(deps.db, clock),
    interactions: {
      policy,
      url: (_ctx, interaction) => `/interaction/${interaction.uid}`,
    },
    // Ours is stored with the client: nothing is fetched, and nothing follows from an address.
    sectorIdentifierUriValidate: () => false,
    acrValues: LEVELS.map(acrOf),
    discovery: {
      ui_locales_supported: [...LOCALES],
      // OpenID Connect Initiating User Registration 1.0 §4.
      prompt_values_supported: ['none', ...policy.map(({ name }) => name)],
      ...VERIFIED_CLAIMS_METADATA,
    },
    claims: LIBRARY_CLAIMS,
    scopes: ['openid'],
    conformIdTokenClaims: true,
    subjectTypes: ['pairwise'],
    pairwiseIdentifier: (_ctx, accountId, client) => subjectOf(ownMetadata(client).sector, accountId),
    responseTypes: ['code'],
    clientDefaults: {
      grant_types: ['authorization_code'],
      response_types: ['code'],
      subject_type: 'pairwise',
    },
    clientAuthMethods: ['private_key_jwt', 'client_secret_basic', 'client_secret_post', 'none'],
    extraClientMetadata: { properties: [...OWN_MEMBERS, 'client_name#en'] },
    enabledJWA: {
      idTokenSigningAlgValues: ['ES256', 'RS256'],
      userinfoSigningAlgValues: ['ES256', 'RS256'],
      introspectionSigningAlgValues: ['ES256', 'RS256'],
      clientAuthSigningAlgValues: ['ES256', 'RS256', 'PS256', 'EdDSA', 'Ed25519'],
      requestObjectSigningAlgValues: ['ES256', 'RS256', 'PS256', 'EdDSA', 'Ed25519'],
      dPoPSigningAlgValues: ['ES256', 'EdDSA', 'Ed25519'],
    },
    pkce: {
      required: (_ctx, client) => ownMetadata(client).requirePkce || client.clientAuthMethod === 'none',
    },
    allowOmittingSingleRegisteredRedirectUri: false,
    acceptQueryParamAccessTokens: false,
    expiresWithSession: (_ctx, token) => !isAnonymous(token.accountId),
    issueRefreshToken: (_ctx, client, code) =>
      client.grantTypeAllowed('refresh_token') && !isAnonymous(code.accountId),
    // FAPI 2.0 Security Profile 5.3.2.1: a confidential client's refresh token is never rotated.
    rotateRefreshToken: ({ oidc }) =>
      oidc.client?.clientAuthMethod === 'none' && oidc.entities.RefreshToken?.isSenderConstrained() === false,
    extraTokenClaims: (ctx) => {
      const level = issuedLevel(ctx);
      return level === undefined ? undefined : { ...level.claims };
    },
    ttl: {
      AccessToken: accessTokenSeconds,
      ClientCredentials: lifetimes.jwtAccessToken,
      AuthorizationCode: lifetimes.authorizationCode,
      IdToken: lifetimes.idToken,
      RefreshToken: lifetimes.refreshToken,
      Interaction: lifetimes.interaction,
      Grant: lifetimes.sessionAbsolute,
      Session: (_ctx, session) => {
        const now = Math.floor(clock().getTime() / 1000);
        const left =
          session.loginTs === undefined
            ? lifetimes.sessionIdle
            : session.loginTs + lifetimes.sessionAbsolute - now;
        return Math.max(1, Math.min(lifetimes.sessionIdle, left));
      },
    },
    cookies: {
      keys: settings.cookieKeys,
      names: {
        session: secure ? '__Host-ymt_session' : 'ymt_session',
        interaction: 'ymt_interaction',
        resume: 'ymt_resume',
      },
      long: { signed: true, httpOnly: true, sameSite: 'lax', secure, path: '/' },
      short: { signed: true, httpOnly: true, sameSite: 'lax', secure },
    },
    routes: {
      authorization: '/oauth/authorize',
      token: '/oauth/token',
      userinfo: '/oauth/userinfo',
      introspection: '/oauth/introspect',
      revocation: '/oauth/revoke',
      pushed_authorization_request: '/oauth/par',
      end_session: '/oauth/logout',
      jwks: '/oauth/jwks',
    },
    features: {
      devInteractions: { enabled: false },
      claimsParameter: { enabled: true },
      introspection: { enabled: true, allowedPolicy: introspectionPolicy(levels) },
      jwtIntrospection: { enabled: true },
      revocation: {
        enabled: true,
        allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId,
      },
      userinfo: { enabled: true },
      jwtUserinfo: { enabled: true },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: pages.logout,
        postLogoutSuccessSource: pages.loggedOut,
      },
      resourceIndicators: { enabled: true, ...createResources(catalogue, lifetimes) },
      dPoP: { enabled: true, nonceSecret: settings.dpopNonceSecret },
      pushedAuthorizationRequests: { enabled: true },
      requestObjects: { enabled: false },
      clientCredentials: { enabled: true },
    },
    fetch: ((url: string | URL, init?: RequestInit) =>
      deps.outbound(url, init as Parameters<Outbound>[1])) as Configuration['fetch'],
    renderError: pages.error,
  };
}
