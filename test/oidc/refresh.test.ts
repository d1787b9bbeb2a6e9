import test from 'ava';
import { decodeJwt } from 'jose';
import { endEvidence, recordEvidence } from '../../src/assurance/store.ts';
import { giveConsents } from '../../src/consents/store.ts';
import { shiftProcessClock } from '../../src/platform/clock.ts';
import { type Answer, startProtocol, type TestProtocol } from '../support/protocol.ts';
import {
  claimsOf,
  type Details,
  essential,
  liveFace,
  logIn,
  portal,
  relyingParty,
} from '../support/relying-party.ts';

const acr = (level: string) => `urn:ymt:acr:${level}`;
const API = 'https://pension.example/api';
const CLIENTS = [
  portal('city-a', { claims_allowed: ['identity'], legal_basis: 'test' }),
  portal('strict', { min_acr: acr('intermediate') }),
  portal('app', { token_endpoint_auth_method: 'none', client_secret: undefined }),
  portal('hrss', { resources: [{ identifier: API, scope: 'pension:read', min_acr: acr('intermediate') }] }),
];
const MINUTE = 60_000;

test.afterEach.always(() => shiftProcessClock(0));

const end = (platform: TestProtocol, citizenId: string, method: 'face' | 'live_face' | 'carrier') =>
  endEvidence(platform.db, { citizenId, method, reason: 'administrator', at: new Date() });

test.serial(
  'a floor is measured by the achieved level, also when a lower one was listed and is reported',
  async (t) => {
    const platform = await startProtocol(t, { clients: CLIENTS });
    const citizenId = await platform.citizen('intermediate');
    const jar = platform.jar();
    const strict = relyingParty(platform, 'strict');
    const tokens = await strict.signIn(jar, { claims: essential('basic') }, [logIn(citizenId)]);
    const said = { acr: acr('basic'), achieved_acr: acr('intermediate') };
    t.like(claimsOf(tokens), said);
    t.like(await strict.introspect(tokens.access_token), { active: true, ...said });
    t.like((await strict.userinfo(tokens.access_token)).claims, said);
    const refreshed = await strict.refresh(tokens.refresh_token!);
    t.like(claimsOf(refreshed), said);
    t.like(claimsOf(await strict.refresh(tokens.refresh_token!)), said, 'and once more');
    const forApi = await relyingParty(platform, 'city-a').signIn(jar, {
      claims: essential('basic'),
      resource: API,
      scope: 'openid pension:read',
    });
    t.like(await relyingParty(platform, 'hrss').introspect(forApi.access_token), { active: true, ...said });
    await end(platform, citizenId, 'face');
    t.is((await strict.refresh(tokens.refresh_token!)).error, 'invalid_grant');
    t.deepEqual(await strict.introspect(tokens.access_token), { active: false });
    t.deepEqual(await relyingParty(platform, 'hrss').introspect(forApi.access_token), { active: false });
  },
);

test.serial('a level that was lost for a while comes back at refresh, as far as it was issued', async (t) => {
  const platform = await startProtocol(t, { clients: CLIENTS });
  const citizenId = await platform.citizen('intermediate');
  const app = relyingParty(platform, 'app', true);
  let tokens = await app.signIn(platform.jar(), {}, [logIn(citizenId)]);
  t.is(claimsOf(tokens).acr, acr('intermediate'));
  await end(platform, citizenId, 'face');
  tokens = await app.refresh(tokens.refresh_token!);
  t.is(claimsOf(tokens).acr, acr('basic'));
  for (const method of ['bank_card', 'live_face'] as const) {
    await recordEvidence(platform.db, {
      citizenId,
      method,
      source: 'bank',
      transactionId: method,
      at: new Date(),
    });
  }
  tokens = await app.refresh(tokens.refresh_token!);
  t.is(claimsOf(tokens).acr, acr('intermediate'), 'rotation keeps what the code was issued with');
});

