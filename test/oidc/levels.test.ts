import test from 'ava';
import { shiftProcessClock } from '../../src/platform/clock.ts';
import { startProtocol } from '../support/protocol.ts';
import { claimsOf, essential, logIn, portal, relyingParty } from '../support/relying-party.ts';

const acr = (level: string) => `urn:ymt:acr:${level}`;
const CLIENTS = [
  portal('city-a'),
  portal('hrss', { min_acr: acr('basic') }),
  portal('strict', { min_acr: acr('intermediate') }),
];
const HOUR = 3_600_000;

test.afterEach.always(() => shiftProcessClock(0));

test.serial('an essential level is stepped up to inside the session, other portals untouched', async (t) => {
  const platform = await startProtocol(t, { clients: CLIENTS });
  const citizenId = await platform.citizen('advanced');
  const jar = platform.jar();
  const a = await relyingParty(platform, 'city-a').signIn(jar, {}, [logIn(citizenId)]);
  t.is(claimsOf(a).acr, acr('intermediate'));
  const hrss = relyingParty(platform, 'hrss');
  const stopped = await hrss.authorize(jar, { claims: essential('advanced') });
  t.like(stopped.interaction?.details, { prompt: 'step_up', target: 'advanced', optional: false });
  const tokens = await hrss.signIn(jar, { claims: essential('advanced') }, [
    { act: 'log_in', citizenId, proofs: [{ method: 'live_face' }] },
  ]);
  t.is(claimsOf(tokens).acr, acr('advanced'));
  t.deepEqual(claimsOf(tokens).amr, ['pwd', 'sms', 'face', 'mfa']);
  t.like(await relyingParty(platform, 'city-a').introspect(a.access_token), { active: true });
});

test.serial('a preference is satisfied by any listed level and never an error', async (t) => {
  const platform = await startProtocol(t, { clients: CLIENTS });
  const citizenId = await platform.citizen('basic');
  const jar = platform.jar();
  const a = relyingParty(platform, 'city-a');
  await a.signIn(jar, {}, [logIn(citizenId)]);
  const listed = claimsOf(
    await a.signIn(jar, { acr_values: `${acr('advanced')} ${acr('basic')} urn:other` }),
  );
  t.is(listed.acr, acr('basic'));
  const offered = await a.authorize(jar, { acr_values: acr('advanced') });
  t.like(offered.interaction?.details, { prompt: 'step_up', target: 'advanced', optional: true });
  const without = await a.signIn(jar, { acr_values: acr('advanced') }, [{ act: 'continue_without' }]);
  t.is(claimsOf(without).acr, acr('basic'));
  const silent = await a.signIn(jar, { acr_values: acr('advanced'), prompt: 'none' });
  t.is(claimsOf(silent).acr, acr('basic'));
  const unknown = await a.signIn(jar, { acr_values: 'urn:other 3' });
  t.is(claimsOf(unknown).acr, acr('basic'));
});

test.serial('a higher level answers a lower essential request with the value that was listed', async (t) => {
  const platform = await startProtocol(t, { clients: CLIENTS });
  const citizenId = await platform.citizen('intermediate');
  const a = relyingParty(platform, 'city-a');
  const claims = claimsOf(await a.signIn(platform.jar(), { claims: essential('basic') }, [logIn(citizenId)]));
  t.is(claims.acr, acr('basic'));
  t.is(claims.achieved_acr, acr('intermediate'));
});

test.serial(
  'auth_time and amr are those of the level that is reported, not of a higher one reached since',
  async (t) => {
    const platform = await startProtocol(t, { clients: CLIENTS });
    const citizenId = await platform.citizen('advanced');
    const jar = platform.jar();
    const a = relyingParty(platform, 'city-a');
    const login = claimsOf(await a.signIn(jar, {}, [logIn(citizenId)]));
    shiftProcessClock(600_000);
    const higher = claimsOf(
      await relyingParty(platform, 'hrss').signIn(jar, { claims: essential('advanced') }, [
        { act: 'log_in', citizenId, proofs: [{ method: 'live_face' }] },
      ]),
    );
    const lower = claimsOf(await a.signIn(jar, { claims: essential('intermediate') }));
    t.like(lower, { acr: acr('intermediate'), achieved_acr: acr('advanced'), auth_time: login.auth_time });
    t.deepEqual(lower.amr, login.amr);
    t.true(higher.auth_time! >= login.auth_time! + 600);
    t.true(higher.amr!.length > lower.amr!.length);
  },
);

