import test from 'ava';
import {
  checkAccessibility,
  DESKTOP,
  openBrowser,
  screenshot,
  type TestBrowser,
} from '../../support/browser.ts';
import { freshDatabase, type TestDatabase } from '../../support/database.ts';
import { startStepUp } from './world.ts';

let db: TestDatabase;
let world: Awaited<ReturnType<typeof startStepUp>>;
let browser: TestBrowser;
test.before(async (t) => {
  db = await freshDatabase(t);
  world = await startStepUp(db);
  browser = await openBrowser();
});
test.after.always(async () => {
  await browser.close();
  await world.close();
  await db.close();
});

test('a citizen without script goes from basic to advanced by failing, a card, a detour and a voice', async (t) => {
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
});

test('the pages of a step-up are accessible on a phone and on a desktop', async (t) => {
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
