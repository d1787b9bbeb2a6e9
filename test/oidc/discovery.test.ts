import { createHash } from 'node:crypto';
import test from 'ava';
import { VERIFIED_CLAIMS_METADATA } from '../../src/oidc/verified-claims-metadata.ts';
import { startProtocol } from '../support/protocol.ts';
import { logIn, portal, relyingParty } from '../support/relying-party.ts';

test('discovery says exactly what is supported, levels ascending', async (t) => {
  const platform = await startProtocol(t, { clients: [portal('city-a')] });
  const { issuer } = platform;
  const answer = await fetch(`${issuer}/.well-known/openid-configuration`);
  t.deepEqual(await answer.json(), {
    issuer,
    authorization_endpoint: `${issuer}/oauth/authorize`,
    token_endpoint: `${issuer}/oauth/token`,
    userinfo_endpoint: `${issuer}/oauth/userinfo`,
    introspection_endpoint: `${issuer}/oauth/introspect`,
    revocation_endpoint: `${issuer}/oauth/revoke`,
    pushed_authorization_request_endpoint: `${issuer}/oauth/par`,
    end_session_endpoint: `${issuer}/oauth/logout`,
    jwks_uri: `${issuer}/oauth/jwks`,
    acr_values_supported: ['anonymous', 'basic', 'intermediate', 'advanced'].map((l) => `urn:ymt:acr:${l}`),
    authorization_response_iss_parameter_supported: true,
    backchannel_logout_session_supported: true,
    backchannel_logout_supported: true,
    claim_types_supported: ['normal'],
    claims_parameter_supported: true,
    claims_supported: [
      'sub',
      'acr',
      'amr',
      'auth_time',
      'achieved_acr',
      'name',
      'preferred_username',
      'birthdate',
      'gender',
      'phone_number',
      'phone_number_verified',
      'id_number',
      'health_code',
      'sid',
      'iss',
      'verified_claims',
    ],
    code_challenge_methods_supported: ['S256'],
    dpop_signing_alg_values_supported: ['ES256', 'EdDSA', 'Ed25519'],
    grant_types_supported: ['authorization_code', 'refresh_token', 'client_credentials'],
    id_token_signing_alg_values_supported: ['ES256', 'RS256'],
    introspection_signing_alg_values_supported: ['ES256', 'RS256'],
    request_uri_parameter_supported: false,
    response_modes_supported: ['form_post', 'fragment', 'query'],
    response_types_supported: ['code'],
    scopes_supported: ['openid', 'profile', 'phone', 'identity', 'health_code'],
    subject_types_supported: ['pairwise'],
    token_endpoint_auth_methods_supported: [
      'private_key_jwt',
      'client_secret_basic',
      'client_secret_post',
      'none',
    ],
    token_endpoint_auth_signing_alg_values_supported: ['ES256', 'RS256', 'PS256', 'EdDSA', 'Ed25519'],
    ui_locales_supported: ['zh-CN', 'en'],
    userinfo_signing_alg_values_supported: ['ES256', 'RS256'],
    ...VERIFIED_CLAIMS_METADATA,
  });
});

test('scopes of the standard without data may be registered and asked for: nobody is asked to agree to them', async (t) => {
  const claims_allowed = ['email', 'address', 'phone'];
  const scope = 'openid email phone address';
  const platform = await startProtocol(t, { clients: [portal('city-a', { scope, claims_allowed })] });
  const party = relyingParty(platform, 'city-a');
  const login = logIn(await platform.citizen('basic'));
  const jar = platform.jar();
  const claims = JSON.stringify({ userinfo: { email: { essential: true }, address: null } });
  const tokens = await party.signIn(jar, { scope: 'openid email address', claims }, [login]);
  t.is(tokens.scope, 'openid');
  const { claims: told } = await party.userinfo(tokens.access_token);
  t.false('email' in told || 'address' in told);
  const { interaction } = await party.authorize(jar, { scope });
  t.like(interaction?.details, { prompt: 'consent' });
  const consent = interaction?.details.consent as { claimSets: { id: string }[] } | undefined;
  t.deepEqual(
    consent?.claimSets.map(({ id }) => id),
    ['phone'],
  );
});

test('what discovery does not name is refused', async (t) => {
  const platform = await startProtocol(t, { clients: [portal('city-a')] });
  const jar = platform.jar();
  const party = relyingParty(platform, 'city-a');
  await party.signIn(jar, {}, [logIn(await platform.citizen('basic'))]);
  for (const params of [
    { response_type: 'token' },
    { response_type: 'code id_token' },
    { response_mode: 'web_message' },
    { response_mode: 'jwt' },
    { request: 'eyJhbGciOiJub25lIn0.e30.' },
    { scope: 'openid', authorization_details: '[{"type":"any"}]' },
  ] as Record<string, string>[]) {
    const { params: answer, stopped } = await party.authorize(jar, params);
    const code = answer?.get('code') ?? stopped?.location;
    t.falsy('authorization_details' in params ? undefined : code, JSON.stringify(params));
  }
  for (const path of ['/oauth/reg', '/reg', '/oauth/device/auth', '/device', '/oauth/backchannel']) {
    t.is((await jar.post(path, new URLSearchParams({ client_id: 'city-a' }))).status, 404, path);
  }
});

test('the published keys hold no private part, one key for each algorithm', async (t) => {
  const platform = await startProtocol(t, { clients: [portal('city-a')] });
  const { keys } = (await (await fetch(`${platform.issuer}/oauth/jwks`)).json()) as {
    keys: Record<string, string>[];
  };
  t.deepEqual(keys.map(({ alg }) => alg).sort(), ['ES256', 'RS256']);
  for (const key of keys) {
    t.deepEqual(
      Object.keys(key).filter((name) => ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k'].includes(name)),
      [],
    );
  }
});

test('form_post answers with a form that submits itself under a strict policy, and has a button', async (t) => {
  const platform = await startProtocol(t, { clients: [portal('city-a')] });
  const jar = platform.jar();
  const party = relyingParty(platform, 'city-a');
  await party.signIn(jar, {}, [logIn(await platform.citizen('basic'))]);
  for (const asked of [{ state: '"><script>alert(1)</script>' }, { prompt: 'login consent none' }] as Record<
    string,
    string
  >[]) {
    const { stopped } = await party.authorize(jar, { response_mode: 'form_post', ...asked });
    const page = stopped?.text ?? '';
    t.regex(page, /<form method="post" action="http:\/\/city-a\.localhost:4000\/callback">/);
    t.regex(page, /<noscript>[\s\S]*<button[^>]*type="submit"/);
    t.regex(page, /name="iss" value="http:\/\/localhost:\d+"/);
    const scripts = [...page.matchAll(/<script>([\s\S]*?)<\/script>/g)].map(([, script = '']) => script);
    t.is(scripts.length, 1, 'what the client sends is never a script');
    const policy = stopped?.headers.get('content-security-policy') ?? '';
    const hash = createHash('sha256').update(scripts[0]!).digest('base64');
    t.regex(policy, /default-src 'none'/);
    t.true(policy.includes(`script-src 'self' 'sha256-${hash}'`), policy);
    t.notRegex(policy, /unsafe-inline/);
    t.regex(policy, /form-action 'self' http:\/\/city-a\.localhost:4000(;|$)/);
    t.is(stopped?.headers.get('cache-control'), 'no-store');
  }
});