test.serial('without a page, a floor that is not met is an error that says so', async (t) => {
  const platform = await startProtocol(t, { clients: CLIENTS });
  const citizenId = await platform.citizen('basic');
  const jar = platform.jar();
  const a = relyingParty(platform, 'city-a');
  const none = await a.authorize(jar, { prompt: 'none' });
  t.is(none.params?.get('error'), 'login_required');
  await a.signIn(jar, {}, [logIn(citizenId)]);
  for (const params of [{ claims: essential('advanced') }, { claims: essential('nonsense') }]) {
    const refused = await a.authorize(jar, { ...params, prompt: 'none' });
    t.is(refused.params?.get('error'), 'unmet_authentication_requirements');
  }
  const strict = await relyingParty(platform, 'strict').authorize(jar, { prompt: 'none' });
  t.is(strict.params?.get('error'), 'unmet_authentication_requirements');
});

test.serial(
  'refusing to step up takes the answer to the client, and an unknown essential level has a page',
  async (t) => {
    const platform = await startProtocol(t, { clients: CLIENTS });
    const citizenId = await platform.citizen('basic');
    const jar = platform.jar();
    const a = relyingParty(platform, 'city-a');
    const refused = await a.authorize(jar, { claims: essential('advanced') }, [
      logIn(citizenId),
      { act: 'decline' },
    ]);
    t.is(refused.params?.get('error'), 'unmet_authentication_requirements');
    t.is(refused.params?.get('state'), 'state');
    const unknown = await a.authorize(jar, { claims: essential('nonsense') });
    t.like(unknown.interaction?.details, { prompt: 'step_up', unmet: 'no_known_value' });
  },
);

test.serial('max_age asks again when the login is too old, and takes the new one', async (t) => {
  const platform = await startProtocol(t, { clients: CLIENTS });
  const citizenId = await platform.citizen('basic');
  const jar = platform.jar();
  const a = relyingParty(platform, 'city-a');
  const first = claimsOf(await a.signIn(jar, {}, [logIn(citizenId)]));
  t.is(claimsOf(await a.signIn(jar, { max_age: '300' })).auth_time, first.auth_time);
  shiftProcessClock(301_000);
  const asked = await a.authorize(jar, { max_age: '300' });
  t.truthy(asked.interaction);
  t.is((await a.authorize(jar, { max_age: '300', prompt: 'none' })).params?.get('error'), 'login_required');
  const again = claimsOf(await a.signIn(jar, { max_age: '300' }, [logIn(citizenId)]));
  t.true(again.auth_time! >= first.auth_time! + 301);
  const zero = claimsOf(await a.signIn(jar, { max_age: '0' }, [logIn(citizenId)]));
  t.true(zero.auth_time! >= again.auth_time!);
});

test.serial(
  'max_age is checked again after the interaction: old proofs do not pass for new ones',
  async (t) => {
    const platform = await startProtocol(t, { clients: CLIENTS });
    const citizenId = await platform.citizen('basic');
    const jar = platform.jar();
    const a = relyingParty(platform, 'city-a');
    await a.signIn(jar, {}, [logIn(citizenId)]);
    shiftProcessClock(600_000);
    const trick = await a.authorize(jar, { max_age: '60' }, [{ act: 'log_in', citizenId, proofs: [] }]);
    t.truthy(trick.interaction, 'asked again');
  },
);

