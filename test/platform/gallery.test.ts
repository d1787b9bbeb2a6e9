import { cpSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { createPages } from '../../src/platform/pages.ts';
import {
  checkAccessibility,
  DESKTOP,
  openBrowser,
  PHONE,
  screenshot,
  type TestBrowser,
} from '../support/browser.ts';
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

for (const [width, viewport] of Object.entries({ phone: PHONE, desktop: DESKTOP })) {
  for (const look of ['light', 'dark', 'large'] as const) {
    for (const locale of ['zh-CN', 'en'] as const) {
      test.serial(`every component can be used by everybody: ${width}, ${look}, ${locale}`, async (t) => {
        const { url } = await serve(
          t,
          (pages) => (ctx) => pages.render(ctx, 'gallery', ctx.path === '/wrong' ? { form: wrong } : {}),
          { pages: galleryPages() },
        );
        const page = await browser.page({
          viewport,
          locale,
          baseURL: url,
          colorScheme: look === 'dark' ? 'dark' : 'light',
          large: look === 'large',
        });
        for (const path of ['/', '/wrong']) {
          await page.goto(path);
          await screenshot(page, `gallery-${width}-${look}-${locale}-${path.slice(1) || 'fresh'}`);
          await checkAccessibility(t, page);
        }
        await page.context().close();
      });
    }
  }
}
