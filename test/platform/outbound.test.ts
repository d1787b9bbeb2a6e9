import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo, LookupFunction } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { createOutbound, isPublicAddress, OutboundRefused } from '../../src/platform/outbound.ts';

async function serve(t: ExecutionContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const refused = (reason: string) => ({ instanceOf: OutboundRefused, message: new RegExp(reason) });

/** A resolver that says `addresses` for every name. */
const resolveTo =
  (...addresses: string[]): LookupFunction =>
  (_hostname, options, callback) => {
    const all = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
    if (options.all) callback(null, all);
    else callback(null, all[0]!.address, all[0]!.family);
  };

for (const address of [
  '127.0.0.1',
  '10.1.2.3',
  '172.16.0.1',
  '192.168.1.1',
  '169.254.169.254',
  '100.64.0.1',
  '0.0.0.0',
  '::1',
  '::',
  'fe80::1',
  'fd00::1',
  '::ffff:127.0.0.1',
  '64:ff9b::7f00:1',
  '255.255.255.255',
  '224.0.0.1',
  'not an address',
]) {
  test(`${address} is not a public address`, (t) => {
    t.false(isPublicAddress(address));
  });
}

test('ordinary addresses are public', (t) => {
  t.true(isPublicAddress('114.114.114.114'));
  t.true(isPublicAddress('2400:3200::1'));
});

for (const url of [
  'https://127.0.0.1/jwks',
  'https://2130706433/jwks',
  'https://0x7f.1/jwks',
  'https://[::1]/jwks',
  'https://[::ffff:127.0.0.1]/jwks',
  'https://169.254.169.254/latest/meta-data',
]) {
  test(`${url} is refused before anything is sent`, async (t) => {
    await t.throwsAsync(createOutbound({ allow: [] })(url), refused('private_address'));
  });
}

test('a name that resolves to loopback is refused when the socket is opened', async (t) => {
  const outbound = createOutbound({ allow: [], lookup: resolveTo('127.0.0.1') });
  await t.throwsAsync(outbound('https://rebound.example/jwks'), refused('private_address'));
});

test('localhost is refused by the real resolver too', async (t) => {
  await t.throwsAsync(createOutbound({ allow: [] })('https://localhost/jwks'), refused('private_address'));
});

test('one private address among public ones is enough to refuse the name', async (t) => {
  const outbound = createOutbound({ allow: [], lookup: resolveTo('114.114.114.114', '10.0.0.1') });
  await t.throwsAsync(outbound('https://mixed.example/'), refused('private_address'));
});

test('plain http, other schemes, credentials and non-addresses are refused', async (t) => {
  const outbound = createOutbound({ allow: ['http://localhost:3001'] });
  await t.throwsAsync(outbound('http://public.example/'), refused('scheme_not_allowed'));
  await t.throwsAsync(outbound('file:///etc/passwd'), refused('scheme_not_allowed'));
  await t.throwsAsync(outbound('https://user:secret@public.example/'), refused('address_invalid'));
  await t.throwsAsync(outbound('jwks'), refused('address_invalid'));
});

test('an allowed origin may be private and plain, and the body arrives', async (t) => {
  const origin = await serve(t, (request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ method: request.method, body, type: request.headers['content-type'] }));
    });
  });
  const response = await createOutbound({ allow: [origin] })(`${origin}/backchannel-logout`, {
    method: 'POST',
    body: new URLSearchParams({ logout_token: 'x' }),
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  });
  t.is(response.status, 200);
  t.deepEqual(await response.json(), {
    method: 'POST',
    body: 'logout_token=x',
    type: 'application/x-www-form-urlencoded',
  });
});

test('another port of an allowed host is not allowed', async (t) => {
  const origin = await serve(t, (_request, response) => response.end());
  const outbound = createOutbound({ allow: ['http://127.0.0.1:1'] });
  await t.throwsAsync(outbound(origin), refused('scheme_not_allowed'));
});

test('a redirect is not followed', async (t) => {
  let asked = 0;
  const origin = await serve(t, (_request, response) => {
    asked += 1;
    response.writeHead(302, { location: 'http://169.254.169.254/' }).end();
  });
  await t.throwsAsync(createOutbound({ allow: [origin] })(origin), refused('redirect'));
  t.is(asked, 1);
});

test('a body over the limit is refused, also when its length was not announced', async (t) => {
  const origin = await serve(t, (_request, response) => {
    response.write(Buffer.alloc(700));
    response.end(Buffer.alloc(700));
  });
  await t.throwsAsync(createOutbound({ allow: [origin], maxBytes: 1024 })(origin), refused('too_large'));
  t.is((await createOutbound({ allow: [origin], maxBytes: 1400 })(origin)).status, 200);
});

test('a body that never ends its trickle is given up', async (t) => {
  const origin = await serve(t, (_request, response) => {
    response.write('{');
  });
  await t.throwsAsync(createOutbound({ allow: [origin], timeoutMs: 50 })(origin), refused('too_slow'));
});

test('a server that says nothing is given up', async (t) => {
  const origin = await serve(t, () => {});
  await t.throwsAsync(createOutbound({ allow: [origin], timeoutMs: 50 })(origin), refused('too_slow'));
});

test('an answer without a body keeps its status', async (t) => {
  const origin = await serve(t, (_request, response) => response.writeHead(204).end());
  t.is((await createOutbound({ allow: [origin] })(origin)).status, 204);
});

test('a closed port is the network error it is, not a refusal', async (t) => {
  const outbound = createOutbound({ allow: ['http://127.0.0.1:9'] });
  const error = await t.throwsAsync(outbound('http://127.0.0.1:9/'));
  t.false(error instanceof OutboundRefused);
});
