import test, { type ExecutionContext } from 'ava';
import type { Page } from 'playwright-core';
import { informationRoutes } from '../../src/front-door/information.ts';
import {
  checkAccessibility,
  DESKTOP,
  look,
  openBrowser,
  screenshot,
  type TestBrowser,
} from '../support/browser.ts';
import { givenAccount, phoneOf } from '../support/citizens.ts';
import { freshDatabase } from '../support/database.ts';
import {
  entriesOf,
  givenAccountOf,
  PASSWORD,
  passwordHashed,
  personNamed,
  startFrontDoor,
} from '../support/front-door.ts';
import { serve } from '../support/http.ts';
import { startStepUp } from './step-up/world.ts';

let browser: TestBrowser;
test.before(async () => {
  browser = await openBrowser();
});
test.after.always(() => browser?.close());

const primary = (page: Page) => page.click('main form button[value=continue]');

test('login and consent can be read and used by everybody', async (t) => {
  const door = await startFrontDoor(t);
  const citizenId = await givenAccount(door.db, 1, { passwordHash: await passwordHashed() });
  const page = await browser.page({ locale: 'en-US' });
  t.teardown(() => page.context().close());
  const shot = (picture: string) => look(t, page, `front-door-${picture}`);
  const uid = door.begin();
  await page.goto(`${door.url}/interaction/${uid}`);
  await shot('login');
  await page.fill('[name=username]', 'person.1');
  await page.fill('[name=password]', 'not the password');
  await primary(page);
  await shot('login-wrong');
  t.is(await page.inputValue('[name=username]'), 'person.1');
  await page.fill('[name=password]', PASSWORD);
  await primary(page);
  await page.waitForSelector('[name=code]');
  await shot('code');
  t.true(await page.isDisabled('button[value=resend]'));
  await page.fill('[name=code]', '000000');
  await primary(page);
  await shot('code-wrong');
  const kept = () => page.evaluate(() => Object.keys(sessionStorage).length);
  t.true((await kept()) > 0);
  await page.click('button[value=switch]');
  await page.waitForSelector('[name=password]');
  t.is(await kept(), 0, 'somebody else finds nothing that was typed');
  const again = door.begin({ session: { uid: 's', citizenId } });
  await page.goto(`${door.url}/interaction/${again}`);
  await shot('login-again');
  const asked = door.begin({
    prompt: 'consent',
    client: { id: 'tax', name: '示例省税务局', department: '示例省税务局征管处' },
    session: { uid: 's', citizenId },
    consent: {
      claimSets: [
        { id: 'profile', claims: ['name'], separate: false },
        { id: 'phone', claims: ['phone_number'], separate: false },
        { id: 'identity', claims: ['id_number'], separate: true },
      ],
    },
  });
  await page.goto(`${door.url}/interaction/${asked}`);
  await shot('consent');
  await page.click('button[value=allow]');
  await page.waitForSelector('[name=asked][value=identity]', { state: 'attached' });
  await shot('consent-separate');
});

test('registration can be read and used by everybody', async (t) => {
  const door = await startFrontDoor(t);
  const page = await browser.page();
  t.teardown(() => page.context().close());
  const shot = (picture: string) => look(t, page, `front-door-${picture}`);
  const fill = async (fields: Record<string, string>) => {
    for (const [field, value] of Object.entries(fields)) await page.fill(`[name=${field}]`, value);
  };
  await page.goto(`${door.url}/register`);
  await shot('register');
  await primary(page);
  await shot('register-errors');
  const person = personNamed('ding_guiying');
  await fill({ name: person.name, phone: '1' });
  await page.check('[name=document_type][value=passport]');
  await primary(page);
  await page.fill('[name=phone]', '12');
  await page.reload();
  t.is(await page.inputValue('[name=name]'), person.name, 'a refused form comes back by a reload as it was');
  t.is(await page.inputValue('[name=phone]'), '12');
  t.true(await page.isChecked('[name=document_type][value=passport]'));
  await page.check('[name=document_type][value=resident_id]');
  await fill(entriesOf(person));
  await primary(page);
  await page.waitForSelector('[name=sms_code]');
  // Back from here is past a page that answered a form: it shows the form, with what was kept, and sends nothing.
  await page.goBack();
  t.is(await page.inputValue('[name=id_number]'), person.id_number);
  await page.reload();
  t.is(await page.inputValue('[name=id_number]'), person.id_number);
  await page.goForward();
  await shot('register-code');
  await page.fill('[name=sms_code]', await door.code(person.phone));
  await primary(page);
  await shot('register-not-yours');
  await page.click('main a[href="/register/prove"]');
  await shot('register-prove');
  await page.click('button[value=counter]');
  await page.waitForURL(`${door.world.url}/**`);
  await shot('counter');
  await page.click('main button.primary');
  await page.waitForURL(`${door.url}/register/waiting`);
  await shot('register-waiting');
  await page.goto(`${door.url}/register/check`);
  await primary(page);
  await page.click('main a.button-primary');
  await shot('register-phone');
  const phone = person.other_phones![0]!;
  await page.fill('[name=phone]', phone);
  await primary(page);
  await page.fill('[name=sms_code]', await door.code(phone));
  await primary(page);
  await page.waitForURL('**/register/done');
  await shot('register-done');
});

