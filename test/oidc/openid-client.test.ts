import test, { type ExecutionContext } from 'ava';
import { exportJWK, generateKeyPair } from 'jose';
import * as oidc from 'openid-client';
import { purgeProtocolRecords } from '../../src/sessions/purge.ts';
import type { Jar } from '../support/http-client.ts';
import { type Answer, startProtocol, type TestProtocol } from '../support/protocol.ts';
import { essential, logIn, portal, SECRET } from '../support/relying-party.ts';

const acr = (level: string) => `urn:ymt:acr:${level}`;
const redirectUri = (id: string) => `http://${id}.localhost:4000/callback`;

/** Any relying party: the library checks issuer, state, nonce, signatures and times, as theirs would. */
async function connect(platform: TestProtocol, id: string, auth: oidc.ClientAuth, metadata = {}) {
  const known = { id_token_signed_response_alg: 'ES256', ...metadata };
  return oidc.discovery(new URL(platform.issuer), id, known, auth, { execute: [oidc.allowInsecureRequests] });
}

/** Goes where the browser is sent, answers interactions, and comes back with the redirect address. */
async function browse(platform: TestProtocol, jar: Jar, start: URL, answers: Answer[]): Promise<URL> {
  let answer = await jar.get(start.href);
  for (;;) {
    const url = new URL(answer.location ?? 'about:blank');
    if (answer.location === undefined)
      throw new Error(`stopped: ${answer.status} ${answer.text.slice(0, 300)}`);
    if (url.origin !== platform.issuer) return url;
    answer = await jar.get(url.href);
    if (!url.pathname.startsWith('/interaction/') || answer.location !== undefined) continue;
    const next = answers.shift();
    if (next === undefined) throw new Error(`asked: ${answer.text}`);
    answer = await jar.post(url.pathname, next);
  }
}

interface Visit {
  platform: TestProtocol;
  jar: Jar;
  config: oidc.Configuration;
  answers?: Answer[];
  parameters?: Record<string, string>;
  pushed?: boolean;
  DPoP?: oidc.DPoPHandle;
}

async function signIn({ platform, jar, config, answers = [], parameters = {}, pushed, DPoP }: Visit) {
  const id = config.clientMetadata().client_id;
  const pkceCodeVerifier = oidc.randomPKCECodeVerifier();
  const [expectedState, expectedNonce] = [oidc.randomState(), oidc.randomNonce()];
  const asked = {
    redirect_uri: redirectUri(id),
    scope: 'openid',
    state: expectedState,
    nonce: expectedNonce,
    code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
    ...parameters,
  };
  const start = pushed
    ? await oidc.buildAuthorizationUrlWithPAR(config, asked, { DPoP })
    : oidc.buildAuthorizationUrl(config, asked);
  const back = await browse(platform, jar, start, answers);
  const checks = { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true };
  return oidc.authorizationCodeGrant(config, back, checks, undefined, { DPoP });
}

async function world(t: ExecutionContext<unknown>) {
  const dept = await generateKeyPair('ES256');
  const clients = [
    portal('basic-portal'),
    portal('post-portal', { token_endpoint_auth_method: 'client_secret_post' }),
    portal('dept', {
      client_secret: undefined,
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [{ ...(await exportJWK(dept.publicKey)), use: 'sig', alg: 'ES256' }] },
    }),
    portal('app', {
      client_secret: undefined,
      token_endpoint_auth_method: 'none',
      dpop_bound_access_tokens: true,
    }),
    portal('par-only', { require_pushed_authorization_requests: true }),
  ];
  const platform = await startProtocol(t, { clients });
  const citizenId = await platform.citizen('intermediate');
  return { platform, citizenId, dept };
}

test('openid-client signs in with each way of client authentication, plain and pushed, and all the way through', async (t) => {
  const { platform, citizenId, dept } = await world(t);
  const ways: [string, oidc.ClientAuth][] = [
    ['basic-portal', oidc.ClientSecretBasic(SECRET)],
    ['post-portal', oidc.ClientSecretPost(SECRET)],
    ['dept', oidc.PrivateKeyJwt(dept.privateKey)],
    ['par-only', oidc.ClientSecretBasic(SECRET)],
  ];
  for (const [id, auth] of ways) {
    for (const pushed of id === 'par-only' ? [true] : [false, true]) {
      const config = await connect(platform, id, auth);
      const jar = platform.jar();
      const answers = [logIn(citizenId)];
      const tokens = await signIn({ platform, jar, config, answers, pushed });
      const claims = tokens.claims();
      t.is(claims?.acr, acr('intermediate'), id);
      const user = await oidc.fetchUserInfo(config, tokens.access_token, String(claims?.sub));
      t.is(user.sub, String(claims?.sub));
      const refreshed = await oidc.refreshTokenGrant(config, String(tokens.refresh_token));
      t.is(refreshed.claims()?.sub, claims?.sub);
      t.is(refreshed.claims()?.auth_time, claims?.auth_time);
      const looked = await oidc.tokenIntrospection(config, refreshed.access_token);
      t.like(looked, { active: true, acr: acr('intermediate'), client_id: id, sub: claims?.sub });
      await oidc.tokenRevocation(config, String(tokens.refresh_token));
      t.deepEqual(await oidc.tokenIntrospection(config, refreshed.access_token), { active: false });
      const again = await signIn({ platform, jar, config, pushed });
      t.is(again.claims()?.sub, claims?.sub, 'signing on again needs no page');
    }
  }
  t.deepEqual(platform.errors, []);
});

