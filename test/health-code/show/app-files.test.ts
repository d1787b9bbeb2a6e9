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