test.serial('prompt=login wants a login made now, and gets it once', async (t) => {
  const platform = await startProtocol(t, { clients: CLIENTS });
  const citizenId = await platform.citizen('advanced');
  const jar = platform.jar();
  const a = relyingParty(platform, 'city-a');
  await a.signIn(jar, {}, [logIn(citizenId)]);
  shiftProcessClock(2_000);
  const trick = await a.authorize(jar, { prompt: 'login' }, [{ act: 'log_in', citizenId, proofs: [] }]);
  t.truthy(trick.interaction);
  const both = await a.signIn(jar, { prompt: 'login', claims: essential('advanced') }, [
    logIn(citizenId),
    { act: 'log_in', citizenId, proofs: [{ method: 'live_face' }] },
  ]);
  t.is(claimsOf(both).acr, acr('advanced'));
});

test.serial('an advanced token never outlives the live check, and advanced is asked for again', async (t) => {
  const platform = await startProtocol(t, { clients: CLIENTS });
  const citizenId = await platform.citizen('advanced');
  const jar = platform.jar();
  const a = relyingParty(platform, 'city-a');
  await a.signIn(jar, {}, [logIn(citizenId)]);
  await a.signIn(jar, { claims: essential('advanced') }, [
    { act: 'log_in', citizenId, proofs: [{ method: 'live_face' }] },
  ]);
  shiftProcessClock(25 * 60_000);
  const tokens = await a.signIn(jar, { claims: essential('advanced') });
  t.true(tokens.expires_in <= 300, `${tokens.expires_in}`);
  t.is((await a.introspect(tokens.access_token)).acr, acr('advanced'));
  shiftProcessClock(30 * 60_000 + 1_000);
  t.not((await a.introspect(tokens.access_token)).acr, acr('advanced'));
  const again = await a.authorize(jar, { claims: essential('advanced') });
  t.like(again.interaction?.details, { prompt: 'step_up', target: 'advanced' });
  const refreshed = await a.refresh(tokens.refresh_token!);
  t.is(refreshed.error, 'invalid_grant');
});

test.serial('a refresh lowers the level with the proofs and never raises it', async (t) => {
  const platform = await startProtocol(t, { clients: CLIENTS });
  const citizenId = await platform.citizen('advanced');
  const jar = platform.jar();
  const a = relyingParty(platform, 'city-a');
  const tokens = await a.signIn(jar, {}, [logIn(citizenId)]);
  t.is(claimsOf(tokens).acr, acr('intermediate'));
  await a.signIn(jar, { claims: essential('advanced') }, [
    { act: 'log_in', citizenId, proofs: [{ method: 'live_face' }] },
  ]);
  const refreshed = await a.refresh(tokens.refresh_token!);
  t.is(claimsOf(refreshed).acr, acr('intermediate'));
  t.is(claimsOf(refreshed).auth_time, claimsOf(tokens).auth_time);
  await platform.db.query(
    `insert into evidence_endings (citizen_id, evidence_id, ended_at, reason)
     select citizen_id, id, $1, 'test' from evidence where method in ('face', 'live_face')`,
    [new Date()],
  );
  t.is(claimsOf(await a.refresh(tokens.refresh_token!)).acr, acr('basic'));
  await platform.db.query(
    `insert into evidence_endings (citizen_id, evidence_id, ended_at, reason)
     select citizen_id, id, $1, 'test' from evidence where method = 'carrier'`,
    [new Date()],
  );
  t.is((await a.refresh(tokens.refresh_token!)).error, 'invalid_grant');
  t.false((await a.introspect(refreshed.access_token)).active);
});

test.serial('a credential bound at basic never carries a session further', async (t) => {
  const platform = await startProtocol(t, { clients: CLIENTS });
  const citizenId = await platform.citizen('advanced');
  const jar = platform.jar();
  const a = relyingParty(platform, 'city-a');
  t.is(claimsOf(await a.signIn(jar, {}, [logIn(citizenId, 'basic')])).acr, acr('basic'));
  const stuck = await a.authorize(jar, { claims: essential('intermediate') }, [
    { act: 'log_in', citizenId, proofs: [{ method: 'live_face' }] },
  ]);
  t.truthy(stuck.interaction);
});