test('who must push requests cannot send them through the browser', async (t) => {
  const { platform } = await world(t);
  const config = await connect(platform, 'par-only', oidc.ClientSecretBasic(SECRET));
  const refused = await t.throwsAsync(signIn({ platform, jar: platform.jar(), config }), {
    instanceOf: oidc.AuthorizationResponseError,
  });
  t.is(refused.error, 'invalid_request');
});

test('a pushed request carries its claims parameter, and what is added in the browser changes nothing', async (t) => {
  const { platform, citizenId } = await world(t);
  const config = await connect(platform, 'basic-portal', oidc.ClientSecretBasic(SECRET));
  const jar = platform.jar();
  await signIn({ platform, jar, config, answers: [logIn(citizenId)] });
  const start = await oidc.buildAuthorizationUrlWithPAR(config, {
    redirect_uri: redirectUri('basic-portal'),
    scope: 'openid',
    state: 'pushed',
    prompt: 'none',
    claims: essential('advanced'),
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256',
  });
  t.deepEqual(
    [...start.searchParams.keys()].sort(),
    ['client_id', 'request_uri'],
    'nothing else in the address',
  );
  start.searchParams.set('claims', essential('basic'));
  start.searchParams.set('state', 'planted');
  start.searchParams.set('redirect_uri', 'https://evil.example/');
  const back = await browse(platform, jar, start, []);
  t.is(back.origin, 'http://basic-portal.localhost:4000');
  t.is(back.searchParams.get('error'), 'unmet_authentication_requirements');
  t.is(back.searchParams.get('state'), 'pushed');
});

test('a request_uri works once, also for two browsers that began with it and take their time', async (t) => {
  const { platform, citizenId } = await world(t);
  const config = await connect(platform, 'basic-portal', oidc.ClientSecretBasic(SECRET));
  const start = await oidc.buildAuthorizationUrlWithPAR(config, {
    redirect_uri: redirectUri('basic-portal'),
    scope: 'openid',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256',
  });
  const [one, two] = [platform.jar(), platform.jar()];
  const [first, second] = [await one.get(start.href), await two.get(start.href)];
  t.truthy(second.location);
  const finish = async (jar: Jar, location = '') => {
    const posted = await jar.post(new URL(location).pathname, logIn(citizenId));
    return jar.get(posted.location ?? '');
  };
  t.regex((await finish(one, first.location)).location ?? '', /[?&]code=/);
  // Ten minutes later: the request has expired, the interaction has not.
  await purgeProtocolRecords(platform.db, { now: new Date(Date.now() + 600_000) });
  const refused = await finish(two, second.location);
  t.notRegex(refused.location ?? '', /[?&]code=/);
  t.regex(refused.location ?? refused.text, /invalid_request_uri/);
});

test('DPoP binds tokens and refresh tokens to the key of a public client', async (t) => {
  const { platform, citizenId } = await world(t);
  const config = await connect(platform, 'app', oidc.None(), { token_endpoint_auth_method: 'none' });
  const DPoP = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair('ES256'));
  const jar = platform.jar();
  const tokens = await signIn({ platform, jar, config, DPoP, answers: [logIn(citizenId)], pushed: true });
  t.is(tokens.token_type, 'dpop');
  const sub = String(tokens.claims()?.sub);
  t.is((await oidc.fetchUserInfo(config, tokens.access_token, sub, { DPoP })).sub, sub);
  const stolen = await fetch(`${platform.issuer}/oauth/userinfo`, {
    headers: { authorization: `Bearer ${tokens.access_token}` },
  });
  t.is(stolen.status, 401);
  const refreshed = await oidc.refreshTokenGrant(config, String(tokens.refresh_token), undefined, { DPoP });
  t.is(refreshed.refresh_token, tokens.refresh_token, 'bound to the key, it need not rotate');
  const other = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair('ES256'));
  const thief = oidc.refreshTokenGrant(config, String(tokens.refresh_token), undefined, { DPoP: other });
  await t.throwsAsync(thief, { instanceOf: oidc.ResponseBodyError });
  const bare = oidc.refreshTokenGrant(config, String(tokens.refresh_token));
  await t.throwsAsync(bare, { instanceOf: oidc.ResponseBodyError });
  await t.throwsAsync(signIn({ platform, jar, config }), undefined, 'and no tokens without a proof');
});

test('logging out by openid-client’s address shows the confirmation and leads back with the state', async (t) => {
  const { platform, citizenId } = await world(t);
  const config = await connect(platform, 'basic-portal', oidc.ClientSecretBasic(SECRET));
  const jar = platform.jar();
  const tokens = await signIn({ platform, jar, config, answers: [logIn(citizenId)] });
  const address = oidc.buildEndSessionUrl(config, {
    post_logout_redirect_uri: 'http://basic-portal.localhost:4000/',
    id_token_hint: String(tokens.id_token),
    state: 'bye',
  });
  const done = await platform.logOut(jar, Object.fromEntries(address.searchParams));
  t.is(done.location, 'http://basic-portal.localhost:4000/?state=bye');
  t.false(jar.cookies.has('ymt_session'));
  t.deepEqual(await oidc.tokenIntrospection(config, tokens.access_token), { active: false });
});