test.serial(
  'what a token says never rises by a step-up made after it was issued, wherever one looks',
  async (t) => {
    const platform = await startProtocol(t, { clients: CLIENTS });
    const citizenId = await platform.citizen('advanced');
    const claimSets = [{ id: 'identity' as const, claims: ['name', 'id_number'], separate: true }];
    await giveConsents(platform.db, { citizenId, clientId: 'city-a', claimSets, now: new Date() });
    const jar = platform.jar();
    const a = relyingParty(platform, 'city-a');
    const low = await a.signIn(jar, { scope: 'openid identity' }, [logIn(citizenId, 'basic')]);
    t.is(claimsOf(low).acr, acr('basic'));
    shiftProcessClock(2_000);
    const high = await a.signIn(jar, { claims: essential('advanced'), prompt: 'login' }, [
      logIn(citizenId),
      liveFace(citizenId),
    ]);
    t.is(claimsOf(high).acr, acr('advanced'));
    shiftProcessClock(4_000);
    const refreshed = await a.refresh(low.refresh_token!);
    const said = { acr: acr('basic'), achieved_acr: acr('basic') };
    t.like(claimsOf(refreshed), said);
    for (const { access_token: token } of [low, refreshed]) {
      t.like(await a.introspect(token), { active: true, ...said });
      const { claims } = await a.userinfo(token);
      t.like(claims, said);
      t.is(claims.id_number, undefined, 'identity needs an intermediate token, not only such a session');
    }
  },
);

test.serial(
  'an access token ends with the proof that decides its level, also one from a refresh',
  async (t) => {
    const platform = await startProtocol(t, { clients: CLIENTS });
    const citizenId = await platform.citizen('advanced');
    const jar = platform.jar();
    const a = relyingParty(platform, 'city-a');
    await a.signIn(jar, {}, [logIn(citizenId)]);
    const tokens = await a.signIn(jar, { acr_values: acr('advanced') }, [liveFace(citizenId)]);
    t.is(tokens.expires_in, 600);
    shiftProcessClock(27 * MINUTE);
    const refreshed = await a.refresh(tokens.refresh_token!);
    t.is(claimsOf(refreshed).acr, acr('advanced'));
    t.true(refreshed.expires_in <= 180 && refreshed.expires_in > 170, `${refreshed.expires_in}`);
    t.is(claimsOf(refreshed).auth_time, claimsOf(tokens).auth_time);
    shiftProcessClock(31 * MINUTE);
    t.deepEqual(await a.introspect(refreshed.access_token), { active: false });
    const later = await a.refresh(tokens.refresh_token!);
    t.is(claimsOf(later).acr, acr('intermediate'), 'a preference only: it decays instead of ending');
    t.is(later.expires_in, 600);
  },
);

test.serial('an access token ends with the evidence that decides its level', async (t) => {
  const platform = await startProtocol(t, { clients: CLIENTS });
  const citizenId = await platform.citizen('basic');
  await recordEvidence(platform.db, {
    citizenId,
    method: 'face',
    source: 'face',
    transactionId: 'short',
    at: new Date(),
    expiresAt: new Date(Date.now() + 2 * MINUTE),
  });
  const a = relyingParty(platform, 'city-a');
  const tokens = await a.signIn(platform.jar(), {}, [logIn(citizenId)]);
  t.is(claimsOf(tokens).acr, acr('intermediate'));
  t.true(tokens.expires_in <= 120, `${tokens.expires_in}`);
  shiftProcessClock(3 * MINUTE);
  t.is(claimsOf(await a.refresh(tokens.refresh_token!)).acr, acr('basic'));
});

test.serial(
  'introspection falls with evidence that ends, and with a lock, for access and refresh tokens',
  async (t) => {
    const platform = await startProtocol(t, { clients: CLIENTS });
    const citizenId = await platform.citizen('intermediate');
    const a = relyingParty(platform, 'city-a');
    const tokens = await a.signIn(platform.jar(), {}, [logIn(citizenId)]);
    t.like(await a.introspect(tokens.access_token), { active: true, acr: acr('intermediate') });
    await end(platform, citizenId, 'face');
    t.like(await a.introspect(tokens.access_token), {
      active: true,
      acr: acr('basic'),
      achieved_acr: acr('basic'),
    });
    await end(platform, citizenId, 'carrier');
    t.deepEqual(await a.introspect(tokens.access_token), { active: false });
    t.like(await a.introspect(tokens.refresh_token!), { active: true });
    await platform.db.query(`update accounts set state = 'locked' where citizen_id = $1`, [citizenId]);
    t.deepEqual(await a.introspect(tokens.refresh_token!), { active: false });
  },
);

