import test from 'ava';
import type { Middleware } from 'koa';
import { clientAddress, parseRanges } from '../../../src/platform/http/proxies.ts';
import { serve } from '../../support/http.ts';

const ranges = parseRanges(['10.0.0.0/8', '::1', '192.168.1.1']);

const cases: Array<[string, string, string, string]> = [
  ['a stranger who claims to be somebody stays the stranger', '203.0.113.9', '1.2.3.4', '203.0.113.9'],
  ['a trusted proxy is believed', '10.0.0.1', '203.0.113.9', '203.0.113.9'],
  ['what the client itself wrote to the left is not', '10.0.0.1', '1.2.3.4, 203.0.113.9', '203.0.113.9'],
  ['a chain of trusted proxies is walked', '10.0.0.1', '203.0.113.9, 192.168.1.1', '203.0.113.9'],
  ['a proxy that says nothing is the client', '10.0.0.1', '', '10.0.0.1'],
  ['nonsense ends the walk', '10.0.0.1', '203.0.113.9, nonsense', '10.0.0.1'],
  ['an IPv4 address in IPv6 clothes is the same address', '::ffff:10.0.0.1', '203.0.113.9', '203.0.113.9'],
];

for (const [title, remote, forwarded, client] of cases) {
  test(title, (t) => t.is(clientAddress(remote, forwarded, ranges), client));
}

test('an entry that is not a range is named', (t) => {
  t.throws(() => parseRanges(['10.0.0.0/99']), { message: /10\.0\.0\.0\/99/ });
});

const show = (): Middleware => (ctx) => {
  ctx.body = [ctx.ip, ctx.protocol, ctx.host];
};
const forwarded = {
  'x-forwarded-for': '203.0.113.9',
  'x-forwarded-proto': 'https',
  'x-forwarded-host': 'login.example',
};

test('forwarded headers of anybody but the trusted proxies are as if never sent', async (t) => {
  const { url } = await serve(t, show);
  const response = await fetch(url, { headers: forwarded });
  t.deepEqual(await response.json(), ['127.0.0.1', 'http', new URL(url).host]);
});

test('behind a trusted proxy the outside address and https are known', async (t) => {
  const { url } = await serve(t, show, { trustedProxies: ['127.0.0.0/8', '::1'] });
  const response = await fetch(url, { headers: forwarded });
  t.deepEqual(await response.json(), ['203.0.113.9', 'https', 'login.example']);
  t.truthy(response.headers.get('strict-transport-security'));
});
