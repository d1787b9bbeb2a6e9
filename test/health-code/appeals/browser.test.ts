import test from 'ava';
import { look, openBrowser, screenshot, type TestBrowser } from '../../support/browser.ts';
import { NOW, residentIdOf } from '../../support/citizens.ts';
import { givenDeclared, givenEvidence, givenHealthCode } from '../../support/health.ts';
import { givenOfficer, startOffice } from '../../support/health-office.ts';

let browser: TestBrowser;
test.before(async () => {
  browser = await openBrowser();
});
test.after.always(() => browser?.close());

for (const [locale, script] of [
  ['zh-CN', false],
  ['en', true],
] as const) {
  test.serial(
    `a citizen appeals and an officer answers, everything accessible: ${locale}, ${script ? 'with' : 'without'} script`,
    async (t) => {
      const site = await startOffice(t);
      const { db } = site;
      await givenHealthCode(db);
      const holder = await givenDeclared(db, 1);
      const proximity = { type: 'TELECOM_PROXIMITY', source: 'telecom', at: NOW, phoneOwnerVerified: true };
      await givenEvidence(db, holder.subject, proximity);
      site.world.citizenId = holder.citizenId;
      const roles = ['health_officer', 'health_approver', 'rule_signer', 'activation_approver'] as const;
      const officer = await givenOfficer(db, 2, roles);
      site.officer.citizenId = officer.citizenId;
      const page = await browser.page({ locale, baseURL: site.url, javaScriptEnabled: script });
      // The checks run as a script.
      const shot = (name: string) =>
        script ? look(t, page, `office-${name}`) : screenshot(page, `office-${name}-${locale}`);

      await page.goto('/health/code');
      await page.locator('a[href^="/health/appeals/new"]').first().click();
      await page.locator('main button[name=action][value=continue]').click();
      t.is(await page.locator('.error-summary').count(), 1);
      await shot('form-errors');
      await page.fill(
        '[name=text]',
        '我 11 月 20 日全天在乙市出差，有 G123 次车票（编号 E0001）为证，不在通报的区域。',
      );
      await page.locator('main button[name=action][value=continue]').click();
      await shot('filed');
      const mine = new URL(page.url()).pathname;
      await page.goto('/health/appeals');
      await shot('mine');

      await page.goto('/health/officer');
      await shot('desk');
      await page.goto('/health/officer/appeals');
      await shot('work-list');
      await page.locator('button[value=claim]').click();
      await shot('to-decide');
      await page.check('[name=outcome][value=upheld]');
      await page.fill('[name=answer]', '已与通信运营商核对，通报时段您不在该区域，予以更正。');
      await page.locator('button[value=continue]').click();
      await page.goto(mine);
      t.regex(await page.locator('#answer').innerText(), /予以更正/);
      await shot('answered');
      await page.goto('/health/code');
      t.is(await page.locator('[data-colour]').first().getAttribute('data-colour'), 'GREEN');

      await page.goto('/health/officer/orders/new');
      await page.check('[name=colour][value=YELLOW]');
      await page.fill('[name=evidence_id]', '甲疾控函〔2026〕1 号');
      await page.fill('[name=reason]', '聚集性疫情调查期间');
      await page.fill('[name=to]', '2026-12-31');
      await page.fill(
        '[name=people]',
        Array.from({ length: 51 }, (_, n) => residentIdOf(n + 100)).join('\n'),
      );
      await page.locator('main form button[value=continue]').click();
      await shot('order-errors');
      await page.fill('[name=to]', '2026-11-29');
      await page.locator('main form button[value=continue]').click();
      await shot('order');
      for (const path of ['orders', 'venues', 'visits', 'rule-sets', 'rule-sets/2020-1', 'activations']) {
        await page.goto(`/health/officer/${path}`);
        await shot(path.replace('/', '-'));
      }
      await page.context().close();
    },
  );
}
