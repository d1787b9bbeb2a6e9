import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ExecutionContext } from 'ava';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

export const PHONE = { width: 390, height: 844 };
export const DESKTOP = { width: 1280, height: 900 };

/**
 * Path of the browser that comes from npm, unpacked. Test files are processes of their own, so each unpacks beside
 * the others and the first one to finish gives the folder its name.
 */
async function browserPath(): Promise<string> {
  const entry = require.resolve('@sparticuz/chromium');
  const { version } = require(join(entry, '../../package.json')) as { version: string };
  const folder = join(tmpdir(), `ymt-chromium-${version}`);
  const path = join(folder, 'chromium');
  if (existsSync(path)) return path;
  const unpacked = mkdtempSync(join(tmpdir(), 'ymt-chromium-unpacking-'));
  // The package unpacks into the temporary folder and nowhere else, so it gets one of its own.
  const unpack = `import(${JSON.stringify(entry)}).then(({ default: c }) => c.executablePath())`;
  await promisify(execFile)(process.execPath, ['--input-type=module', '-e', unpack], {
    env: { ...process.env, TMPDIR: unpacked },
  });
  try {
    renameSync(unpacked, folder);
  } catch (error) {
    if (!existsSync(path)) throw error;
    rmSync(unpacked, { recursive: true });
  }
  return path;
}

export interface PageOptions extends BrowserContextOptions {
  /** With the large-type switch on; needs `baseURL`. */
  large?: boolean;
}

export interface TestBrowser {
  readonly browser: Browser;
  /** A page in a context of its own (cookies, language), closed with the browser. A phone in Chinese unless told. */
  page(options?: PageOptions): Promise<Page>;
  close(): Promise<void>;
}

/**
 * Starts one browser; call it in `test.before` and close it in `test.after.always`. Host names that end in
 * `.localhost` lead to this machine and count as secure, `.test` leads to it too and does not.
 *
 * @param options.args further arguments of the browser.
 */
export async function openBrowser({ args = [] }: { args?: string[] } = {}): Promise<TestBrowser> {
  const browser = await chromium.launch({
    executablePath: await browserPath(),
    args: [
      '--no-sandbox',
      '--no-zygote',
      '--disable-dev-shm-usage',
      '--disable-gpu',
      // One renderer for all pages: what it has compiled for one, above all the checks, serves the next.
      '--renderer-process-limit=1',
      '--disable-features=SpareRendererForSitePerProcess,IsolateOrigins,site-per-process',
      '--font-render-hinting=none',
      '--host-resolver-rules=MAP *.test 127.0.0.1',
      '--use-fake-device-for-media-stream',
      '--use-fake-ui-for-media-stream',
      ...args,
    ],
  });
  return {
    browser,
    async page({ large, ...options } = {}) {
      const context = await browser.newContext({ viewport: PHONE, locale: 'zh-CN', ...options });
      context.setDefaultTimeout(20_000);
      if (large && options.baseURL) {
        await context.addCookies([{ name: 'ymt_large', value: '1', url: options.baseURL }]);
      }
      return context.newPage();
    },
    close: () => browser.close(),
  };
}

const require = createRequire(import.meta.url);
/** Of the package that Playwright's builder drives; driven directly it takes a quarter of the time. */
const AXE = readFileSync(
  createRequire(require.resolve('@axe-core/playwright')).resolve('axe-core/axe.min.js'),
  'utf8',
);
const STANDARDS = JSON.stringify(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']);
const VIOLATIONS = `axe.run(document, { runOnly: ${STANDARDS}, resultTypes: ['violations'] }).then(
  ({ violations }) => violations.flatMap(({ id, help, nodes }) => nodes.map(({ target, any }) =>
    id + ': ' + help + ': ' + target.join(' ') + ' (' + any.map(({ message }) => message).join('; ') + ')')))`;

/** Elements that reach beyond the right edge of a window that they make scroll; runs in the browser. */
const WIDER = `(() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  return [...document.querySelectorAll('body *')]
    .filter((element) => element.getBoundingClientRect().right > width)
    .map((element) => element.tagName + '.' + element.getAttribute('class') + ' ' + element.textContent.trim().slice(0, 30));
})()`;

/** Fails the test with one line per violation of WCAG 2.2 AA that axe finds on the page once it has loaded. */
export async function checkAccessibility(t: ExecutionContext<unknown>, page: Page): Promise<void> {
  // A click ends when the next page has begun, which may not have a root element yet.
  await page.waitForLoadState();
  if (await page.evaluate(`typeof axe === 'undefined'`)) await page.evaluate(AXE);
  const found: string[] = await page.evaluate(VIOLATIONS);
  t.deepEqual(found, [], `${page.url()} is not accessible`);
  t.deepEqual(await page.evaluate(WIDER), [], `${page.url()} is wider than the window`);
}

/**
 * Checks the page as it is now on a phone and on a desktop, and keeps a picture of each. One walk at both widths
 * costs little more than one at one width.
 */
export async function look(t: ExecutionContext<unknown>, page: Page, picture: string): Promise<void> {
  await atEachWidth(page, async (width) => {
    await checkAccessibility(t, page);
    await screenshot(page, `${picture}-${width}`);
  });
}

/** Does something with the page on a phone and on a desktop, and leaves it at its own width. */
export async function atEachWidth(page: Page, what: (width: string) => Promise<void>): Promise<void> {
  const before = page.viewportSize() ?? PHONE;
  for (const [width, viewport] of Object.entries({ phone: PHONE, desktop: DESKTOP })) {
    await page.setViewportSize(viewport);
    await what(width);
  }
  await page.setViewportSize(before);
}

/** Gives the page a phone's own authenticator, which agrees by itself. */
export async function withAuthenticator(page: Page): Promise<void> {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('WebAuthn.enable');
  await devtools.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
    },
  });
}

/** Keeps a picture of the whole page as `$SCREENSHOTS/<name>.png`; does nothing when SCREENSHOTS is not set. */
export async function screenshot(page: Page, name: string): Promise<void> {
  const folder = process.env.SCREENSHOTS;
  if (!folder) return;
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
}
