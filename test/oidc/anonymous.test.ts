import test from 'ava';
import { startProtocol } from '../support/protocol.ts';
import { claimsOf, logIn, portal, relyingParty } from '../support/relying-party.ts';

const ANONYMOUS = { acr_values: 'urn:ymt:acr:anonymous' };
const CLIENTS = [portal('city-a', { allow_anonymous: true }), portal('city-b')];

test('a visitor gets an anonymous token without any page, without a session and without a refresh token', async (t) => {
  const platform = await startProtocol(t, { clients: CLIENTS });
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
  const platform = await startProtocol(t, { clients: CLIENTS });
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
    clients: [...CLIENTS, portal('rich', { allow_anonymous: true, claims_allowed: ['profile'] })],
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
  const platform = await startProtocol(t, { clients: CLIENTS });
  const silent = await relyingParty(platform, 'city-a').authorize(platform.jar(), {
    ...ANONYMOUS,
    prompt: 'none',
  });
  t.is(silent.params?.get('error'), 'login_required');
});
