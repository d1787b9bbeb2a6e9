import { createHash } from 'node:crypto';
import test from 'ava';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { sealSecret, secretMatches } from '../../src/departments/client-secret.ts';
import { ClientsFileError, parseClients } from '../../src/departments/clients-file.ts';
import { VERIFIED_CLAIMS_METADATA } from '../../src/oidc/verified-claims-metadata.ts';
import { startProtocol } from '../support/protocol.ts';
import { logIn, portal, relyingParty, SECRET } from '../support/relying-party.ts';
import { sharedWorld } from '../support/shared-world.ts';
import { textOf } from '../support/sources.ts';

const basic = (id: string, secret = SECRET) => ({
  authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
});

test('a secret in the body is taken only from a client that registered client_secret_post, and the other way round', async (t) => {
  const platform = await startProtocol(t, {
    clients: [
      portal('header'),
      portal('body', { token_endpoint_auth_method: 'client_secret_post' }),
      portal('app', { token_endpoint_auth_method: 'none', client_secret: undefined }),
    ],
  });
  const ask = async (
    endpoint: string,
    body: Record<string, string>,
    headers: Record<string, string> = {},
  ) => {
    const asked = { method: 'POST', headers, body: new URLSearchParams({ token: 'x', ...body }) };
    return (await fetch(`${platform.issuer}/oauth/${endpoint}`, asked)).status;
  };
  for (const endpoint of ['introspect', 'revoke']) {
    t.is(await ask(endpoint, {}, basic('header')), 200);
    t.is(await ask(endpoint, { client_id: 'header', client_secret: SECRET }), 401);
    t.is(await ask(endpoint, { client_id: 'body', client_secret: SECRET }), 200);
    t.is(await ask(endpoint, {}, basic('body')), 401);
    t.is(await ask(endpoint, { client_id: 'header' }), 401, 'none is not a way for a confidential client');
    t.is(await ask(endpoint, { client_id: 'app', client_secret: SECRET }), 401);
    t.is(await ask(endpoint, {}, basic('header', sealSecret(SECRET))), 401, 'the stored hash is no secret');
    t.is(await ask(endpoint, {}, basic('header', '')), 400);
    t.is(await ask(endpoint, { client_id: 'body' }, basic('header')), 400, 'two clients in one request');
  }
});

test('a client that the library would not serve is refused when its registration is read, with entry and reason', async (t) => {
  const platform = await startProtocol(t, { clients: [] });
  const read = (over: object) => () =>
    parseClients(JSON.stringify([portal('fine'), portal('odd', over)]), 'clients.json', platform.refusalOf);
  for (const [over, reason] of [
    [{ client_secret: undefined }, /client_secret is mandatory/],
    [
      { scope: 'openid offline_access adress' },
      /scope: "offline_access", "adress" is not offered; allowed are openid profile phone identity health_code email address/,
    ],
    [{ redirect_uris: undefined }, /redirect_uris is mandatory/],
    [{ redirect_uris: ['http://odd.localhost:4000/#x'] }, /redirect_uris must not contain fragments/],
    [{ token_endpoint_auth_signing_alg: 'ES256' }, /token_endpoint_auth_signing_alg must not be provided/],
    [{ jwks: { keys: [{ kty: 'EC', crv: 'P-256', x: 'x' }] } }, /Key Set is invalid: .*keys\[0\]\.y must be/],
  ] as const) {
    const error = t.throws(read(over), { instanceOf: ClientsFileError, message: reason });
    t.regex(error.message, /^clients\.json: entry 2 \(odd\): /);
  }
  t.notThrows(read({ redirect_uris: ['https://a.cn/callback', 'https://b.cn/callback'] }));
  t.notThrows(read({ grant_types: ['client_credentials'], response_types: [], redirect_uris: undefined }));
});

test('secrets are compared in constant time, as hashes of one length', (t) => {
  const stored = sealSecret(SECRET);
  t.true(secretMatches(stored, SECRET));
  for (const wrong of ['', SECRET.slice(1), `${SECRET}x`, stored, '\0'.repeat(40)]) {
    t.false(secretMatches(stored, wrong));
  }
  t.is(
    sealSecret('a').length,
    sealSecret('a much longer secret than that').length,
    'so length tells nothing',
  );
  t.regex(textOf('src/departments/client-secret.ts'), /timingSafeEqual\(a, b\)/);
});

test('an assertion for somebody else, unsigned, expired or by another key is refused', async (t) => {
  const [own, foreign] = [await generateKeyPair('ES256'), await generateKeyPair('ES256')];
  const platform = await startProtocol(t, {
    clients: [
      portal('dept', {
        client_secret: undefined,
        token_endpoint_auth_method: 'private_key_jwt',
        jwks: { keys: [{ ...(await exportJWK(own.publicKey)), use: 'sig', alg: 'ES256' }] },
      }),
    ],
  });
  let serial = 0;
  const assertion = (over: object = {}, key = own.privateKey) => {
    const now = Math.floor(Date.now() / 1000);
    serial += 1;
    const claims = {
      iss: 'dept',
      sub: 'dept',
      aud: platform.issuer,
      iat: now,
      exp: now + 60,
      jti: `${serial}`,
    };
    return new SignJWT({ ...claims, ...over }).setProtectedHeader({ alg: 'ES256' }).sign(key);
  };
  const present = async (jwt: string) => {
    const body = new URLSearchParams({
      token: 'x',
      client_id: 'dept',
      client_assertion: jwt,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    });
    return (await fetch(`${platform.issuer}/oauth/introspect`, { method: 'POST', body })).status;
  };
  t.is(await present(await assertion()), 200);
  t.is(await present(await assertion({ aud: 'https://another.example' })), 401);
  t.is(await present(await assertion({ exp: 1 })), 401);
  t.is(await present(await assertion({ iss: 'other' })), 401);
  t.is(await present(await assertion({ jti: undefined })), 401);
  t.is(await present(await assertion({}, foreign.privateKey)), 401);
  const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${(await assertion()).split('.')[1]}.`;
  t.is(await present(unsigned), 401);
});

const withOnePortal = sharedWorld((t) => startProtocol(t, { clients: [portal('city-a')] }));

test('discovery says exactly what is supported, levels ascending', async (t) => {
  const platform = withOnePortal();
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
    prompt_values_supported: ['none', 'create', 'login', 'consent'],
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
  const platform = withOnePortal();
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
  const platform = withOnePortal();
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
  const platform = withOnePortal();
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