test.serial('refreshing below a floor is refused, and works again when the level is back', async (t) => {
  const platform = await startProtocol(t, { clients: CLIENTS });
  const citizenId = await platform.citizen('intermediate');
  const strict = relyingParty(platform, 'strict');
  const tokens = await strict.signIn(platform.jar(), {}, [logIn(citizenId)]);
  await end(platform, citizenId, 'face');
  const refused = await strict.refresh(tokens.refresh_token!);
  t.is(refused.error, 'invalid_grant');
  t.false('access_token' in refused);
  await recordEvidence(platform.db, {
    citizenId,
    method: 'bank_card',
    source: 'bank',
    transactionId: 'b',
    at: new Date(),
  });
  t.is(claimsOf(await strict.refresh(tokens.refresh_token!)).acr, acr('intermediate'));
});

test.serial('a refresh token dies with its session', async (t) => {
  const platform = await startProtocol(t, { clients: CLIENTS });
  const jar = platform.jar();
  const a = relyingParty(platform, 'city-a');
  const tokens = await a.signIn(jar, {}, [logIn(await platform.citizen('basic'))]);
  await platform.logOut(jar);
  t.is((await a.refresh(tokens.refresh_token!)).error, 'invalid_grant');
  t.deepEqual(await a.introspect(tokens.access_token), { active: false });
  t.is((await a.userinfo(tokens.access_token)).status, 401);
});

const OPEN_API = 'https://open.example/api';
const JWT_API = 'https://open.example/jwt';

const mixed = JSON.stringify({
  id_token: { acr: { essential: true, values: [acr('basic'), acr('advanced')] } },
  userinfo: { acr: { essential: true, value: acr('advanced') } },
});

type Params = Record<string, string>;

/** Empty: the parameter is not sent. */
const CHOICES: Params[][] = [
  [{}, { acr_values: `${acr('advanced')} ${acr('intermediate')}` }],
  [{}, { claims: essential('advanced') }, { claims: mixed }],
  [
    {},
    { max_age: '0' },
    { prompt: 'none' },
    { prompt: 'login' },
    { prompt: 'create' },
    { prompt: 'consent' },
  ],
  [{}, { resource: OPEN_API, scope: 'openid api:read' }, { resource: JWT_API, scope: 'openid jwt:read' }],
];

const combinations = CHOICES.reduce<Params[]>(
  (all, choices) => all.flatMap((one) => choices.map((choice) => ({ ...one, ...choice }))),
  [{}],
);

test('a basic session obtains basic tokens and never more, whatever it sends and answers', async (t) => {
  const platform = await startProtocol(t, {
    clients: [
      portal('city-a', {
        resources: [
          { identifier: OPEN_API, scope: 'api:read' },
          { identifier: JWT_API, scope: 'jwt:read', access_token_format: 'jwt' },
        ],
      }),
    ],
  });
  // The account could be advanced; the session is not, because its credentials were enrolled at basic.
  const citizenId = await platform.citizen('advanced');
  const jar = platform.jar();
  const party = relyingParty(platform, 'city-a');
  const { id_token: hint } = await party.signIn(jar, {}, [logIn(citizenId, 'basic')]);
  /** What somebody does who can log in at basic and nothing more. */
  const answer = ({ prompt, optional }: Details): Answer => {
    if (prompt === 'login') return logIn(citizenId, 'basic');
    if (prompt === 'consent') return { act: 'consent', allowed: [] };
    return optional ? { act: 'continue_without' } : { act: 'decline' };
  };

  for (const [at, params] of combinations.entries()) {
    // Each way to send a request meets each value of each parameter; all with all would prove no more.
    const [pushed, hinted] = [at % 2 === 1, at % 4 >= 2];
    const what = JSON.stringify({ ...params, pushed, hinted });
    const sent = { ...params, ...(hinted && { id_token_hint: hint }) };
    const outcome = await party.authorize(jar, sent, answer, pushed);
    if (params.claims === essential('advanced')) {
      t.is(outcome.params?.get('error'), 'unmet_authentication_requirements', what);
      t.false(outcome.params?.has('code'), what);
      continue;
    }
    t.true(outcome.params?.has('code'), `${what}: ${outcome.params}`);
    const tokens = await party.exchange(outcome);
    const said = [claimsOf(tokens)];
    if (params.resource === JWT_API) said.push(decodeJwt(tokens.access_token));
    else said.push((await party.introspect(tokens.access_token)) as (typeof said)[0]);
    if (params.resource === undefined)
      said.push((await party.userinfo(tokens.access_token)).claims as (typeof said)[0]);
    said.push(claimsOf(await party.refresh(tokens.refresh_token ?? '')));
    for (const { acr: reported, achieved_acr: achieved } of said) {
      t.deepEqual([reported, achieved], [acr('basic'), acr('basic')], what);
    }
  }
});
