import { createHmac, createSecretKey, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { exportJWK, generateKeyPair } from 'jose';
import Provider, { type ClientMetadata } from 'oidc-provider';

/**
 * The bare library with its in-memory adapter and its own interaction pages replaced by nothing: whoever
 * arrives is logged in as citizen 1. The yardstick of every ratio. It speaks the same protocol as ours
 * (`src/oidc/configuration.ts`): pairwise subjects and the same features, so that a ratio tells what our rooms and
 * the database cost, not what a feature does.
 *
 * Runs as a process of its own: `PORT` to listen on, `CLIENTS` with client metadata as JSON.
 */
const port = Number(process.env.PORT);
const issuer = `http://localhost:${port}`;

async function key(alg: 'ES256' | 'RS256') {
  const { privateKey } = await generateKeyPair(alg, { extractable: true });
  return { ...(await exportJWK(privateKey)), alg, use: 'sig', kid: alg };
}

const pairwiseKey = createSecretKey(randomBytes(32));

const provider = new Provider(issuer, {
  jwks: { keys: [await key('ES256'), await key('RS256')] } as never,
  clients: JSON.parse(process.env.CLIENTS ?? '[]') as ClientMetadata[],
  findAccount: (_ctx, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
  interactions: { url: (_ctx, { uid }) => `/interaction/${uid}` },
  claims: { openid: ['sub', 'acr', 'amr', 'auth_time'] },
  clientDefaults: {
    grant_types: ['authorization_code', 'refresh_token'],
    id_token_signed_response_alg: 'ES256',
    subject_type: 'pairwise',
  },
  issueRefreshToken: async (_ctx, client) => client.grantTypeAllowed('refresh_token'),
  rotateRefreshToken: false,
  cookies: { keys: ['bench'] },
  routes: {
    authorization: '/oauth/authorize',
    token: '/oauth/token',
    userinfo: '/oauth/userinfo',
    introspection: '/oauth/introspect',
  },
  subjectTypes: ['pairwise'],
  pairwiseIdentifier: (_ctx, accountId, client) =>
    createHmac('sha256', pairwiseKey).update(`${client.clientId}\n${accountId}`).digest('base64url'),
  features: {
    devInteractions: { enabled: false },
    claimsParameter: { enabled: true },
    introspection: { enabled: true },
    jwtIntrospection: { enabled: true },
    revocation: { enabled: true },
    userinfo: { enabled: true },
    jwtUserinfo: { enabled: true },
    backchannelLogout: { enabled: true },
    rpInitiatedLogout: { enabled: true },
    dPoP: { enabled: true, nonceSecret: randomBytes(32) },
    pushedAuthorizationRequests: { enabled: true },
    clientCredentials: { enabled: true },
  },
  async loadExistingGrant(ctx) {
    const { client, account, provider: own } = ctx.oidc;
    if (client === undefined || account === undefined) return undefined;
    const known = ctx.oidc.session?.grantIdFor(client.clientId);
    if (known !== undefined) return own.Grant.find(known);
    const grant = new own.Grant({ clientId: client.clientId, accountId: account.accountId });
    grant.addOIDCScope('openid');
    await grant.save();
    return grant;
  },
});

provider.use(async (ctx, next) => {
  if (!ctx.path.startsWith('/interaction/')) return next();
  ctx.respond = false;
  await provider.interactionFinished(ctx.req, ctx.res, {
    login: { accountId: 'citizen-1', acr: 'basic', amr: ['pwd'] },
  });
});

createServer(provider.callback()).listen(port, '127.0.0.1', () => process.send?.('ready'));
