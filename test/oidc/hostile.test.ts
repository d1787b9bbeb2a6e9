import { createHash } from 'node:crypto';
import test from 'ava';
import { startProtocol, type TestProtocol } from '../support/protocol.ts';
import { logIn, type Outcome, portal, relyingParty, SECRET } from '../support/relying-party.ts';
import { sharedWorld } from '../support/shared-world.ts';

const APP = { token_endpoint_auth_method: 'none', client_secret: undefined };
const NATIVE = 'cn.example.citya:/back';
const CLIENTS = [
  portal('city-a'),
  portal('city-b'),
  portal('loose', { require_pkce: false }),
  portal('app', { ...APP, require_pkce: false }),
  portal('phone', {
    ...APP,
    application_type: 'native',
    redirect_uris: [NATIVE],
    post_logout_redirect_uris: [NATIVE],
  }),
];
const basic = (id: string) => ({
  authorization: `Basic ${Buffer.from(`${id}:${SECRET}`).toString('base64')}`,
});

const token = async (
  platform: TestProtocol,
  headers: Record<string, string>,
  body: Record<string, string>,
) => {
  const answer = await fetch(`${platform.issuer}/oauth/token`, {
    method: 'POST',
    headers,
    body: new URLSearchParams(body),
  });
  return (await answer.json()) as { access_token?: string; error?: string };
};

const shared = sharedWorld((t) => startProtocol(t, { clients: CLIENTS }));

test('a stolen code is worth nothing to another client, with another address, or without the verifier', async (t) => {
  const platform = shared();
  const party = relyingParty(platform, 'city-a');
  const outcome = await party.authorize(platform.jar(), {}, [logIn(await platform.citizen('basic'))]);
  const good = {
    grant_type: 'authorization_code',
    code: outcome.params?.get('code') ?? '',
    redirect_uri: 'http://city-a.localhost:4000/callback',
    code_verifier: outcome.verifier,
  };
  const without = ({ code_verifier: _, ...rest }: typeof good) => rest;
  t.is((await token(platform, basic('city-b'), good)).error, 'invalid_grant');
  t.is(
    (
      await token(platform, basic('city-a'), {
        ...good,
        redirect_uri: 'http://city-b.localhost:4000/callback',
      })
    ).error,
    'invalid_grant',
  );
  t.is(
    (await token(platform, basic('city-a'), { ...good, code_verifier: 'x'.repeat(43) })).error,
    'invalid_grant',
  );
  t.is((await token(platform, basic('city-a'), without(good))).error, 'invalid_grant');
  t.is((await token(platform, {}, { ...good, client_id: 'app' })).error, 'invalid_grant');
  t.truthy((await token(platform, basic('city-a'), good)).access_token, 'none of which used it up');
});

test('a refresh token is worth nothing to another client', async (t) => {
  const platform = shared();
  const jar = platform.jar();
  const { refresh_token: stolen = '' } = await relyingParty(platform, 'city-a').signIn(jar, {}, [
    logIn(await platform.citizen('basic')),
  ]);
  t.is((await relyingParty(platform, 'city-b').refresh(stolen)).error, 'invalid_grant');
  t.is((await relyingParty(platform, 'app', true).refresh(stolen)).error, 'invalid_grant');
  t.truthy((await relyingParty(platform, 'city-a').refresh(stolen)).access_token);
});

test('PKCE is required unless the registration says otherwise, of public clients always, and S256 only', async (t) => {
  const platform = shared();
  const jar = platform.jar();
  await relyingParty(platform, 'city-a').signIn(jar, {}, [logIn(await platform.citizen('basic'))]);
  const ask = async (id: string, extra: Record<string, string> = {}) => {
    const query = {
      client_id: id,
      redirect_uri: `http://${id}.localhost:4000/callback`,
      response_type: 'code',
      scope: 'openid',
    };
    const answer = await jar.get(`/oauth/authorize?${new URLSearchParams({ ...query, ...extra })}`);
    return new URL(answer.location ?? 'about:blank').searchParams;
  };
  t.is((await ask('city-a')).get('error'), 'invalid_request');
  t.is((await ask('app')).get('error'), 'invalid_request', 'whatever a public client registers');
  t.truthy((await ask('loose')).get('code'));
  const plain = { code_challenge: 'x'.repeat(43), code_challenge_method: 'plain' };
  t.is((await ask('loose', plain)).get('error'), 'invalid_request');
});

