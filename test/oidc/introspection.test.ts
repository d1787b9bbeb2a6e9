import test from 'ava';
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose';
import { shiftProcessClock } from '../../src/platform/clock.ts';
import { startProtocol, type TestProtocol } from '../support/protocol.ts';
import { logIn, portal, relyingParty, SECRET } from '../support/relying-party.ts';
import { sharedWorld } from '../support/shared-world.ts';

const acr = (level: string) => `urn:ymt:acr:${level}`;
const API = 'https://pension.example/api';
const JWT_API = 'https://tax.example/api';
const CLIENTS = [
  portal('city-a'),
  portal('city-b'),
  portal('app', { token_endpoint_auth_method: 'none', client_secret: undefined }),
  portal('hrss', {
    introspection_signed_response_alg: 'ES256',
    resources: [{ identifier: API, scope: 'pension:read pension:write' }],
  }),
  portal('tax', { resources: [{ identifier: JWT_API, scope: 'tax:read', access_token_format: 'jwt' }] }),
];
const basic = (id: string) => ({
  authorization: `Basic ${Buffer.from(`${id}:${SECRET}`).toString('base64')}`,
});

test.afterEach.always(() => shiftProcessClock(0));

const shared = sharedWorld((t) => startProtocol(t, { clients: CLIENTS }));

test('the owner of an API may have the answer as a signed JWT', async (t) => {
  const platform = shared();
  const tokens = await relyingParty(platform, 'city-a').signIn(
    platform.jar(),
    { resource: API, scope: 'openid pension:read' },
    [logIn(await platform.citizen('basic'))],
  );
  const ask = (id: string) =>
    fetch(`${platform.issuer}/oauth/introspect`, {
      method: 'POST',
      headers: { ...basic(id), accept: 'application/token-introspection+jwt' },
      body: new URLSearchParams({ token: tokens.access_token }),
    });
  const answer = await ask('hrss');
  t.regex(answer.headers.get('content-type') ?? '', /^application\/token-introspection\+jwt/);
  const keys = createRemoteJWKSet(new URL(`${platform.issuer}/oauth/jwks`));
  const { payload, protectedHeader } = await jwtVerify(await answer.text(), keys, {
    issuer: platform.issuer,
    audience: 'hrss',
    algorithms: ['ES256'],
    typ: 'token-introspection+jwt',
  });
  t.truthy(protectedHeader.kid);
  t.like(payload.token_introspection, {
    active: true,
    aud: API,
    acr: acr('basic'),
    achieved_acr: acr('basic'),
    client_id: 'city-a',
    scope: 'pension:read',
  });
  const stranger = await jwtVerify(await (await ask('city-b')).text(), keys, { issuer: platform.issuer });
  t.deepEqual(stranger.payload.token_introspection, { active: false });
});

test('nobody looks at a token without proving to be its client or the owner of its API', async (t) => {
  const platform = shared();
  const jar = platform.jar();
  const party = relyingParty(platform, 'city-a');
  const plain = await party.signIn(jar, {}, [logIn(await platform.citizen('basic'))]);
  const forApi = await party.signIn(jar, { resource: API, scope: 'openid pension:read' });
  const hidden = { active: false };
  for (const token of [
    plain.access_token,
    plain.refresh_token!,
    forApi.access_token,
    forApi.refresh_token!,
  ]) {
    for (const id of ['city-b', 'tax'])
      t.deepEqual(await relyingParty(platform, id).introspect(token), hidden);
    t.deepEqual(await relyingParty(platform, 'app', true).introspect(token), hidden);
    t.like(await party.introspect(token), { active: true });
    const hinted = await fetch(`${platform.issuer}/oauth/introspect`, {
      method: 'POST',
      headers: basic('city-b'),
      body: new URLSearchParams({ token, token_type_hint: 'refresh_token' }),
    });
    t.deepEqual(await hinted.json(), hidden);
    const nobody = await fetch(`${platform.issuer}/oauth/introspect`, {
      method: 'POST',
      body: new URLSearchParams({ token }),
    });
    t.is(nobody.status, 400);
  }
  const hrss = relyingParty(platform, 'hrss');
  t.deepEqual(
    await hrss.introspect(plain.access_token),
    hidden,
    'owning an API gives no sight of other tokens',
  );
  t.deepEqual(await hrss.introspect(forApi.refresh_token!), hidden, 'nor of refresh tokens');
});

