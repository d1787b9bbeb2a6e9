import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { levelOf, reaches } from '../../../sandbox/portal/level.ts';
import { createRelyingParty } from '../../../sandbox/portal/relying-party.ts';
import { readSettings } from '../../../sandbox/portal/settings.ts';
import { localPath } from '../../../sandbox/portal/sign-in.ts';

const EVENTS = { 'http://schemas.openid.net/event/backchannel-logout': {} };

/** An issuer that has nothing but metadata and a key, and a client that listens to it. */
async function issuerAndClient(t: ExecutionContext) {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  const keys = [{ ...(await exportJWK(publicKey)), kid: '1', alg: 'ES256' }];
  const server = createServer((request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(
      JSON.stringify(
        request.url === '/jwks'
          ? { keys }
          : { issuer, jwks_uri: `${issuer}/jwks`, authorization_endpoint: `${issuer}/authorize` },
      ),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  const issuer = `http://localhost:${(server.address() as AddressInfo).port}`;
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const client = createRelyingParty({
    issuer,
    credentials: { clientId: 'city-a', secret: 'x' },
    redirectUri: 'http://localhost:3001/callback',
  });
  const sign = (claims: object = {}, { typ = 'logout+jwt', audience = 'city-a', exp = '2m' } = {}) =>
    new SignJWT({ events: EVENTS, sid: 'session', sub: 'somebody', ...claims })
      .setProtectedHeader({ alg: 'ES256', kid: '1', typ })
      .setIssuer(issuer)
      .setAudience(audience)
      .setIssuedAt()
      .setExpirationTime(exp)
      .setJti(crypto.randomUUID())
      .sign(privateKey);
  return { client, sign };
}

test('a logout token names session and subject, once', async (t) => {
  const { client, sign } = await issuerAndClient(t);
  const token = await sign();
  t.deepEqual(await client.logoutNotice(token), { sub: 'somebody', sid: 'session' });
  await t.throwsAsync(client.logoutNotice(token), { message: /used before/ });
});

test('what is not a logout token for this client is refused', async (t) => {
  const { client, sign } = await issuerAndClient(t);
  const refused = {
    'for another client': await sign({}, { audience: 'city-b' }),
    'an ID token': await sign({}, { typ: 'JWT' }),
    expired: await sign({}, { exp: '-1m' }),
    'with a nonce': await sign({ nonce: 'n' }),
    'without the event': await sign({ events: {} }),
    'about nobody': await sign({ sid: undefined, sub: undefined }),
    unsigned: 'eyJhbGciOiJub25lIn0.e30.',
  };
  for (const [what, token] of Object.entries(refused)) {
    await t.throwsAsync(client.logoutNotice(token), undefined, what);
  }
});

const keyFile = fileURLToPath(new URL('../../../sandbox/keys/city-a.json', import.meta.url));

test('a portal is configured by its environment', (t) => {
  const settings = readSettings({ LOOK: 'city-b', PORT: '3002', CLIENT_ID: 'city-b', CLIENT_SECRET: 'x' });
  t.is(settings.origin, 'http://localhost:3002');
  t.deepEqual(settings.main, { clientId: 'city-b', secret: 'x' });
  t.is(settings.epidemic, undefined);
});

test('a wrong environment is refused with the names of the variables', (t) => {
  const error = t.throws(() => readSettings({ LOOK: 'city-c', PORT: 'many' }));
  for (const name of ['LOOK', 'PORT', 'CLIENT_ID']) t.true(error.message.includes(name), name);
  const both = { LOOK: 'tax', PORT: '1', CLIENT_ID: 'x', CLIENT_SECRET: 'x', CLIENT_KEY_FILE: keyFile };
  t.regex(t.throws(() => readSettings(both)).message, /either CLIENT_SECRET or CLIENT_KEY_FILE/);
});

test('a higher level satisfies a lower floor, an unknown one satisfies nothing', (t) => {
  t.true(reaches('urn:ymt:acr:advanced', 'intermediate'));
  t.true(reaches('urn:ymt:acr:intermediate', 'intermediate'));
  t.false(reaches('urn:ymt:acr:basic', 'intermediate'));
  t.false(reaches('urn:ymt:acr:supreme', 'anonymous'));
  t.is(levelOf('basic'), undefined);
});

test('login returns to a path of this portal only', (t) => {
  t.is(localPath('/pension?x=1'), '/pension?x=1');
  for (const elsewhere of [
    '//evil.example',
    '/\\evil.example',
    'https://evil.example',
    'pension',
    '',
    undefined,
  ]) {
    t.is(localPath(elsewhere), '/');
  }
});
