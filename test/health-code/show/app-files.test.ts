import { readFileSync } from 'node:fs';
import { runInNewContext } from 'node:vm';
import test from 'ava';
import { forgetOnLogout } from '../../../src/health-code/show/app-files.ts';
import { serve } from '../../support/http.ts';

test('logging out makes the browser forget what the phone keeps, looking at the page does not', async (t) => {
  const site = await serve(t, () => async (ctx) => {
    await forgetOnLogout(/^\/account\/logout$/)(ctx, async () => {
      ctx.body = 'bye';
    });
  });
  const headers = { 'sec-fetch-site': 'same-origin' };
  const forgets = async (method: string, path: string) =>
    (await fetch(site.url + path, { method, headers })).headers.get('clear-site-data');
  t.is(await forgets('POST', '/account/logout'), '"storage"');
  t.is(await forgets('GET', '/account/logout'), null);
  t.is(await forgets('POST', '/account/logout/other'), null);
});

/** The page that the worker gives in place of one that does not load; undefined where it keeps out of it. */
async function instead(path: string): Promise<string | undefined> {
  const listeners = new Map<string, (event: object) => void>();
  runInNewContext(readFileSync(new URL('../../../public/health/worker.js', import.meta.url), 'utf8'), {
    SHELL: { name: 'health-test', pages: ['code', 'door'], files: [] },
    URL,
    setTimeout,
    location: { origin: 'https://id.example' },
    caches: { match: async (page: string) => page },
    fetch: () => Promise.reject(new TypeError('no network')),
    addEventListener: (kind: string, listener: (event: object) => void) => listeners.set(kind, listener),
  });
  let given: Promise<string> | undefined;
  const request = { method: 'GET', mode: 'navigate', url: `https://id.example${path}` };
  listeners.get('fetch')!({
    request,
    respondWith: (answer: Promise<string>) => {
      given = answer;
    },
  });
  return given;
}

test('without network only the pages that can do without are given, and no code in place of a form', async (t) => {
  for (const path of ['/health/code', '/health/code?done=declared', '/health/code/offline'])
    t.is(await instead(path), 'code', path);
  t.is(await instead('/health/code/of/01936e0a-0000-7000-8000-000000000000'), 'code');
  for (const path of ['/health/verify', '/health/verify/offline']) t.is(await instead(path), 'door', path);
  for (const path of [
    '/health/declare',
    '/health/checkin',
    '/health/appeals/new',
    '/health/paper',
    '/health/officer/orders',
    '/health/verify/visitor',
    '/health/code/withdraw',
  ])
    t.is(await instead(path), undefined, path);
});