test('only its own client revokes a token', async (t) => {
  const platform = shared();
  const party = relyingParty(platform, 'city-a');
  const tokens = await party.signIn(platform.jar(), { resource: API, scope: 'openid pension:read' }, [
    logIn(await platform.citizen('basic')),
  ]);
  const revoke = async (id: string, token: string) =>
    (
      await fetch(`${platform.issuer}/oauth/revoke`, {
        method: 'POST',
        headers: basic(id),
        body: new URLSearchParams({ token }),
      })
    ).status;
  for (const stranger of ['city-b', 'hrss']) {
    for (const token of [tokens.access_token, tokens.refresh_token!])
      t.is(await revoke(stranger, token), 200);
  }
  t.like(await party.introspect(tokens.access_token), { active: true }, 'and a stranger learns nothing');
  t.is(await revoke('city-a', tokens.access_token), 200);
  t.deepEqual(await party.introspect(tokens.access_token), { active: false });
  t.is(
    (await party.refresh(tokens.refresh_token!)).error,
    'invalid_grant',
    'what was issued with it ends too',
  );
});

test('JWT access tokens can be neither introspected nor revoked, which is said, and are over in five minutes', async (t) => {
  const platform = shared();
  const party = relyingParty(platform, 'city-a');
  const tokens = await party.signIn(platform.jar(), { resource: JWT_API, scope: 'openid tax:read' }, [
    logIn(await platform.citizen('basic')),
  ]);
  for (const endpoint of ['introspect', 'revoke']) {
    const answer = await fetch(`${platform.issuer}/oauth/${endpoint}`, {
      method: 'POST',
      headers: basic('tax'),
      body: new URLSearchParams({ token: tokens.access_token }),
    });
    t.is(answer.status, 400);
    t.is(((await answer.json()) as { error: string }).error, 'unsupported_token_type');
  }
  const { payload, protectedHeader } = await jwtVerify(
    tokens.access_token,
    createRemoteJWKSet(new URL(`${platform.issuer}/oauth/jwks`)),
    { issuer: platform.issuer, audience: JWT_API, typ: 'at+jwt', algorithms: ['ES256'] },
  );
  t.true(payload.exp! - payload.iat! <= 300);
  t.is(protectedHeader.alg, 'ES256');
  t.deepEqual(Object.keys(payload).sort(), [
    'achieved_acr',
    'acr',
    'amr',
    'aud',
    'auth_time',
    'client_id',
    'exp',
    'iat',
    'iss',
    'jti',
    'scope',
    'sub',
  ]);
});

test('tokens are opaque unless the API wants JWT, and a token is for one API', async (t) => {
  const platform = shared();
  const jar = platform.jar();
  const party = relyingParty(platform, 'city-a');
  const plain = await party.signIn(jar, {}, [logIn(await platform.citizen('basic'))]);
  const request = { resource: API, scope: 'openid pension:read tax:read invented' };
  const forApi = await party.signIn(jar, request);
  for (const { access_token: token } of [plain, forApi]) t.notRegex(token, /\./);
  t.is(forApi.scope, 'pension:read', 'nothing that the API does not know');
  t.is(forApi.expires_in, 600);
  t.is((await party.userinfo(forApi.access_token)).status, 403);
  t.is((await party.refresh(plain.refresh_token!, { resource: API })).error, 'invalid_target');
  const unknown = await party.authorize(jar, { resource: 'https://unknown.example/', scope: 'openid' });
  t.is(unknown.params?.get('error'), 'invalid_target');
});

test('a client that was disabled is out within five seconds, with its tokens', async (t) => {
  let ahead = 0;
  const platform = await startProtocol(t, { clients: CLIENTS, clock: () => new Date(Date.now() + ahead) });
  const jar = platform.jar();
  const party = relyingParty(platform, 'city-a');
  const tokens = await party.signIn(jar, { resource: API, scope: 'openid pension:read' }, [
    logIn(await platform.citizen('basic')),
  ]);
  await platform.db.query(`update clients set disabled_at = $1 where client_id = 'city-a'`, [new Date()]);
  ahead = 5_000;
  t.is((await party.refresh(tokens.refresh_token!)).error, 'invalid_client');
  t.deepEqual(await relyingParty(platform, 'hrss').introspect(tokens.access_token), { active: false });
  t.truthy((await party.authorize(jar)).stopped, 'a page of the platform, not a redirect');
});

