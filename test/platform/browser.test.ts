import { cpSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Router from '@koa/router';
import test from 'ava';
import type { Context } from 'koa';
import { bodyParser } from '../../src/platform/http/forms.ts';
import { createPages } from '../../src/platform/pages.ts';
import { look, openBrowser, type TestBrowser, withAuthenticator } from '../support/browser.ts';
import { serve } from '../support/http.ts';

const ROOT = join(import.meta.dirname, '../..');

let browser: TestBrowser;
test.before(async () => {
  browser = await openBrowser();
});
test.after.always(() => browser?.close());

function galleryPages() {
  const viewsDir = mkdtempSync(join(tmpdir(), 'views-'));
  cpSync(join(ROOT, 'views'), viewsDir, { recursive: true });
  cpSync(join(import.meta.dirname, 'gallery.eta'), join(viewsDir, 'gallery.eta'));
  return createPages({ viewsDir });
}

const wrong = {
  values: { username: '<b>张三</b>' },
  errors: {
    username: 'platform.form.invalid',
    password: 'platform.form.required',
    terms: 'platform.form.required',
  },
};

for (const [kind, locale] of [
  ['light', 'zh-CN'],
  ['dark', 'zh-CN'],
  ['dark', 'en'],
  ['large', 'en'],
] as const) {
  test.serial(`every component can be used by everybody: ${kind}, ${locale}`, async (t) => {
    const { url } = await serve(
      t,
      (pages) => (ctx) => pages.render(ctx, 'gallery', ctx.path === '/wrong' ? { form: wrong } : {}),
      { pages: galleryPages() },
    );
    const page = await browser.page({
      locale,
      baseURL: url,
      colorScheme: kind === 'dark' ? 'dark' : 'light',
      large: kind === 'large',
    });
    for (const path of ['/', '/wrong']) {
      await page.goto(path);
      await look(t, page, `gallery-${kind}-${locale}-${path.slice(1) || 'fresh'}`);
    }
    await page.context().close();
  });
}

const OPTIONS = {
  create: {
    challenge: 'Y2hhbGxlbmdl',
    rp: { name: '一码通', id: 'localhost' },
    user: { id: 'dXNlcg', name: 'zhang', displayName: '张三' },
    pubKeyCredParams: [{ type: 'public-key', alg: -7 }],
    authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
  },
  get: { challenge: 'Y2hhbGxlbmdl', rpId: 'localhost', userVerification: 'required' },
};

const VIEW = `<% page({ title: 'scripts', scripts: ['countdown.js', 'passkey.js'] }) %>
<h1>scripts</h1>
<% for (const kind of ['create', 'get']) { %>
<form method="post" action="/<%= kind %>" data-passkey="<%= kind %>" data-passkey-options="/options/<%= kind %>" data-passkey-failed="no luck" hidden>
<%~ hidden('response', '') %><p class="error" hidden></p><%~ submit({ label: kind, value: 'passkey' }) %></form>
<% } %>
<form method="post" action="/slow"><%~ field({ name: 'password', type: 'password', label: 'secret' }) %><%~ submit({ label: 'send' }) %></form>
<form method="post" action="/resend"><%~ submit({ label: 'resend', value: 'resend', countdown: 60 }) %></form>`;

function site(t: Parameters<typeof serve>[0]) {
  const viewsDir = mkdtempSync(join(tmpdir(), 'views-'));
  cpSync(join(ROOT, 'views'), viewsDir, { recursive: true });
  writeFileSync(join(viewsDir, 'scripts.eta'), VIEW);
  const posted: Array<{ path: string; body: Record<string, string> }> = [];
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const router = new Router();
  router.use(bodyParser());
  router.get('/', (ctx) => pages.render(ctx, 'scripts'));
  router.post('/options/:kind', (ctx) => {
    ctx.body = OPTIONS[ctx.params.kind as 'create' | 'get'];
  });
  const take = (ctx: Context) => {
    posted.push({ path: ctx.path, body: ctx.request.body as Record<string, string> });
  };
  router.post('/slow', async (ctx) => {
    take(ctx);
    await released;
    ctx.body = 'done';
  });
  router.post('/:kind', (ctx) => {
    take(ctx);
    ctx.redirect('/');
  });
  const pages = createPages({ viewsDir });
  return { posted, release, served: serve(t, () => router, { pages }) };
}

test('a passkey is enrolled and used through an ordinary form, under the strict policy', async (t) => {
  const { posted, served } = site(t);
  const page = await browser.page({ baseURL: (await served).url });
  const refused: string[] = [];
  page.on('console', (message) => message.type() === 'error' && refused.push(message.text()));
  await withAuthenticator(page);
  for (const kind of ['create', 'get']) {
    await page.goto('/');
    const answered = page.waitForEvent('load');
    await page.getByRole('button', { name: kind }).click();
    await answered;
  }
  t.deepEqual(
    posted.map(({ path, body }) => [path, body.action, JSON.parse(body.response ?? '{}').type]),
    [
      ['/create', 'passkey', 'public-key'],
      ['/get', 'passkey', 'public-key'],
    ],
  );
  t.deepEqual(refused, []);
});

test('a passkey that fails says so on the page and sends nothing', async (t) => {
  const { posted, served } = site(t);
  const page = await browser.page({ baseURL: (await served).url });
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('WebAuthn.enable');
  await devtools.send('WebAuthn.addVirtualAuthenticator', {
    options: { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true },
  });
  await page.goto('/');
  await page.getByRole('button', { name: 'create' }).click();
  await page.getByText('no luck').waitFor();
  t.deepEqual(posted, []);
});

test('a second click on a slow form sends nothing more', async (t) => {
  const { posted, release, served } = site(t);
  const page = await browser.page({ baseURL: (await served).url });
  await page.goto('/');
  await page.getByLabel('secret').fill('x');
  const arrived = page.waitForRequest('**/slow');
  await page.evaluate(`(() => {
    const button = [...document.querySelectorAll('button')].find((b) => b.textContent === 'send');
    button.click();
    setTimeout(() => button.click());
  })()`);
  await arrived;
  release();
  await page.getByText('done').waitFor();
  t.is(posted.length, 1);
  t.is(posted[0]?.body.action, 'continue');
});

test('a typed password can be looked at', async (t) => {
  const page = await browser.page({ baseURL: (await site(t).served).url, locale: 'en' });
  await page.goto('/');
  const input = page.getByLabel('secret');
  await page.getByRole('button', { name: 'Show password' }).click();
  t.is(await input.getAttribute('type'), 'text');
  await page.getByRole('button', { name: 'Hide password' }).click();
  t.is(await input.getAttribute('type'), 'password');
});

test('a code can be sent again when the countdown is over, and at once without script', async (t) => {
  const { url } = await site(t).served;
  const page = await browser.page({ baseURL: url, locale: 'en' });
  await page.clock.install();
  await page.goto('/');
  t.true(await page.getByRole('button', { name: /^You can resend in (60|59) s$/ }).isDisabled());
  await page.clock.fastForward(61_000);
  await page.locator('button[value=resend]:enabled', { hasText: 'resend' }).waitFor();
  const plain = await browser.page({ baseURL: url, javaScriptEnabled: false });
  await plain.goto('/');
  t.true(await plain.getByRole('button', { name: 'resend' }).isEnabled());
  t.is(await plain.getByRole('button', { name: 'create' }).count(), 0);
});