test.serial('after twelve hours intermediate needs a new login', async (t) => {
  const platform = await startProtocol(t, { clients: CLIENTS });
  const citizenId = await platform.citizen('intermediate');
  const jar = platform.jar();
  const a = relyingParty(platform, 'city-a');
  t.is(claimsOf(await a.signIn(jar, {}, [logIn(citizenId)])).acr, acr('intermediate'));
  shiftProcessClock(6 * HOUR);
  t.is(claimsOf(await a.signIn(jar)).acr, acr('intermediate'));
  shiftProcessClock(12 * HOUR + 1_000);
  t.is(claimsOf(await a.signIn(jar)).acr, acr('basic'));
  const asked = await a.authorize(jar, { claims: essential('intermediate') });
  t.truthy(asked.interaction);
});

const ANONYMOUS = { acr_values: 'urn:ymt:acr:anonymous' };
const OPEN_TO_VISITORS = [portal('city-a', { allow_anonymous: true }), portal('city-b')];

test('a visitor gets an anonymous token without any page, without a session and without a refresh token', async (t) => {
  const platform = await startProtocol(t, { clients: OPEN_TO_VISITORS });
  const audited = () => platform.db.query('select id from audit_events');
  const before = await audited();
  const jar = platform.jar();
  const a = relyingParty(platform, 'city-a');
  const tokens = await a.signIn(jar, ANONYMOUS);
  t.is(claimsOf(tokens).acr, 'urn:ymt:acr:anonymous');
  t.is(tokens.refresh_token, undefined);
  t.is(tokens.expires_in, 1800);
  t.is(tokens.scope, 'openid');
  t.like(await a.introspect(tokens.access_token), { active: true, acr: 'urn:ymt:acr:anonymous' });
  t.is((await a.userinfo(tokens.access_token)).status, 200);
  t.false(jar.cookies.has('ymt_session'));
  t.deepEqual(await platform.db.query('select 1 from sessions'), []);
  t.deepEqual(await audited(), before);
});

test('a visitor is nobody for every other request, and logs in without changing accounts', async (t) => {
  const platform = await startProtocol(t, { clients: OPEN_TO_VISITORS });
  const citizenId = await platform.citizen('basic');
  const jar = platform.jar();
  const a = relyingParty(platform, 'city-a');
  const visitor = claimsOf(await a.signIn(jar, ANONYMOUS));
  const b = relyingParty(platform, 'city-b');
  t.like((await b.authorize(jar)).interaction?.details, { prompt: 'login' });
  t.is((await b.authorize(jar, { prompt: 'none' })).params?.get('error'), 'login_required');
  const real = claimsOf(await a.signIn(jar, {}, [logIn(citizenId)]));
  t.is(real.acr, 'urn:ymt:acr:basic');
  t.not(real.sub, visitor.sub);
  const again = claimsOf(await a.signIn(jar, ANONYMOUS));
  t.is(again.sub, real.sub, 'a real session answers with the real citizen');
  t.is(again.acr, 'urn:ymt:acr:basic');
});

test('a client that may not have visitors, or asks for more than openid, sends them to log in', async (t) => {
  const platform = await startProtocol(t, {
    clients: [...OPEN_TO_VISITORS, portal('rich', { allow_anonymous: true, claims_allowed: ['profile'] })],
  });
  const jar = platform.jar();
  t.truthy((await relyingParty(platform, 'city-b').authorize(jar, ANONYMOUS)).interaction);
  t.truthy(
    (await relyingParty(platform, 'rich').authorize(jar, { ...ANONYMOUS, scope: 'openid profile' }))
      .interaction,
  );
  const both = { acr_values: 'urn:ymt:acr:anonymous urn:ymt:acr:basic' };
  t.truthy((await relyingParty(platform, 'city-a').authorize(jar, both)).interaction);
});

test('an anonymous request under prompt=none answers login_required', async (t) => {
  const platform = await startProtocol(t, { clients: OPEN_TO_VISITORS });
  const silent = await relyingParty(platform, 'city-a').authorize(platform.jar(), {
    ...ANONYMOUS,
    prompt: 'none',
  });
  t.is(silent.params?.get('error'), 'login_required');
});
