import test from 'ava';
import { startProtocol } from '../support/protocol.ts';
import { logIn, portal, relyingParty, type Tokens } from '../support/relying-party.ts';

const PORTALS = ['p1', 'p2', 'p3', 'p4', 'p5'];
const won = (all: Tokens[]) => all.filter(({ access_token: token }) => token !== undefined);

test('of twenty that redeem one code at once, one gets tokens', async (t) => {
  const platform = await startProtocol(t, { clients: PORTALS.map((id) => portal(id)) });
  const party = relyingParty(platform, 'p1');
  const outcome = await party.authorize(platform.jar(), {}, [logIn(await platform.citizen('basic'))]);
  const all = await Promise.all(Array.from({ length: 20 }, () => party.exchange(outcome)));
  t.is(won(all).length, 1);
  t.true(all.every(({ error }) => error === undefined || error === 'invalid_grant'));
  t.deepEqual(platform.errors, []);
});

test('of twenty that rotate one refresh token of a public client at once, one gets tokens', async (t) => {
  const platform = await startProtocol(t, {
    clients: [portal('app', { token_endpoint_auth_method: 'none', client_secret: undefined })],
  });
  const party = relyingParty(platform, 'app', true);
  const jar = platform.jar();
  const tokens = await party.exchange(
    await party.authorize(jar, {}, [logIn(await platform.citizen('basic'))]),
  );
  const all = await Promise.all(Array.from({ length: 20 }, () => party.refresh(tokens.refresh_token!)));
  t.is(won(all).length, 1);
  const next = won(all)[0]!;
  t.truthy((await party.refresh(next.refresh_token!)).access_token, 'the family lives');
});

test('of twenty browsers that bring one request_uri at once, one is answered', async (t) => {
  const platform = await startProtocol(t, { clients: PORTALS.map((id) => portal(id)) });
  const party = relyingParty(platform, 'p1');
  const jar = platform.jar();
  await party.signIn(jar, {}, [logIn(await platform.citizen('basic'))]);
  const par = await fetch(`${platform.issuer}/oauth/par`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from('p1:a-client-secret-of-at-least-32-characters').toString('base64')}`,
    },
    body: new URLSearchParams({
      client_id: 'p1',
      redirect_uri: 'http://p1.localhost:4000/callback',
      response_type: 'code',
      scope: 'openid',
      code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
      code_challenge_method: 'S256',
    }),
  });
  const { request_uri: requestUri } = (await par.json()) as { request_uri: string };
  const query = new URLSearchParams({ client_id: 'p1', request_uri: requestUri });
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => jar.copy().get(`/oauth/authorize?${query}`)),
  );
  t.is(answers.filter(({ location }) => location?.includes('code=')).length, 1);
});

test('five portals signing in at once are all told at logout, and all their tokens live until then', async (t) => {
  const platform = await startProtocol(t, { clients: PORTALS.map((id) => portal(id)) });
  const citizenId = await platform.citizen('basic');
  const jar = platform.jar();
  await relyingParty(platform, 'p1').signIn(jar, {}, [logIn(citizenId)]);
  const tokens = await Promise.all(
    PORTALS.flatMap((id) => [id, id]).map(async (id) => ({
      id,
      token: await relyingParty(platform, id).signIn(jar.copy()),
    })),
  );
  for (const { id, token } of tokens) {
    t.like(await relyingParty(platform, id).introspect(token.access_token), { active: true });
  }
  await platform.logOut(jar);
  t.deepEqual([...new Set(platform.notices.map(({ clientId }) => clientId))].sort(), PORTALS);
  for (const { id, token } of tokens) {
    t.like(await relyingParty(platform, id).introspect(token.access_token), { active: false });
  }
});

test('requests in flight during a logout do not bring the session back', async (t) => {
  const platform = await startProtocol(t, { clients: PORTALS.map((id) => portal(id)) });
  const jar = platform.jar();
  await relyingParty(platform, 'p1').signIn(jar, {}, [logIn(await platform.citizen('basic'))]);
  const stolen = jar.copy();
  const flights = PORTALS.map((id) => relyingParty(platform, id).authorize(jar.copy()));
  const [loggedOut, ...arrived] = await Promise.all([platform.logOut(jar.copy()), ...flights]);
  t.is(loggedOut.status, 303);
  for (const [at, outcome] of arrived.entries()) {
    if (!outcome.params?.has('code')) continue;
    const answer = await relyingParty(platform, PORTALS[at]!).exchange(outcome);
    t.is(answer.error, 'invalid_grant', 'a code of the session that ended is worth nothing');
    t.false('access_token' in answer);
  }
  t.deepEqual(await platform.db.query('select 1 from sessions where ended_at is null'), []);
  const silent = await relyingParty(platform, 'p2').authorize(stolen, { prompt: 'none' });
  t.is(silent.params?.get('error'), 'login_required');
});

test('requests in flight during a step-up neither lose it nor lose the session', async (t) => {
  const platform = await startProtocol(t, { clients: PORTALS.map((id) => portal(id)) });
  const citizenId = await platform.citizen('advanced');
  const jar = platform.jar();
  const one = relyingParty(platform, 'p1');
  await one.signIn(jar, {}, [logIn(citizenId)]);
  const old = jar.copy();
  const claims = '{"id_token":{"acr":{"essential":true,"value":"urn:ymt:acr:advanced"}}}';
  await Promise.all([
    one.signIn(jar, { claims }, [{ act: 'log_in', citizenId, proofs: [{ method: 'live_face' }] }]),
    ...PORTALS.map((id) => relyingParty(platform, id).authorize(old.copy())),
  ]);
  t.truthy((await one.authorize(jar, { claims, prompt: 'none' })).params?.get('code'));
  t.truthy((await relyingParty(platform, 'p3').authorize(old, { prompt: 'none' })).params?.get('code'));
});
