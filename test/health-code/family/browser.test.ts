import test from 'ava';
import { checkAccessibility, openBrowser, screenshot, type TestBrowser } from '../../support/browser.ts';
import { startFamily } from '../../support/health-family.ts';

let browser: TestBrowser;
test.before(async () => {
  browser = await openBrowser();
});
test.after.always(() => browser?.close());

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
