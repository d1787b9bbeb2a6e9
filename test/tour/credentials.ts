import type { Page } from 'playwright-core';
import { withAuthenticator } from '../support/browser.ts';
import { eventually, fill, logIn, PASSWORD, person, primary, type Tour, type TourTest } from './world.ts';

async function logOut(page: Page, tour: Tour): Promise<void> {
  await page.goto(tour.at('cityB'));
  await page.click('header form button');
  await page.click('main button.button-primary');
  await page.waitForURL(tour.at('cityB', '/logged-out**'));
}

/** Step 6 of the tour. */
export function usingCredentials(test: TourTest): void {
  test.serial('step 6: passkey and authenticator app are added, log in, and are removed', async (t) => {
    const { tour } = t.context;
    const page = await tour.page(t);
    await withAuthenticator(page);
    await page.goto(tour.at('platform', '/account/security'));
    await logIn(page, 'zheng_kaizhi');
    await page.waitForURL(tour.at('platform', '/account/security'));
    await page.click('a[href$="/passkeys/add"]');
    await tour.picture(page, 'passkey-add');
    await page.click('main button[name=action]');
    await page.waitForURL(/done=passkeyAdded/);
    await page.click('a[href$="/totp/add"]');
    await tour.picture(page, 'totp-add');
    await page.click('main button[name=action]');
    await page.waitForSelector('main code');
    await tour.picture(page, 'totp-confirm');
    const secret = (await page.innerText('main code')).replaceAll(' ', '');
    await fill(page, { code: await tour.appCode(page, secret) });
    await primary(page);
    await page.waitForURL(/done=totpAdded/);
    await tour.picture(page, 'security');

    await logOut(page, tour);
    await page.goto(tour.at('cityB', '/login'));
    // The browser may offer the passkey by itself and have logged in before anybody can press the button.
    await page.click('form[data-passkey] button', { timeout: 3_000 }).catch(() => {});
    await page.waitForURL(tour.at('cityB'));
    t.deepEqual((await tour.knows(page, 'cityB')).amr, ['hwk', 'pop', 'user', 'mfa']);

    await logOut(page, tour);
    const other = await tour.page(t);
    await other.goto(tour.at('cityB', '/login'));
    await fill(other, { username: 'zheng_kaizhi', password: PASSWORD });
    await primary(other);
    await tour.picture(other, 'login-code');
    await other.click('a[href*="with=totp"]');
    // A code works once, and the one that confirmed the app is spent.
    await tour.advance(other, 30);
    await fill(other, { code: await tour.appCode(other, secret) });
    await primary(other);
    await other.waitForURL(tour.at('cityB'));
    t.deepEqual((await tour.knows(other, 'cityB')).amr, ['pwd', 'otp', 'mfa']);
    t.is((await tour.knows(other, 'cityB')).acr, 'urn:ymt:acr:intermediate');

    await other.goto(tour.at('platform', '/account/security'));
    await other.click('a[href*="/passkeys/"][href$="/remove"]');
    await tour.picture(other, 'passkey-remove');
    await primary(other);
    await other.waitForURL(/done=passkeyRemoved/);
    await other.click('a[href*="/totp/"][href$="/remove"]');
    await primary(other);
    await other.waitForURL(/done=totpRemoved/);
    t.is(await other.locator('a[href$="/remove"]').count(), 0);
  });

  test.serial(
    'step 6: a forgotten password is replaced after a check, and the old one and its sessions end',
    async (t) => {
      const { tour } = t.context;
      const who = person('tang_yining');
      const before = await tour.page(t);
      await before.goto(tour.at('cityB', '/login'));
      await logIn(before, who.username);
      await before.waitForURL(tour.at('cityB'));

      const page = await tour.page(t);
      await page.goto(tour.at('cityB', '/login'));
      await page.click('a[href="/recover"]');
      await tour.picture(page, 'recover');
      await fill(page, { name: who.name, id_number: who.id_number });
      await primary(page);
      await page.waitForSelector('button[name=method]');
      await tour.picture(page, 'recover-prove');
      await page.click('button[value=face]');
      await page.waitForURL(tour.at('authorities', '/checks/**'));
      await page.click('button.primary');
      await fill(page, { code: who.fixed_code! });
      await primary(page);
      const password = 'a quite different set of words';
      await page.waitForSelector('[name=password]');
      await tour.picture(page, 'recover-password');
      await fill(page, { password });
      await primary(page);
      await page.waitForURL('**/recover/status');
      await tour.picture(page, 'recover-done');
      await eventually(async () => (await tour.knows(before, 'cityB')).state === 'public');
      await page.click('main a.button-primary');
      await fill(page, { username: who.username, password: PASSWORD });
      await primary(page);
      t.true(await page.isVisible('.error-summary'));
      await logIn(page, who.username, password);
      await page.waitForURL(tour.at('platform', '/account'));
      await tour.look(t, page, 'account-capped');
      await page.goto(tour.at('hrss', '/pension'));
      t.is(
        await page.locator('meta[name=ymt-error]').getAttribute('content'),
        'unmet_authentication_requirements',
      );
      await tour.look(t, page, 'step-up-unmet');
    },
  );

  test.serial(
    'step 6: a lost phone is replaced after a check and three days, and the wait can be cancelled',
    async (t) => {
      const { tour } = t.context;
      const who = person('wang_xiulan');
      const page = await tour.page(t);
      await page.goto(tour.at('platform', '/recover?lost=phone'));
      await fill(page, { name: who.name, id_number: who.id_number });
      await primary(page);
      await page.click('button[name=method][value=bank_card]');
      await fill(page, { card_number: who.cards.bank_card!, phone: who.phone });
      await primary(page);
      await page.waitForURL('**/recover/phone');
      await tour.look(t, page, 'recover-phone');
      const phone = who.other_phones![0]!;
      await fill(page, { phone });
      await primary(page);
      await page.waitForSelector('main [name=code]');
      await fill(page, { code: await tour.sentCode(page, phone) });
      await primary(page);
      await tour.look(t, page, 'recover-confirm');
      await primary(page);
      await page.waitForURL('**/recover/status');
      await tour.look(t, page, 'recover-waiting');
      await page.click('button[value=cancel]');
      t.is(await page.locator('button[value=cancel]').count(), 0);
    },
  );
}
