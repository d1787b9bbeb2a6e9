import anyTest, { type ExecutionContext, type TestFn } from 'ava';
import type { Page } from 'playwright-core';
import { createRedirectCheck, REDIRECT_CHECKS } from '../../src/authorities/redirect-check.ts';
import { createSmsGateway } from '../../src/authorities/sms.ts';
import {
  checkAccessibility,
  DESKTOP,
  openBrowser,
  PHONE,
  screenshot,
  type TestBrowser,
} from '../support/browser.ts';
import { freshWorld, identityOf, personNamed } from './authorities/world.ts';
import { planPortals } from './portal/portals.ts';

const test = anyTest as TestFn<{ chrome: TestBrowser }>;
test.before(async (t) => {
  t.context.chrome = await openBrowser();
});
test.after.always((t) => t.context.chrome?.close());

const VIEWS = [
  { name: 'phone', viewport: PHONE, colorScheme: 'light' },
  { name: 'desktop', viewport: DESKTOP, colorScheme: 'dark' },
] as const;

async function view(t: ExecutionContext<unknown>, page: Page, picture: string): Promise<void> {
  for (const { name, viewport, colorScheme } of VIEWS) {
    await page.setViewportSize(viewport);
    await page.emulateMedia({ colorScheme });
    await checkAccessibility(t, page);
    await screenshot(page, `${picture}-${name}`);
  }
}

test('the pages of the authorities are accessible in light and in dark', async (t) => {
  const { url } = await freshWorld(t);
  const page = await t.context.chrome.page();
  const client = createRedirectCheck(url, fetch, [url]);
  const person = identityOf(personNamed('gao_xiuyun'));
  const back = { returnTo: `${url}/healthz`, state: 's' };
  await createSmsGateway(url, fetch).send({ to: personNamed('gao_xiuyun').phone, text: '验证码 246810' });
  const pages = [`${url}/`, `${url}/?lang=en`, `${url}/sms`];
  for (const kind of REDIRECT_CHECKS) {
    pages.push((await client.start({ purpose: 'raise_level', kind, ...person, ...back })).redirectTo);
  }
  pages.push(`${url}/video/officer`);
  for (const [index, each] of pages.entries()) {
    await page.goto(each);
    await view(t, page, `authorities-${index}`);
  }
});

test('the pages of the portals are accessible in light and in dark', async (t) => {
  const { origins, open } = await planPortals(t);
  open('http://127.0.0.1:9');
  const page = await t.context.chrome.page();
  for (const [look, origin] of Object.entries(origins)) {
    for (const [index, path] of ['/', '/?lang=en', '/login', '/logged-out?lang=zh-CN'].entries()) {
      await page.goto(origin + path);
      await view(t, page, `portal-${look}-${index}`);
    }
  }
});

test('a person presses the first button and is back where they came from', async (t) => {
  const { url } = await freshWorld(t);
  const page: Page = await t.context.chrome.page({ javaScriptEnabled: false });
  const { redirectTo, reference } = await createRedirectCheck(url, fetch, [url]).start({
    purpose: 'raise_level',
    kind: 'live_face',
    ...identityOf(personNamed('gao_xiuyun')),
    returnTo: `${url}/healthz`,
    state: 's',
  });
  await page.goto(redirectTo);
  await page.click('button.primary');
  t.is(page.url(), `${url}/healthz?state=s&reference=${reference}`);
});