test('recovery can be read and used by everybody', async (t) => {
  const door = await startFrontDoor(t);
  const page = await browser.page();
  t.teardown(() => page.context().close());
  const shot = (picture: string) => look(t, page, `front-door-${picture}`);
  const person = personNamed('deng_yutong');
  await givenAccountOf(door, person);
  await page.goto(`${door.url}/recover`);
  await shot('recover');
  await page.fill('[name=name]', person.name);
  await page.fill('[name=id_number]', person.id_number);
  await primary(page);
  await page.waitForSelector('button[name=method]');
  await shot('recover-prove');
  await page.click('button[value=bank_card]');
  await shot('recover-card');
  await page.goBack();
  await page.click('button[value=alipay]');
  // The authority's own page, in its own words; the first button agrees.
  await page.waitForURL(`${door.world.url}/**`);
  await page.click('main button');
  await page.waitForURL(`${door.url}/**`);
  await page.waitForSelector('[name=code]');
  await page.fill('[name=code]', await door.code(person.phone));
  await primary(page);
  await page.waitForSelector('[name=password]');
  await shot('recover-password');
  await page.fill('[name=password]', 'a quite different set of words');
  await primary(page);
  await page.waitForURL('**/recover/status');
  await shot('recover-done');
  const link = (await door.sms(person.phone))[0]?.match(/http\S+/)?.[0] ?? '';
  await page.goto(link);
  await shot('recover-stop');
  await page.click('button[value=stop]');
  await shot('recover-stopped');
});

test('login, registration and recovery work without script', async (t) => {
  const door = await startFrontDoor(t);
  await givenAccount(door.db, 1, { passwordHash: await passwordHashed() });
  const page = await browser.page({ javaScriptEnabled: false });
  t.teardown(() => page.context().close());
  await page.goto(`${door.url}/interaction/${door.begin()}`);
  t.false(await page.isVisible('form[data-passkey]'));
  await page.fill('[name=username]', phoneOf(1));
  await page.fill('[name=password]', PASSWORD);
  await primary(page);
  await page.fill('[name=code]', await door.code(phoneOf(1)));
  await primary(page).catch(() => {});
  t.is(door.told[0]?.did, 'loggedIn');
});

test('a passkey is offered where the browser knows one, and logs in by its button', async (t) => {
  const door = await startFrontDoor(t);
  const page = await browser.page();
  t.teardown(() => page.context().close());
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('WebAuthn.enable');
  await page.goto(`${door.url}/interaction/${door.begin()}`);
  t.true(await page.isVisible('form[data-passkey] button'));
});

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

async function stepUp(t: ExecutionContext) {
  const world = await startStepUp(await freshDatabase(t));
  t.teardown(() => world.close());
  return world;
}

test.serial(
  'a citizen without script goes from basic to advanced by failing, a card, a detour and a voice',
  async (t) => {
    const world = await stepUp(t);
    const visit = await world.begin('zhang_minran', 'basic', { target: 'advanced' });
    const page = await browser.page({ javaScriptEnabled: false });
    await page.goto(visit.url);
    await screenshot(page, 'step-up-choice');
    for (const time of ['first', 'second']) {
      await page.click('button[value=face]');
      await page.click('button[value=pass]');
      await screenshot(page, `step-up-refused-${time}`);
    }
    await page.click('button[value=bank_card]');
    await page.click('button[value=continue]');
    await screenshot(page, 'step-up-card-errors');
    await page.fill('[name=card_number]', visit.person.cards.bank_card ?? '');
    await page.fill('[name=phone]', visit.person.phone);
    await page.click('button[value=continue]');
    await screenshot(page, 'step-up-second-step');
    await page.click('button[value=video]');
    await page.goto(visit.url);
    await screenshot(page, 'step-up-waiting');
    await page.click('a[href$="choose=1"]');
    await page.click('button[value=voiceprint]');
    await page.click('button[value=pass]');
    t.is(world.ends.get(visit.uid), 'logged in');
  },
);

test.serial('the pages of a step-up are accessible on a phone and on a desktop', async (t) => {
  const world = await stepUp(t);
  const visit = await world.begin('huang_lichuan', 'basic', { target: 'intermediate' });
  const wished = await world.begin('song_zhiqiu', 'intermediate', { target: 'advanced', optional: true });
  for (const options of [{}, { viewport: DESKTOP, locale: 'en', large: true, baseURL: world.origin }]) {
    const page = await browser.page(options);
    await page.goto(wished.url);
    await screenshot(page, `step-up-wished-${options.locale ?? 'phone'}`);
    await checkAccessibility(t, page);
    await page.goto(visit.url);
    await page.click('button[value=alipay]');
    await page.click('button[value=pass]');
    await screenshot(page, `step-up-mismatch-${options.locale ?? 'phone'}`);
    await checkAccessibility(t, page);
    await page.click('button[value=social_security_card]');
    await page.click('button[value=continue]');
    await checkAccessibility(t, page);
    await page.click('a[href$="choose=1"]');
    await page.click('button[value=decline]');
    await screenshot(page, `step-up-unmet-${options.locale ?? 'phone'}`);
    await checkAccessibility(t, page);
    await page.goto(`${world.origin}/proofing/callback?state=unknown`);
    t.is(await page.getAttribute('meta[name=ymt-error]', 'content'), 'proofing_unknown');
  }
});
