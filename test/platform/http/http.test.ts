import Router from '@koa/router';
import test from 'ava';
import type { Context, Middleware } from 'koa';
import { z } from 'zod';
import { formPages } from '../../../src/platform/http/form-pages.ts';
import { bodyParser, formOf } from '../../../src/platform/http/forms.ts';
import { clientAddress, parseRanges } from '../../../src/platform/http/proxies.ts';
import { Problem } from '../../../src/platform/problem.ts';
import { serve } from '../../support/http.ts';

const answer =
  (body: (ctx: Context) => unknown): Middleware =>
  (ctx) => {
    ctx.body = body(ctx);
  };

const HTML = { accept: 'text/html' };

test('a problem becomes a page with its code and the reference id of the header', async (t) => {
  const { url, logged } = await serve(t, () => () => {
    throw new Problem('bad_request', 400);
  });
  const response = await fetch(url, { headers: HTML });
  const page = await response.text();
  const reference = response.headers.get('x-reference-id')!;
  t.is(response.status, 400);
  t.regex(reference, /^[0-9A-Z]{4}-[0-9A-Z]{4}$/);
  t.true(page.includes('<meta name="ymt-error" content="bad_request">'));
  t.true(page.includes(reference));
  t.is(logged[0]?.fields.referenceId, reference);
});

test('a problem leads back to where the person came from', async (t) => {
  const { url } = await serve(t, () => (ctx) => {
    ctx.state.wayBack = { href: 'https://portal.example/', name: '甲市政务服务网' };
    throw new Problem('bad_request', 400);
  });
  const page = await (await fetch(url, { headers: HTML })).text();
  t.regex(page, /<a [^>]*href="https:\/\/portal\.example\/">返回甲市政务服务网<\/a>/);
});

test('a program that asks for JSON gets the same problem as JSON', async (t) => {
  const { url } = await serve(t, () => () => {
    throw new Problem('bad_request', 400);
  });
  const response = await fetch(url, { headers: { accept: 'application/json', 'accept-language': 'en' } });
  t.deepEqual(await response.json(), {
    error: 'bad_request',
    error_description: 'We could not read what was sent.',
    reference_id: response.headers.get('x-reference-id'),
  });
});

