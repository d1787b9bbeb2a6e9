import { createHash } from 'node:crypto';
import test from 'ava';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { shiftProcessClock } from '../../src/platform/clock.ts';
import { audited } from '../support/audited.ts';
import { startProtocol } from '../support/protocol.ts';
import {
  essential,
  liveFace,
  logIn,
  portal,
  relyingParty,
  SECRET,
  type Tokens,
} from '../support/relying-party.ts';

const API = 'https://pension.example/api';
const PORTALS = ['p1', 'p2', 'p3', 'p4', 'p5'];
const P1 = { authorization: `Basic ${Buffer.from(`p1:${SECRET}`).toString('base64')}` };
const won = (all: Tokens[]) => all.filter(({ access_token: token }) => token !== undefined);

test.afterEach.always(() => shiftProcessClock(0));

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

test('of twenty browsers that bring one request_uri at once, one is answered, and who comes later is led back to the portal', async (t) => {
  const platform = await startProtocol(t, {
    clients: [portal('p1', { client_uri: 'http://p1.localhost:4000/' })],
  });
  const party = relyingParty(platform, 'p1');
  const jar = platform.jar();
  await party.signIn(jar, {}, [logIn(await platform.citizen('basic'))]);
  const par = await fetch(`${platform.issuer}/oauth/par`, {
    method: 'POST',
    headers: P1,
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
  for (const old of [requestUri, `${requestUri}x`]) {
    query.set('request_uri', old);
    const { status, text } = await jar.get(`/oauth/authorize?${query}`);
    t.is(status, 400);
    t.regex(text, /<meta name="ymt-error" content="login_request_used">/);
    t.regex(text, /href="http:\/\/p1\.localhost:4000\/">[^<]*p1/);
  }
});

test('a DPoP proof works once however many arrive at once, and only for its address, method and token', async (t) => {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  const jwk = await exportJWK(publicKey);
  const platform = await startProtocol(t, { clients: [portal('p1')] });
  const party = relyingParty(platform, 'p1');
  const userinfo = `${platform.issuer}/oauth/userinfo`;
  let serial = 0;
  const proof = (over: object) => {
    serial += 1;
    const claims = { jti: `${serial}`, iat: Math.floor(Date.now() / 1000), ...over };
    return new SignJWT(claims).setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk }).sign(privateKey);
  };
  const outcome = await party.authorize(platform.jar(), {}, [logIn(await platform.citizen('basic'))]);
  const code = outcome.params?.get('code') ?? '';
  const exchanged = await fetch(`${platform.issuer}/oauth/token`, {
    method: 'POST',
    headers: { ...P1, dpop: await proof({ htm: 'POST', htu: `${platform.issuer}/oauth/token` }) },
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      code,
      redirect_uri: 'http://p1.localhost:4000/callback',
      code_verifier: outcome.verifier,
    }),
  });
  const tokens = (await exchanged.json()) as { access_token: string; token_type: string };
  t.is(tokens.token_type, 'DPoP');
  const looked = await party.introspect(tokens.access_token);
  t.deepEqual(looked.cnf, { jkt: await calculateJwkThumbprint(jwk) });
  const ath = createHash('sha256').update(tokens.access_token).digest('base64url');
  const use = async (dpop: string) =>
    fetch(userinfo, { headers: { authorization: `DPoP ${tokens.access_token}`, dpop } });
  const good = { htm: 'GET', htu: userinfo, ath };
  const once = await proof(good);
  const answers = await Promise.all(Array.from({ length: 20 }, () => use(once)));
  t.is(answers.filter(({ status }) => status === 200).length, 1);
  t.true(answers.every(({ status }) => status === 200 || status === 401));
  for (const wrong of [{ ath: 'another' }, { htm: 'POST' }, { htu: `${platform.issuer}/oauth/token` }]) {
    t.true(
      [400, 401].includes((await use(await proof({ ...good, ...wrong }))).status),
      JSON.stringify(wrong),
    );
  }
  const old = await use(await proof({ ...good, iat: Math.floor(Date.now() / 1000) - 3600 }));
  t.is(old.status, 401);
  t.regex(old.headers.get('www-authenticate') ?? '', /use_dpop_nonce/, 'a wrong clock is helped by a nonce');
  const nonce = old.headers.get('dpop-nonce') ?? '';
  t.is((await use(await proof({ ...good, iat: Math.floor(Date.now() / 1000) - 3600, nonce }))).status, 200);
  t.is((await use(await proof({ ...good, nonce: 'invented' }))).status, 401);
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