test('every answer names its issuer, so that an answer of another one is not mistaken for ours', async (t) => {
  const platform = shared();
  const jar = platform.jar();
  const party = relyingParty(platform, 'city-a');
  const refused = await party.authorize(jar, { prompt: 'none' });
  t.is(refused.params?.get('error'), 'login_required');
  t.is(refused.params?.get('iss'), platform.issuer);
  const done = await party.authorize(jar, {}, [logIn(await platform.citizen('basic'))]);
  t.is(done.params?.get('iss'), platform.issuer);
});

test('the browser is sent only to registered addresses, compared letter by letter', async (t) => {
  const platform = shared();
  const jar = platform.jar();
  const party = relyingParty(platform, 'city-a');
  await party.signIn(jar, {}, [logIn(await platform.citizen('basic'))]);
  const wrong = [
    'http://evil.example/',
    'http://city-a.localhost:4000/callback/',
    'http://city-a.localhost:4000/callback?x=1',
    'http://city-a.localhost:4001/callback',
    'https://city-a.localhost:4000/callback',
    'http://city-a.localhost:4000/callback@evil.example',
    'http://city-b.localhost:4000/callback',
    'javascript:alert(1)',
    '//evil.example',
  ];
  for (const redirect_uri of wrong) {
    const { params, stopped } = await party.authorize(jar, { redirect_uri });
    t.is(params, undefined, redirect_uri);
    t.is(stopped?.status, 400, redirect_uri);
    t.notRegex(stopped?.text ?? '', /(href|action)="[^"]*(evil|javascript:)/, 'nor does the page lead there');
  }
  for (const post_logout_redirect_uri of [...wrong, 'http://city-b.localhost:4000/']) {
    const page = await jar.get(
      `/oauth/logout?${new URLSearchParams({ client_id: 'city-a', post_logout_redirect_uri })}`,
    );
    t.is(page.status, 400, post_logout_redirect_uri);
  }
  const anybody = await platform.logOut(jar, { post_logout_redirect_uri: 'http://evil.example/' });
  t.true(anybody.location?.startsWith(platform.issuer), 'without a client there is nowhere to go');
});

test('nobody is logged out without a click on our own page', async (t) => {
  const platform = await startProtocol(t, { clients: CLIENTS });
  const jar = platform.jar();
  const party = relyingParty(platform, 'city-a');
  const tokens = await party.signIn(jar, {}, [logIn(await platform.citizen('basic'))]);
  const page = await jar.get(`/oauth/logout?${new URLSearchParams({ id_token_hint: tokens.id_token })}`);
  t.is(page.status, 200);
  const xsrf = /name="xsrf" value="([^"]*)"/.exec(page.text)?.[1] ?? '';
  const confirm = (body: Record<string, string>, headers: Record<string, string>) =>
    jar.post('/oauth/logout/confirm', new URLSearchParams(body), headers);
  const own = { origin: platform.issuer, 'sec-fetch-site': 'same-origin' };
  t.is((await confirm({ xsrf: 'x'.repeat(48), logout: 'yes' }, own)).status, 400);
  t.is((await confirm({ logout: 'yes' }, own)).status, 400);
  await jar.get(`/oauth/logout?${new URLSearchParams({ client_id: 'city-b', state: 's' })}`);
  const outdated = await confirm({ xsrf, logout: 'yes' }, own);
  t.regex(outdated.text, /ymt-error" content="logout_unconfirmed"/, 'another window asked meanwhile');
  t.regex(
    outdated.text,
    /href="\/oauth\/logout\?client_id=city-b&amp;state=s"/,
    'and the way on is to ask again',
  );
  const foreign = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' };
  t.is((await confirm({ xsrf, logout: 'yes' }, foreign)).status, 403);
  t.like(await party.introspect(tokens.access_token), { active: true });
  t.deepEqual(platform.notices, []);
});

test('an interaction can be neither answered from another site nor finished in another browser', async (t) => {
  const platform = shared();
  const citizenId = await platform.citizen('basic');
  const [victim, attacker] = [platform.jar(), platform.jar()];
  const party = relyingParty(platform, 'city-a');
  const { interaction } = await party.authorize(attacker);
  const path = interaction?.path ?? '';
  const login = logIn(citizenId);
  t.is((await attacker.post(path, login, { 'sec-fetch-site': 'cross-site' })).status, 403);
  t.is((await attacker.post(path, login, { origin: 'https://evil.example' })).status, 403);
  t.is((await victim.get(path)).status, 400, 'only the browser that began may see it');
  t.is((await victim.post(path, login)).status, 400);
  // The attacker logs in and lets the victim finish: the victim must not end up in the attacker's session.
  const finished = await attacker.post(path, login);
  const resumed = await victim.get(finished.location ?? '');
  t.is(resumed.status, 400);
  t.false(victim.cookies.has('ymt_session'));
  t.is(
    (await relyingParty(platform, 'city-b').authorize(victim, { prompt: 'none' })).params?.get('error'),
    'login_required',
  );
});

