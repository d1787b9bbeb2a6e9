import test from 'ava';
import { informationRoutes } from '../../src/front-door/information.ts';
import { look, openBrowser, type TestBrowser } from '../support/browser.ts';
import { serve } from '../support/http.ts';

let browser: TestBrowser;
test.before(async () => {
  browser = await openBrowser();
});
test.after.always(() => browser?.close());

const PATHS = ['/', '/help', '/privacy', '/accessibility', '/nowhere'];

for (const locale of ['zh-CN', 'en'] as const) {
  test.serial(`everybody can read about the platform: ${locale}`, async (t) => {
    const { url } = await serve(t, (pages) => informationRoutes(pages));
    const page = await browser.page({ locale, baseURL: url });
    for (const path of PATHS) {
      await page.goto(path);
      t.is(await page.locator('html').getAttribute('lang'), locale);
      t.is(await page.locator('h1').count(), 1);
      await look(t, page, `information-${locale}-${path.slice(1) || 'home'}`);
    }
    await page.context().close();
  });
}

test.serial('language and type size are switched on any page, with and without script', async (t) => {
  const { url } = await serve(t, (pages) => informationRoutes(pages));
  for (const javaScriptEnabled of [true, false]) {
    const page = await browser.page({ baseURL: url, javaScriptEnabled });
    await page.goto('/help?from=footer');
    await page.getByRole('button', { name: '大字版' }).click();
    await page.locator('html.large').waitFor();
    await page.getByRole('button', { name: 'English' }).click();
    await page.getByRole('heading', { level: 1, name: 'Help' }).waitFor();
    t.is(new URL(page.url()).search, '?from=footer');
    t.is(await page.locator('html').getAttribute('class'), 'large');
    await page.getByRole('button', { name: 'Normal type' }).click();
    await page.locator('html:not(.large)').waitFor();
    await page.context().close();
  }
});
