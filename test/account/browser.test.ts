import test from 'ava';
import { generateSync } from 'otplib';
import type { Page } from 'playwright-core';
import { recordAccess } from '../../src/audit/access-log.ts';
import { startAccount, type TestAccount } from '../support/account.ts';
import { look, openBrowser, type TestBrowser, withAuthenticator } from '../support/browser.ts';

let browser: TestBrowser;
test.before(async () => {
  browser = await openBrowser();
});
test.after.always(() => browser?.close());

/** Logs the browser in at the stand-in for the front door. */
async function logIn(page: Page, account: TestAccount, citizenId: string): Promise<void> {
  await page.goto(`${account.issuer}/account`);
  const body = JSON.stringify({
    act: 'log_in',
    citizenId,
    proofs: [{ method: 'password' }, { method: 'totp' }],
  });
  await page.evaluate(
    `fetch(location.href, { method: 'POST', headers: { 'content-type': 'application/json' }, body: ${JSON.stringify(body)} })`,
  );
}

test('passkeys and authenticator apps are added and removed in a browser', async (t) => {
  const account = await startAccount(t);
  const citizenId = await account.citizen('intermediate');
  const page = await browser.page({ locale: 'en-US' });
  t.teardown(() => page.context().close());
  await withAuthenticator(page);
  await logIn(page, account, citizenId);
  const shot = (picture: string) => look(t, page, `account-${picture}`);
  const open = async (path: string, picture: string) => {
    await page.goto(`${account.issuer}${path}`);
    await shot(picture);
  };
  await recordAccess(account.db, {
    citizenId,
    clientId: 'portal',
    what: ['name'],
    purpose: 'profile',
    at: new Date(),
  });
  await open('/account', 'overview');
  await open('/account/access', 'access');
  await open('/account/security', 'security-empty');
  await open('/account/security/password', 'password');
  await open('/account/security/phone', 'phone');
  await open('/account/consents', 'consents');
  await open('/account/data', 'data');
  const download = page.waitForEvent('download');
  await page.click('button[value=export]');
  t.regex((await download).suggestedFilename(), /^yimatong-.*\.json$/);
  await open('/account/close', 'close');
  await page.click('button[value=close]');
  await shot('close-errors');
  await page.check('[name=understood]');
  await page.click('button[value=close]');
  await open('/account/close', 'closing');
  await page.click('button[value=cancel]');

  await open('/account/security/passkeys/add', 'passkey-add');
  await page.fill('input[name=label]', '测试设备');
  await page.click('main button[name=action]');
  await page.waitForURL(/done=passkeyAdded/);

  await open('/account/security/totp/add', 'totp-add');
  await page.click('main button[name=action]');
  await page.waitForURL(/\/totp\/[0-9a-f-]{36}$/);
  await shot('totp-confirm');
  const secret = (await page.locator('main code').innerText()).replaceAll(' ', '');
  await page.fill('input[name=code]', '000');
  await page.click('main button[value=continue]');
  await shot('totp-confirm-errors');
  await page.fill('input[name=code]', generateSync({ secret }));
  await page.click('main button[value=continue]');
  await page.waitForURL(/done=totpAdded/);
  await shot('security');

  await page.click('a[href*="/passkeys/"][href$="/remove"]');
  await shot('passkey-remove');
  await page.click('main button[value=continue]');
  await page.waitForURL(/done=passkeyRemoved/);
  t.is(await page.locator('a[href*="/passkeys/"][href$="/remove"]').count(), 0);
  t.deepEqual(account.errors, []);
});

test('every page but the passkey’s works without script', async (t) => {
  const account = await startAccount(t);
  const citizenId = await account.citizen('basic');
  const scripted = await browser.page();
  await logIn(scripted, account, citizenId);
  const cookies = await scripted.context().cookies();
  await scripted.context().close();
  const page = await browser.page({ javaScriptEnabled: false });
  t.teardown(() => page.context().close());
  await page.context().addCookies(cookies);
  await page.goto(`${account.issuer}/account/security/totp/add`);
  await page.click('main button[name=action]');
  await page.fill(
    'input[name=code]',
    generateSync({ secret: (await page.locator('main code').innerText()).replaceAll(' ', '') }),
  );
  await page.click('main button[value=continue]');
  t.regex(page.url(), /done=totpAdded/);
  await page.goto(`${account.issuer}/account/security/passkeys/add`);
  t.true(await page.locator('main .notice-warning').isVisible());
  await page.goto(`${account.issuer}/account/security/password`);
  await page.fill('input[name=password]', 'correct horse battery');
  await page.click('main button[name=action]');
  t.regex(page.url(), /done=passwordChanged/);
});
