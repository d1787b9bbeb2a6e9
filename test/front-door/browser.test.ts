import test from 'ava';
import type { Page } from 'playwright-core';
import { hashPassword } from '../../src/citizens/password.ts';
import { look, openBrowser, type TestBrowser } from '../support/browser.ts';
import { givenAccount, phoneOf } from '../support/citizens.ts';
import { entriesOf, givenAccountOf, PASSWORD, personNamed, startFrontDoor } from '../support/front-door.ts';

let browser: TestBrowser;
test.before(async () => {
  browser = await openBrowser();
});
test.after.always(() => browser?.close());

const passwordHash = hashPassword(PASSWORD);
const primary = (page: Page) => page.click('main form button[value=continue]');

test('login and consent can be read and used by everybody', async (t) => {
  const door = await startFrontDoor(t);
  const citizenId = await givenAccount(door.db, 1, { passwordHash: await passwordHash });
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
  await fill(entriesOf(person));
  await primary(page);
  await page.waitForSelector('[name=sms_code]');
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
  await givenAccount(door.db, 1, { passwordHash: await passwordHash });
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
