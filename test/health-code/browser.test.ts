import test from 'ava';
import { checkAccessibility, look, openBrowser, screenshot, type TestBrowser } from '../support/browser.ts';
import { NOW } from '../support/citizens.ts';
import { givenCitizenAtBasic, givenEvidence, givenHealthCode } from '../support/health.ts';
import { startFamily } from '../support/health-family.ts';
import { startHealth } from '../support/health-pages.ts';

let browser: TestBrowser;
test.before(async () => {
  browser = await openBrowser();
});
test.after.always(() => browser?.close());

for (const [locale, javaScriptEnabled] of [
  ['zh-CN', true],
  ['en', false],
] as const) {
  const how = javaScriptEnabled ? 'with script' : 'without script';
  test.serial(`a citizen declares, checks in and reads the code: ${locale}, ${how}`, async (t) => {
    const site = await startHealth(t);
    const page = await browser.page({ locale, baseURL: site.url, javaScriptEnabled });
    // The checks run as a script.
    const shot = (name: string) =>
      javaScriptEnabled ? look(t, page, `health-${name}`) : screenshot(page, `health-${name}-${locale}`);
    await page.goto('/health/code');
    await shot('off');
    await givenHealthCode(site.db);
    const { citizenId, subject } = await givenCitizenAtBasic(site.db, 1);
    site.world.citizenId = citizenId;
    await page.goto('/health/code');
    t.is(await page.locator('.health-card').getAttribute('data-colour'), 'GREY');
    await shot('grey');
    await page.locator('a[href="/health/declare"]').last().click();
    await page.locator('button[value=continue]').click();
    await shot('declare-errors');
    await page.fill('[name=address]', '甲市示例路 1 号');
    await page.fill('[name=temperature]', '36.5');
    for (const name of ['high_risk', 'medium_risk', 'arrived', 'contact']) {
      await page.locator(`[name=${name}][value=no]`).check();
    }
    await page.check('[name=agree]');
    await page.fill('[name=signature]', '示例一');
    await page.locator('button[value=continue]').click();
    t.is(await page.locator('.health-card').getAttribute('data-colour'), 'GREEN');
    await shot('green');
    await page.goto('/health/checkin');
    await page.fill('[name=temperature]', '37.5');
    await page.check('[name=symptom_cough]');
    await shot('checkin');
    await page.locator('button[value=continue]').click();
    t.is(await page.locator('.health-card').getAttribute('data-colour'), 'YELLOW');
    await shot('yellow');
    await givenEvidence(site.db, subject, { type: 'CLOSE_CONTACT', source: 'cdc', at: NOW });
    await page.reload();
    t.is(await page.locator('.health-card').getAttribute('data-colour'), 'RED');
    await shot('red');
    await page.context().close();
  });
}

test.serial('the pages stay within the window in large type', async (t) => {
  const site = await startHealth(t);
  await givenHealthCode(site.db);
  site.world.citizenId = (await givenCitizenAtBasic(site.db, 1)).citizenId;
  const page = await browser.page({ baseURL: site.url, large: true });
  for (const path of ['/health/code', '/health/declare', '/health/checkin']) {
    await page.goto(path);
    await checkAccessibility(t, page);
  }
  await page.context().close();
});

test.serial(
  'a guardian goes through every page about family and travel, in the reach of everybody',
  async (t) => {
    const site = await startFamily(t);
    await site.settle('wang_xiulan');
    const page = await browser.page({ baseURL: site.url, locale: 'zh-CN' });
    const look = async (name: string) => {
      await screenshot(page, `health-${name}`);
      await checkAccessibility(t, page);
    };
    const go = () => page.click('button[name=action][value=continue]');
    const child = site.person('du_xiaomiao');
    await page.goto('/health/family');
    await look('family-empty');
    await page.click('a[href="/health/family/child"]');
    await go();
    await look('family-child-errors');
    await page.fill('[name=name]', child.name);
    await page.fill('[name=id_number]', child.id_number);
    await page.check('[name=agree]');
    await go();
    await look('family');
    const elder = site.person('meng_qiuping');
    await page.click('a[href="/health/family/elder"]');
    for (const field of ['name', 'id_number', 'phone'] as const)
      await page.fill(`[name=${field}]`, elder[field]);
    await look('family-elder');
    await go();
    await look('family-consent');
    await page.fill('[name=sms_code]', /\d{6}/.exec((await site.messages(elder.phone))[0]!)![0]);
    await go();
    t.is(await page.locator('a[href^="/health/code/of/"]').count(), 2);

    await site.declare();
    await page.goto('/health/travel');
    await go();
    await look('travel-errors');
    await page.selectOption('[name=province]', '41');
    await page.fill('[name=city]', '郑州市');
    await page.fill('[name=from]', '2026-11-18');
    await page.fill('[name=to]', '2026-11-20');
    await page.check('[name=way][value=train]');
    await page.check('[name=agree]');
    await page.fill('[name=signature]', site.person('wang_xiulan').name);
    await go();
    await look('travel');
    await page.click('nav.family a >> nth=1');
    t.regex(page.url(), /\/health\/travel\/of\/[0-9a-f-]{36}$/);
    await look('travel-of');
    await page.context().close();
  },
);