test('what only programs ask has the headers that matter there, and its problems are JSON for everybody', async (t) => {
  const routes: Middleware = (ctx) => {
    if (ctx.path === '/api/broken') throw new Problem('bad_request', 400);
    ctx.body = { fine: true };
  };
  const { url } = await serve(t, () => routes, { programs: /^\/api\// });
  const fine = await fetch(`${url}/api/token`, {
    method: 'POST',
    headers: { 'sec-fetch-site': 'cross-site' },
  });
  t.is(fine.status, 200);
  t.is(fine.headers.get('cache-control'), 'no-store');
  t.is(fine.headers.get('x-content-type-options'), 'nosniff');
  t.is(fine.headers.get('content-security-policy'), "default-src 'none'; frame-ancestors 'none'");
  const broken = await fetch(`${url}/api/broken`, { headers: HTML });
  t.is(((await broken.json()) as { error: string }).error, 'bad_request');
  const page = await fetch(`${url}/page`, { method: 'POST', headers: { 'sec-fetch-site': 'cross-site' } });
  t.is(page.status, 403);
});

test('an unexpected error tells the person nothing and the log everything', async (t) => {
  const { url, logged } = await serve(t, () => () => {
    throw new Error('relation "citizens" does not exist');
  });
  const response = await fetch(`${url}/somewhere?id=secret`, { headers: HTML });
  const page = await response.text();
  t.is(response.status, 500);
  t.true(page.includes('content="internal"'));
  t.false(page.includes('citizens'));
  t.is(logged[0]?.level, 'error');
  t.is((logged[0]!.fields.err as Error).message, 'relation "citizens" does not exist');
  t.is(logged[0]?.fields.path, '/somewhere');
  await fetch(`${url}/recover/stop/u3BvX0pQxYt1mZkW9aL2cQ/of/13912345678`, { headers: HTML });
  t.is(logged[1]?.fields.path, '/recover/stop/…/of/…', 'nor what an address carries');
});

test('an address that nobody answers is a page that was not found', async (t) => {
  const { url } = await serve(t, () => (_, next) => next());
  const response = await fetch(`${url}/nowhere`, { headers: HTML });
  t.is(response.status, 404);
  t.true((await response.text()).includes('content="not_found"'));
});

test('headers forbid everything that a page does not need', async (t) => {
  const { url } = await serve(t, () => (ctx) => {
    ctx.body = 'hello';
  });
  const { headers } = await fetch(url);
  const policy = headers.get('content-security-policy')!;
  t.true(policy.startsWith("default-src 'none'"));
  for (const directive of [
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "script-src 'self'",
  ]) {
    t.true(policy.split(';').includes(directive), directive);
  }
  t.is(headers.get('cache-control'), 'no-store');
  t.is(headers.get('referrer-policy'), 'same-origin');
  t.is(headers.get('strict-transport-security'), null);
});

test('a page may send its form on to the validated addresses of one relying party', async (t) => {
  const { url } = await serve(t, () => (ctx) => {
    ctx.state.formActions = ['https://portal.example/callback?x=1', 'cn.example.app:/back'];
    ctx.body = 'hello';
  });
  const policy = (await fetch(url)).headers.get('content-security-policy')!;
  t.true(policy.split(';').includes("form-action 'self' https://portal.example cn.example.app:"));
});

test('a form that another site posts is refused, one of our own and one of a program is not', async (t) => {
  const { url } = await serve(t, () => answer(() => 'done'), { crossSitePosts: ['/token'] });
  const post = async (path: string, headers: Record<string, string>) =>
    (await fetch(url + path, { method: 'POST', headers })).status;
  t.is(await post('/', { 'sec-fetch-site': 'cross-site' }), 403);
  t.is(await post('/', { 'sec-fetch-site': 'same-site' }), 403);
  t.is(await post('/', { origin: 'https://evil.example' }), 403);
  t.is(await post('/', { origin: 'null' }), 403);
  t.is(await post('/', { 'sec-fetch-site': 'same-origin' }), 200);
  t.is(await post('/', { origin: url }), 200);
  t.is(await post('/', {}), 200);
  t.is(await post('/token', { 'sec-fetch-site': 'cross-site' }), 200);
});

test('language comes from the address, the cookie, the browser, and else is Chinese', async (t) => {
  const { url } = await serve(t, () => answer((ctx) => ctx.state.locale));
  const locale = async (path: string, headers: Record<string, string>) =>
    (await fetch(url + path, { headers })).text();
  t.is(await locale('/', {}), 'zh-CN');
  t.is(await locale('/', { 'accept-language': 'fr, en;q=0.8' }), 'en');
  t.is(await locale('/', { 'accept-language': 'zh-TW, en;q=0.8' }), 'zh-CN');
  t.is(await locale('/', { 'accept-language': 'en', cookie: 'ymt_locale=zh-CN' }), 'zh-CN');
  t.is(await locale('/?lang=en', { cookie: 'ymt_locale=zh-CN' }), 'en');
});

test('the switches of the header keep a choice and come back to the same page of ours', async (t) => {
  const { url } = await serve(t, () => answer(() => 'page'));
  const choose = async (fields: Record<string, string>) =>
    fetch(`${url}/preferences`, { method: 'POST', body: new URLSearchParams(fields), redirect: 'manual' });
  const kept = await choose({ large: '1', return_to: '/interaction/x?y=1' });
  t.is(kept.status, 303);
  t.is(kept.headers.get('location'), '/interaction/x?y=1');
  t.true(kept.headers.get('set-cookie')!.startsWith('ymt_large=1;'));
  for (const elsewhere of [
    'https://evil.example',
    '//evil.example',
    '/\\evil.example',
    'javascript:1',
    '/a\tb',
    '',
  ]) {
    t.is((await choose({ locale: 'en', return_to: elsewhere })).headers.get('location'), '/');
  }
});

test('a form keeps what was typed, except secrets, and says what is wrong by field', async (t) => {
  const schema = z.object({
    username: z.string().min(3).max(5),
    phone: z.string({ error: 'platform.form.required' }),
    password: z.string().min(10),
  });
  const { url } = await serve(t, () => async (ctx: Context) => {
    await bodyParser()(ctx, async () => {});
    ctx.body = formOf(ctx, schema);
  });
  const body = new URLSearchParams([
    ['username', 'first'],
    ['username', 'muchtoolong'],
    ['password', 'short'],
  ]);
  t.deepEqual(await (await fetch(url, { method: 'POST', body })).json(), {
    ok: false,
    form: {
      values: { username: 'muchtoolong' },
      errors: {
        username: { key: 'platform.form.tooLong', params: { max: 5 } },
        phone: 'platform.form.required',
        password: { key: 'platform.form.tooShort', params: { min: 10 } },
      },
    },
  });
});

test('an address that only takes a form leads to the page that the form is on, and no other does', async (t) => {
  const router = new Router();
  router
    .get('/orders', answer(String))
    .post('/orders/:id/approve', answer(String))
    .post('/alone', answer(String));
  router.get('/orders/:id', answer(String)).post('/orders/:id/devices/:device/end', answer(String));
  const routes = router.routes();
  const last = formPages({ middleware: [routes] });
  const { url } = await serve(
    t,
    () => (ctx, next) => routes(ctx as never, () => Promise.resolve(last(ctx, next))),
  );
  const leads = async (path: string, method = 'GET') => {
    const { status, headers } = await fetch(url + path, { method, redirect: 'manual', headers: HTML });
    return headers.get('location') ?? status;
  };
  t.is(await leads('/orders/1/approve'), '/orders/1');
  t.is(await leads('/orders/1/devices/2/end'), '/orders/1');
  t.is(await leads('/orders/1/approve', 'POST'), 200);
  t.is(await leads('/orders/1/other'), 404);
  t.is(await leads('/alone'), 404);
});

test('a body that is too large is refused in plain words', async (t) => {
  const { url } = await serve(t, () => bodyParser());
  const body = new URLSearchParams({ name: 'x'.repeat(100_000) });
  const response = await fetch(url, { method: 'POST', body, headers: HTML });
  t.is(response.status, 413);
  t.true((await response.text()).includes('content="too_large"'));
});

test('static files are kept for ever under the hash of their content', async (t) => {
  const { url, pages } = await serve(t, () => (_, next) => next());
  const fresh = await fetch(url + pages.assets.url('style.css'));
  t.is(fresh.headers.get('cache-control'), 'public, max-age=31536000, immutable');
  t.is(fresh.headers.get('content-type'), 'text/css; charset=utf-8');
  t.true((await fresh.text()).includes('.button'));
  const old = await fetch(`${url}/assets/older/style.css`);
  t.is(old.headers.get('cache-control'), 'no-cache');
  t.is((await fetch(`${url}/assets/x/../../package.json`)).status, 404);
});

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