const INGEST = 'urn:ymt:health-ingest';
const CALLERS = [
  portal('city-a'),
  portal('hospital', {
    redirect_uris: undefined,
    response_types: [],
    grant_types: ['client_credentials'],
    health_sources: ['hospital'],
  }),
  portal('portal-too', { grant_types: ['client_credentials'] }),
  portal('tax', { resources: [{ identifier: 'https://tax.example/api', scope: 'tax:read' }] }),
];

async function askForToken(platform: TestProtocol, clientId: string, params: Record<string, string>) {
  const response = await fetch(`${platform.issuer}/oauth/token`, {
    method: 'POST',
    headers: basic(clientId),
    body: new URLSearchParams({ grant_type: 'client_credentials', ...params }),
  });
  const answer = (await response.json()) as { access_token: string; error?: string; expires_in: number };
  return { status: response.status, ...answer };
}

test.serial(
  'a program gets a token for our own API, with the scopes its registration entitles it to',
  async (t) => {
    const platform = await startProtocol(t, { clients: CALLERS });
    const given = await askForToken(platform, 'hospital', {
      resource: INGEST,
      scope: 'ingest:hospital ingest:police',
    });
    t.is(given.status, 200);
    t.true(given.expires_in <= 300);
    t.like(decodeJwt(given.access_token), { aud: INGEST, client_id: 'hospital', scope: 'ingest:hospital' });
    const caller = await platform.machineCaller(`Bearer ${given.access_token}`, INGEST);
    t.is(caller?.clientId, 'hospital');
    t.deepEqual([...(caller?.scopes ?? [])], ['ingest:hospital']);
    t.is(await platform.machineCaller(`Bearer ${given.access_token}`, 'urn:ymt:other'), undefined);
    t.deepEqual(platform.errors, []);
  },
);

test.serial('no other API, none at all, and nobody without the right gets one', async (t) => {
  const platform = await startProtocol(t, { clients: CALLERS });
  const refused: [string, Record<string, string>, string][] = [
    ['hospital', { scope: 'ingest:hospital' }, 'invalid_target'],
    ['hospital', {}, 'invalid_target'],
    ['hospital', { resource: 'https://tax.example/api', scope: 'tax:read' }, 'invalid_target'],
    ['portal-too', { resource: INGEST, scope: 'ingest:hospital' }, 'invalid_target'],
    ['city-a', { resource: INGEST, scope: 'ingest:hospital' }, 'invalid_request'],
  ];
  for (const [client, params, error] of refused) {
    t.is((await askForToken(platform, client, params)).error, error, `${client} ${JSON.stringify(params)}`);
  }
  t.deepEqual(platform.errors, []);
});

test.serial('a portal cannot have a citizen ask for our own API', async (t) => {
  const platform = await startProtocol(t, { clients: CALLERS });
  const outcome = await relyingParty(platform, 'city-a').authorize(platform.jar(), {
    resource: INGEST,
    scope: 'openid ingest:hospital',
  });
  t.is(outcome.params?.get('error'), 'invalid_target');
});

test.serial('what is no token for programs is nobody', async (t) => {
  const platform = await startProtocol(t, { clients: CALLERS });
  const party = relyingParty(platform, 'city-a');
  const tokens = await party.signIn(platform.jar(), {}, [logIn(await platform.citizen('basic'))]);
  const { access_token: good } = await askForToken(platform, 'hospital', { resource: INGEST });
  const [head, body] = good.split('.');
  for (const header of [
    undefined,
    '',
    'Bearer',
    'Bearer x.y.z',
    `Bearer ${head}.${body}.`,
    `Bearer ${head}.${body}.AAAA`,
    `Bearer ${tokens.access_token}`,
    `Bearer ${tokens.id_token}`,
    `Basic ${good}`,
  ]) {
    t.is(await platform.machineCaller(header, INGEST), undefined, header);
  }
});

test.serial('a token ends after five minutes, and with its client', async (t) => {
  const platform = await startProtocol(t, { clients: CALLERS });
  const params = { resource: INGEST, scope: 'ingest:hospital' };
  const first = `Bearer ${(await askForToken(platform, 'hospital', params)).access_token}`;
  shiftProcessClock(301_000);
  t.is(await platform.machineCaller(first, INGEST), undefined);
  const second = `Bearer ${(await askForToken(platform, 'hospital', params)).access_token}`;
  t.truthy(await platform.machineCaller(second, INGEST));
  await platform.db.query(`update clients set disabled_at = now() where client_id = 'hospital'`);
  shiftProcessClock(310_000);
  t.is(await platform.machineCaller(second, INGEST), undefined);
});
