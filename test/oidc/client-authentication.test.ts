import { createHash } from 'node:crypto';
import test from 'ava';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { sealSecret, secretMatches } from '../../src/departments/client-secret.ts';
import { ClientsFileError, parseClients } from '../../src/departments/clients-file.ts';
import { startProtocol } from '../support/protocol.ts';
import { logIn, portal, relyingParty, SECRET } from '../support/relying-party.ts';
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
    headers: { ...basic('p1'), dpop: await proof({ htm: 'POST', htu: `${platform.issuer}/oauth/token` }) },
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
