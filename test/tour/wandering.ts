import { DESKTOP } from '../support/browser.ts';
import { errorOn, fill, logIn, PASSWORD, primary, type TourTest } from './world.ts';

/** What people do besides following the tour. */
export function wandering(test: TourTest): void {
  test.serial(
    'whoever changes language or type size in the middle of a form types nothing again but secrets',
    async (t) => {
      const { tour } = t.context;
      const page = await tour.page(t, { viewport: DESKTOP });
      await page.goto(tour.at('platform', '/register'));
      await page.check('[name=document_type][value=passport]');
      await fill(page, { name: 'JOHN EXAMPLE SMITH', birth_date: '1980-01-02', password: PASSWORD });
      await page.click('button[name=locale]');
      await page.waitForSelector('html[lang=en]');
      await page.click('button[name=large]');
      await page.waitForSelector('html.large');
      t.is(await page.inputValue('[name=name]'), 'JOHN EXAMPLE SMITH');
      t.is(await page.inputValue('[name=birth_date]'), '1980-01-02');
      t.true(await page.isChecked('[name=document_type][value=passport]'));
      t.is(await page.inputValue('[name=password]'), '');
      t.is(await page.evaluate('sessionStorage.length'), 0);
      await tour.look(t, page, 'register-large');
    },
  );

  test.serial('a login that is over leads back to the site it was for', async (t) => {
    const { tour } = t.context;
    const page = await tour.page(t);
    await page.goto(tour.at('cityB', '/login'));
    await fill(page, { username: 'luo_yongnian', password: PASSWORD });
    await page.dblclick('main form button[value=continue]');
    await page.waitForSelector('main [name=code]');
    const second = await page.context().newPage();
    await second.goto(page.url());
    await fill(page, { code: '246810' });
    await page.dblclick('main form button[value=continue]');
    await page.waitForURL(tour.at('cityB'));

    await fill(second, { code: '246810' });
    await primary(second);
    t.is(await errorOn(second), 'interaction_expired');
    await tour.look(t, second, 'interaction-over');
    await second.click('main a.button-primary');
    t.is(second.url(), tour.at('cityB'));
    t.is((await tour.knows(second, 'cityB')).state, 'signed-in');
  });

  test.serial('two logins side by side both arrive', async (t) => {
    const { tour } = t.context;
    const page = await tour.page(t);
    const second = await page.context().newPage();
    await page.goto(tour.at('cityA', '/login'));
    await second.goto(tour.at('cityB', '/login'));
    await logIn(page, 'luo_yongnian');
    await page.waitForURL(tour.at('cityA'));
    await logIn(second, 'luo_yongnian');
    await second.waitForURL(tour.at('cityB'));
    t.is((await tour.knows(page, 'cityA')).state, 'signed-in');
    t.is((await tour.knows(page, 'cityB')).state, 'signed-in');
  });

  test.serial('a portal’s language and large type hold also where it asks the platform first', async (t) => {
    const { tour } = t.context;
    const page = await tour.page(t);
    await page.goto(tour.at('cityB'));
    await page.click('header a[lang=en]');
    t.is(await page.getAttribute('html', 'lang'), 'en');
    await page.click('header a[href*="large=1"]');
    t.is(await page.getAttribute('html', 'class'), 'large');
    await page.goto(tour.at('cityB'));
    t.is(await page.getAttribute('html', 'lang'), 'en');
    await tour.look(t, page, 'city-b-large');
  });
}