test('a pushed request is good for the client that pushed it only', async (t) => {
  const platform = shared();
  const jar = platform.jar();
  await relyingParty(platform, 'city-a').signIn(jar, {}, [logIn(await platform.citizen('basic'))]);
  const par = await fetch(`${platform.issuer}/oauth/par`, {
    method: 'POST',
    headers: basic('city-a'),
    body: new URLSearchParams({
      client_id: 'city-a',
      redirect_uri: 'http://city-a.localhost:4000/callback',
      response_type: 'code',
      scope: 'openid',
      code_challenge: createHash('sha256').update('v').digest('base64url'),
      code_challenge_method: 'S256',
    }),
  });
  const { request_uri: requestUri } = (await par.json()) as { request_uri: string };
  const ask = (id: string, uri: string) =>
    jar.get(`/oauth/authorize?${new URLSearchParams({ client_id: id, request_uri: uri })}`);
  t.is((await ask('city-b', requestUri)).location, undefined);
  t.is((await ask('city-a', `${requestUri}x`)).location, undefined);
  t.is((await ask('city-a', 'http://127.0.0.1:1/request')).location, undefined, 'nor is any address fetched');
  t.regex((await ask('city-a', requestUri)).location ?? '', /code=/);
});

test('an ID token as a hint must be ours, for that client, and about whoever is logged in', async (t) => {
  const platform = shared();
  const [one, two] = [platform.jar(), platform.jar()];
  const party = relyingParty(platform, 'city-a');
  const first = await party.signIn(one, {}, [logIn(await platform.citizen('basic'))]);
  const second = await party.signIn(two, {}, [logIn(await platform.citizen('basic'))]);
  const silent = async (id: string, id_token_hint: string): Promise<Outcome> =>
    relyingParty(platform, id).authorize(one, { prompt: 'none', id_token_hint });
  t.truthy((await silent('city-a', first.id_token)).params?.get('code'));
  t.is((await silent('city-a', second.id_token)).params?.get('error'), 'login_required');
  t.is((await silent('city-b', first.id_token)).params?.get('error'), 'invalid_request');
  const [header, payload] = first.id_token.split('.');
  t.is((await silent('city-a', `${header}.${payload}.`)).params?.get('error'), 'invalid_request');
});

test('an app on the citizen’s device is never signed in without a click, since another app can pose as it', async (t) => {
  const platform = shared();
  const citizenId = await platform.citizen('basic');
  const jar = platform.jar();
  const phone = relyingParty(platform, 'phone', true);
  const request = { redirect_uri: NATIVE };
  const yes = { act: 'consent' as const, allowed: ['openid'] };
  const asked = await phone.authorize(jar, request);
  t.is(asked.interaction?.details.returnTo, NATIVE, 'the way back to an app of its own scheme');
  const first = await phone.authorize(jar, request, [logIn(citizenId), yes]);
  t.truthy(first.params?.get('code'));
  const again = await phone.authorize(jar, request);
  t.like(again.interaction?.details, { prompt: 'consent', consent: { claimSets: [{ id: 'openid' }] } });
  t.true(String(again.interaction?.details.reasons).includes('consent_prompt'), 'although agreed to');
  t.is(
    (await phone.authorize(jar, { ...request, prompt: 'none' })).params?.get('error'),
    'interaction_required',
  );
  t.truthy((await phone.authorize(jar, request, [yes])).params?.get('code'));
});

test('the same parameter twice is refused', async (t) => {
  const platform = shared();
  const query = 'client_id=city-a&client_id=city-b&response_type=code&scope=openid';
  t.is((await platform.jar().get(`/oauth/authorize?${query}`)).location, undefined);
  const twice = await fetch(`${platform.issuer}/oauth/introspect`, {
    method: 'POST',
    headers: { ...basic('city-a'), 'content-type': 'application/x-www-form-urlencoded' },
    body: 'token=a&token=b',
  });
  t.is(twice.status, 400);
});
