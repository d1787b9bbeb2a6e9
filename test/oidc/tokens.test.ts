import test from 'ava';
import { decodeProtectedHeader, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { shiftProcessClock } from '../../src/platform/clock.ts';
import { audited } from '../support/audited.ts';
import { startProtocol } from '../support/protocol.ts';
import { claimsOf, essential, logIn, portal, relyingParty } from '../support/relying-party.ts';
import { sharedWorld } from '../support/shared-world.ts';

const API = 'https://hrss.example/api';
const JWT_API = 'https://tax.example/api';
const acr = (level: string) => `urn:ymt:acr:${level}`;

const CLIENTS = [
  portal('city-a'),
  portal('city-b'),
  portal('hrss', {
    resources: [{ identifier: API, scope: 'pension:read', min_acr: acr('intermediate') }],
  }),
  portal('tax', {
    resources: [
      { identifier: JWT_API, scope: 'tax:read', min_acr: acr('basic'), access_token_format: 'jwt' },
    ],
  }),
];

test.afterEach.always(() => shiftProcessClock(0));

const shared = sharedWorld((t) => startProtocol(t, { clients: CLIENTS }));

test.serial(
  'a token for an API carries the level, needs the floor of the API, and only its owner may look',
  async (t) => {
    const platform = shared();
    const citizenId = await platform.citizen('intermediate');
    const basic = await platform.citizen('basic');
    const party = relyingParty(platform, 'city-a');
    const request = { resource: API, scope: 'openid pension:read' };
    const low = await party.authorize(platform.jar(), request, [logIn(basic)]);
    t.like(low.interaction?.details, { prompt: 'step_up', target: 'intermediate' });
    const tokens = await party.signIn(platform.jar(), request, [logIn(citizenId)]);
    t.is(tokens.scope, 'pension:read');
    const owner = await relyingParty(platform, 'hrss').introspect(tokens.access_token);
    t.like(owner, { active: true, aud: API, acr: acr('intermediate'), client_id: 'city-a' });
    t.truthy(owner.auth_time);
    t.deepEqual(await relyingParty(platform, 'city-b').introspect(tokens.access_token), { active: false });
    t.like(await party.introspect(tokens.access_token), { active: true });
    t.is((await party.userinfo(tokens.access_token)).status, 403);
  },
);

test.serial('another client learns nothing of an ordinary token', async (t) => {
  const platform = shared();
  const tokens = await relyingParty(platform, 'city-a').signIn(platform.jar(), {}, [
    logIn(await platform.citizen('basic')),
  ]);
  t.deepEqual(await relyingParty(platform, 'hrss').introspect(tokens.access_token), { active: false });
  t.deepEqual(await relyingParty(platform, 'hrss').introspect(tokens.refresh_token!), { active: false });
});

test.serial('JWT access tokens are ES256, carry the level and live five minutes at most', async (t) => {
  const platform = shared();
  const party = relyingParty(platform, 'city-a');
  const tokens = await party.signIn(platform.jar(), { resource: JWT_API, scope: 'openid tax:read' }, [
    logIn(await platform.citizen('basic')),
  ]);
  t.true(tokens.expires_in <= 300);
  t.is(decodeProtectedHeader(tokens.access_token).alg, 'ES256');
  t.like(claimsOf({ ...tokens, id_token: tokens.access_token }), { acr: acr('basic'), aud: JWT_API });
});

test.serial('clients that register nothing get RS256 ID tokens, ours ES256', async (t) => {
  const platform = await startProtocol(t, {
    clients: [...CLIENTS, portal('old', { id_token_signed_response_alg: undefined })],
  });
  const jar = platform.jar();
  const citizenId = await platform.citizen('basic');
  const old = await relyingParty(platform, 'old').signIn(jar, {}, [logIn(citizenId)]);
  t.is(decodeProtectedHeader(old.id_token).alg, 'RS256');
  const ours = await relyingParty(platform, 'city-a').signIn(jar);
  t.is(decodeProtectedHeader(ours.id_token).alg, 'ES256');
});

test.serial('a used code or refresh token in another client’s hands ends the family at once', async (t) => {
  const platform = await startProtocol(t, {
    clients: ['app', 'thief'].map((id) =>
      portal(id, { token_endpoint_auth_method: 'none', client_secret: undefined }),
    ),
  });
  const citizenId = await platform.citizen('basic');
  const [app, thief] = [relyingParty(platform, 'app', true), relyingParty(platform, 'thief', true)];
  const jar = platform.jar();
  const first = await app.signIn(jar, {}, [logIn(citizenId)]);
  t.is((await thief.refresh(first.refresh_token!)).error, 'invalid_grant');
  const second = await app.refresh(first.refresh_token!);
  t.truthy(second.access_token, 'one that was not used yet is only refused');
  t.is((await thief.refresh(first.refresh_token!)).error, 'invalid_grant');
  t.is((await app.refresh(second.refresh_token!)).error, 'invalid_grant');
  t.is((await app.userinfo(second.access_token)).status, 401);
  const outcome = await app.authorize(jar);
  const { access_token: third } = await app.exchange(outcome);
  t.is((await thief.exchange(outcome)).error, 'invalid_grant');
  t.is((await app.userinfo(third)).status, 401);
  t.deepEqual(await audited(platform.db, ['token.replayed', 'grant.revoked'], citizenId), [
    ['token.replayed', { kind: 'refresh_token' }],
    ['grant.revoked', { reason: 'replay' }],
    ['token.replayed', { kind: 'authorization_code' }],
    ['grant.revoked', { reason: 'replay' }],
  ]);
});

test.serial('a replayed refresh token is refused; only a late replay ends the family', async (t) => {
  const platform = await startProtocol(t, {
    clients: [portal('app', { token_endpoint_auth_method: 'none', client_secret: undefined })],
  });
  const app = relyingParty(platform, 'app', true);
  const tokens = await app.signIn(platform.jar(), {}, [logIn(await platform.citizen('basic'))]);
  const second = await app.refresh(tokens.refresh_token!);
  t.not(second.refresh_token, tokens.refresh_token);
  t.is((await app.refresh(tokens.refresh_token!)).error, 'invalid_grant');
  const third = await app.refresh(second.refresh_token!);
  t.truthy(third.access_token, 'a replay within ten seconds is a hiccup');
  shiftProcessClock(11_000);
  t.is((await app.refresh(tokens.refresh_token!)).error, 'invalid_grant');
  t.is((await app.refresh(third.refresh_token!)).error, 'invalid_grant', 'a late one is a theft');
});

test.serial('a confidential client keeps its refresh token', async (t) => {
  const platform = shared();
  const party = relyingParty(platform, 'city-a');
  const tokens = await party.signIn(platform.jar(), {}, [logIn(await platform.citizen('basic'))]);
  const refreshed = await party.refresh(tokens.refresh_token!);
  t.is(refreshed.refresh_token, tokens.refresh_token);
  t.truthy(refreshed.id_token);
});

test.serial('a code presented twice ends what it gave', async (t) => {
  const platform = shared();
  const party = relyingParty(platform, 'city-a');
  const outcome = await party.authorize(platform.jar(), {}, [logIn(await platform.citizen('basic'))]);
  const tokens = await party.exchange(outcome);
  t.is((await party.exchange(outcome)).error, 'invalid_grant');
  t.like(await party.introspect(tokens.access_token), { active: false });
});

test.serial(
  'private_key_jwt signs in, and an assertion works once however many arrive at once',
  async (t) => {
    const { privateKey, publicKey } = await generateKeyPair('ES256');
    const platform = await startProtocol(t, {
      clients: [
        portal('dept', {
          client_secret: undefined,
          token_endpoint_auth_method: 'private_key_jwt',
          jwks: { keys: [{ ...(await exportJWK(publicKey)), use: 'sig', alg: 'ES256' }] },
        }),
      ],
    });
    const now = Math.floor(Date.now() / 1000);
    const assertion = await new SignJWT({ jti: 'once' })
      .setProtectedHeader({ alg: 'ES256' })
      .setIssuer('dept')
      .setSubject('dept')
      .setAudience(platform.issuer)
      .setIssuedAt(now)
      .setExpirationTime(now + 60)
      .sign(privateKey);
    const ask = () =>
      fetch(`${platform.issuer}/oauth/introspect`, {
        method: 'POST',
        body: new URLSearchParams({
          token: 'x',
          client_id: 'dept',
          client_assertion: assertion,
          client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        }),
      });
    const answers = await Promise.all(Array.from({ length: 20 }, ask));
    t.is(answers.filter(({ status }) => status === 200).length, 1);
    t.true(answers.every(({ status }) => status === 200 || status === 401));
  },
);

test.serial('a client secret is stored as a hash, and a wrong one is refused', async (t) => {
  const platform = await startProtocol(t, { clients: CLIENTS });
  const rows = await platform.db.query<{ metadata: string }>('select metadata::text from clients');
  t.false(rows.some(({ metadata }) => metadata.includes('a-client-secret')));
  const wrong = await fetch(`${platform.issuer}/oauth/introspect`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from('city-a:wrong').toString('base64')}` },
    body: new URLSearchParams({ token: 'x' }),
  });
  t.is(wrong.status, 401);
});

test.serial('a locked account has no tokens, and its access token shows nothing', async (t) => {
  const platform = shared();
  const citizenId = await platform.citizen('basic');
  const party = relyingParty(platform, 'city-a');
  const tokens = await party.signIn(platform.jar(), {}, [logIn(citizenId)]);
  await platform.db.query(`update accounts set state = 'locked' where citizen_id = $1`, [citizenId]);
  t.is((await party.refresh(tokens.refresh_token!)).error, 'invalid_grant');
  t.like(await party.introspect(tokens.access_token), { active: false });
  t.is((await party.userinfo(tokens.access_token)).status, 401);
});

test.serial(
  'an essential level under userinfo asks for nothing; default_acr_values do not drop an essential one',
  async (t) => {
    const platform = await startProtocol(t, {
      clients: [...CLIENTS, portal('defaults', { default_acr_values: [acr('basic')] })],
    });
    const citizenId = await platform.citizen('basic');
    const jar = platform.jar();
    const userinfo = JSON.stringify({ userinfo: { acr: { essential: true, value: acr('advanced') } } });
    const tokens = await relyingParty(platform, 'city-a').signIn(jar, { claims: userinfo }, [
      logIn(citizenId),
    ]);
    t.is(claimsOf(tokens).acr, acr('basic'));
    for (const params of [{}, { acr_values: acr('basic') }] as Record<string, string>[]) {
      const asked = await relyingParty(platform, 'defaults').authorize(jar, {
        ...params,
        claims: essential('advanced'),
      });
      t.like(asked.interaction?.details, { prompt: 'step_up', target: 'advanced', optional: false });
    }
  },
);

test.serial(
  'a new signing key is published, then signs, and the old one goes, without a restart',
  async (t) => {
    const platform = await startProtocol(t, { clients: CLIENTS });
    const jar = platform.jar();
    const party = relyingParty(platform, 'city-a');
    const first = await party.signIn(jar, {}, [logIn(await platform.citizen('basic'))]);
    const before = decodeProtectedHeader(first.id_token).kid;
    const kid = await platform.keys.append('ES256');
    await platform.reloadKeys();
    t.is(decodeProtectedHeader((await party.signIn(jar)).id_token).kid, before);
    const published = (await (await fetch(`${platform.issuer}/oauth/jwks`)).json()) as {
      keys: { kid: string; d?: string }[];
    };
    t.true(published.keys.some((key) => key.kid === kid));
    t.true(published.keys.every((key) => key.d === undefined));
    await platform.keys.promote(kid);
    await platform.reloadKeys();
    t.is(decodeProtectedHeader((await party.signIn(jar)).id_token).kid, kid);
    await platform.keys.retire(String(before));
    await platform.reloadKeys();
    t.is(decodeProtectedHeader((await party.signIn(jar)).id_token).kid, kid);
    t.deepEqual((await audited(platform.db, ['key.rotated'])).slice(-3), [
      ['key.rotated', { key: 'signing', step: 'made' }],
      ['key.rotated', { key: 'signing', step: 'signs' }],
      ['key.rotated', { key: 'signing', step: 'retired' }],
    ]);
  },
);
