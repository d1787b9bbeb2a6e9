import type { Page } from 'playwright-core';
import { errorOn, logIn, person, primary, type Tour, type TourTest } from './world.ts';

const offered = (page: Page) =>
  page.locator('button[name=method]').evaluateAll((buttons) => buttons.map((b) => b.getAttribute('value')));

const choose = (page: Page, method: string) => page.click(`button[name=method][value=${method}]`);

/** On the authority's own page the first button does what the person is set to show. */
async function passAt(page: Page, tour: Tour): Promise<void> {
  await page.waitForURL(tour.at('authorities', '/checks/**'));
  await page.click('button.primary');
}

/** Step 4 of the tour. */
export function steppingUp(test: TourTest): void {
  test.serial('step 4: intermediate and advanced are won on the way, and advanced grows old', async (t) => {
    const { tour } = t.context;
    const page = await tour.page(t);
    await page.goto(tour.at('cityA', '/login'));
    await tour.picture(page, 'login');
    await logIn(page, 'li_jianzhong');
    await page.waitForURL(tour.at('cityA'));
    const cityA = await tour.knows(page, 'cityA');
    t.is(cityA.acr, 'urn:ymt:acr:basic');

    await page.goto(tour.at('hrss'));
    await tour.look(t, page, 'hrss');
    await page.click('a[href="/pension"]');
    await tour.picture(page, 'step-up');
    t.deepEqual(await offered(page), ['face', 'alipay', 'social_security_card', 'bank_card']);
    await choose(page, 'alipay');
    await passAt(page, tour);
    await page.waitForURL(tour.at('hrss', '/pension'));
    t.regex(await page.innerText('main'), /累计缴费月数/);
    await tour.look(t, page, 'pension');
    t.is((await tour.knows(page, 'hrss')).acr, 'urn:ymt:acr:intermediate');
    t.deepEqual(await tour.knows(page, 'cityA'), cityA);

    await page.goto(tour.at('hrss', '/certificate'));
    t.deepEqual(await offered(page), ['live_face', 'voiceprint', 'video']);
    await choose(page, 'live_face');
    await passAt(page, tour);
    await page.waitForURL(tour.at('hrss', '/certificate'));
    t.is((await tour.knows(page, 'hrss')).acr, 'urn:ymt:acr:advanced');
    await tour.look(t, page, 'certificate');
    t.deepEqual(await tour.knows(page, 'cityA'), cityA);

    await tour.advance(page, 31 * 60);
    await page.goto(tour.at('hrss', '/certificate'));
    t.deepEqual(await offered(page), ['live_face', 'voiceprint', 'video']);
    await choose(page, 'video');
    await passAt(page, tour);
    await page.waitForURL(tour.at('hrss', '/certificate'));
    t.is((await tour.knows(page, 'hrss')).acr, 'urn:ymt:acr:advanced');
    t.deepEqual(await tour.knows(page, 'cityA'), cityA);
  });

  test.serial('step 4: who fails one check takes another way, and a card is a form', async (t) => {
    const { tour } = t.context;
    const page = await tour.page(t);
    const who = person('zhang_minran');
    await page.goto(tour.at('hrss', '/pension'));
    await logIn(page, who.username);
    await choose(page, 'face');
    await passAt(page, tour);
    await page.waitForURL(tour.at('platform', '/interaction/**'));
    t.regex(await page.innerText('main [role=alert]'), /人脸/);
    await tour.picture(page, 'step-up-refused');
    await choose(page, 'bank_card');
    await page.waitForSelector('[name=card_number]');
    await primary(page);
    await tour.picture(page, 'card-errors');
    await page.fill('[name=card_number]', who.cards.bank_card!);
    await page.fill('[name=phone]', who.phone);
    await primary(page);
    await page.waitForURL(tour.at('hrss', '/pension'));
    t.is((await tour.knows(page, 'hrss')).acr, 'urn:ymt:acr:intermediate');
  });

  test.serial('step 4: who will not be checked is told what is missing and gets back', async (t) => {
    const { tour } = t.context;
    const page = await tour.page(t);
    await page.goto(tour.at('hrss', '/certificate'));
    await logIn(page, 'luo_yongnian');
    await page.waitForSelector('button[name=method]');
    await page.click('button[value=decline]');
    t.is(await errorOn(page), 'unmet_authentication_requirements');
    await tour.look(t, page, 'step-up-declined');
    await page.click('button[value=back]');
    await page.waitForURL(tour.at('hrss', '/**'));
    t.is(
      await page.locator('meta[name=ymt-error]').getAttribute('content'),
      'unmet_authentication_requirements',
    );
    await tour.look(t, page, 'hrss-unmet');
    await page.goto(tour.at('hrss', '/pension'));
    t.is((await tour.knows(page, 'hrss')).acr, 'urn:ymt:acr:intermediate');
  });
}
