import { cpSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { createPages } from '../../src/platform/pages.ts';
import { look, openBrowser, type TestBrowser } from '../support/browser.ts';
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