test.serial(
  'the log tells of each login, step-up, grant that gives more, replay and its end, with the level and without any secret',
  async (t) => {
    const platform = await startProtocol(t, {
      clients: [
        portal('city-a'),
        portal('open', { allow_anonymous: true }),
        portal('app', { token_endpoint_auth_method: 'none', client_secret: undefined }),
        portal('hrss', { resources: [{ identifier: API, scope: 'pension:read' }] }),
      ],
    });
    const citizenId = await platform.citizen('advanced');
    const jar = platform.jar();
    const [a, app] = [relyingParty(platform, 'city-a'), relyingParty(platform, 'app', true)];
    await relyingParty(platform, 'open').signIn(platform.jar(), { acr_values: 'urn:ymt:acr:anonymous' });
    const outcome = await a.authorize(jar, {}, [logIn(citizenId)]);
    await a.exchange(outcome);
    await a.signIn(jar);
    await a.signIn(jar, { claims: essential('advanced') }, [liveFace(citizenId)]);
    await a.signIn(jar, { resource: API, scope: 'openid pension:read' });
    await a.signIn(jar, { resource: API, scope: 'openid pension:read' });
    await a.exchange(outcome);
    const { refresh_token: used = '' } = await app.signIn(jar);
    await app.refresh(used);
    shiftProcessClock(11_000);
    await app.refresh(used);
    const rows = await platform.db.query<{
      type: string;
      client_id: string;
      detail: object;
      citizen_id: string;
    }>(
      `select type, client_id, detail, citizen_id from audit_events
      where type ~ '^(login|step_up|grant|token)' order by at, id`,
    );
    t.deepEqual(
      rows.map(({ type, client_id, detail }) => [type, client_id, detail]),
      [
        ['login.succeeded', 'city-a', { level: 'intermediate' }],
        ['grant.issued', 'city-a', { consent: 'implied' }],
        ['step_up.satisfied', 'city-a', { level: 'advanced' }],
        ['grant.issued', 'city-a', { consent: 'implied', widened: true }],
        ['token.replayed', 'city-a', { kind: 'authorization_code' }],
        ['grant.revoked', 'city-a', { reason: 'replay' }],
        ['grant.issued', 'app', { consent: 'implied' }],
        ['token.replayed', 'app', { kind: 'refresh_token' }],
        ['grant.revoked', 'app', { reason: 'replay' }],
      ],
    );
    t.true(rows.every(({ citizen_id }) => citizen_id === citizenId));
  },
);

test('a step-up that was given up is written once', async (t) => {
  const platform = await startProtocol(t, { clients: [portal('city-a')] });
  const citizenId = await platform.citizen('basic');
  const jar = platform.jar();
  const party = relyingParty(platform, 'city-a');
  await party.signIn(jar, {}, [logIn(citizenId)]);
  const { interaction } = await party.authorize(jar, { claims: essential('advanced') });
  const decline = () => jar.post(interaction!.path, { act: 'decline' });
  const [first] = [await decline(), await decline()];
  const back = await jar.get(first.location!);
  t.is(new URL(back.location!).searchParams.get('error'), 'unmet_authentication_requirements');
  t.deepEqual(await audited(platform.db, ['step_up.unmet'], citizenId), [
    ['step_up.unmet', { level: 'advanced' }],
  ]);
});
