import { eventually, logIn, type TourTest } from './world.ts';

/** Steps 1 and 3 of the tour. */
export function visiting(test: TourTest): void {
  test.serial('step 1: a visitor of city A has an anonymous token and never sees the platform', async (t) => {
    const { tour } = t.context;
    const page = await tour.page(t);
    const pages: string[] = [];
    page.on('response', (response) => {
      const { url, status } = { url: response.url(), status: response.status() };
      if (response.request().isNavigationRequest() && status < 300) pages.push(url);
    });
    await page.goto(tour.at('cityA'));
    t.deepEqual(pages, [tour.at('cityA')]);
    t.like(await tour.knows(page, 'cityA'), { state: 'visitor', acr: 'urn:ymt:acr:anonymous' });
    t.regex(await page.innerText('main'), /公开信息/);
    t.true(await page.isVisible('header a[href="/login"]'));
  });

  test.serial('step 3: logged in at city A is logged in at city B, and out there is out here', async (t) => {
    const { tour } = t.context;
    const page = await tour.page(t);
    await page.goto(tour.at('cityA', '/login'));
    await logIn(page, 'han_songnian');
    await page.waitForURL(tour.at('cityA'));
    await tour.look(t, page, 'city-a');
    const pages: string[] = [];
    page.on('response', (response) => {
      if (response.request().isNavigationRequest() && response.status() < 300) pages.push(response.url());
    });
    await page.goto(tour.at('cityB'));
    t.deepEqual(pages, [tour.at('cityB')]);
    await tour.look(t, page, 'city-b');
    const [a, b] = [await tour.knows(page, 'cityA'), await tour.knows(page, 'cityB')];
    t.is(a.state, 'signed-in');
    t.is(b.state, 'signed-in');
    t.not(a.sub, b.sub);

    await page.click('header form button');
    await page.waitForURL(tour.at('platform', '/oauth/logout**'));
    t.notRegex(page.url(), /eyJ/);
    await tour.look(t, page, 'logout');
    await page.evaluate(() => sessionStorage.setItem('entries 1', JSON.stringify({ at: Date.now() })));
    await page.click('main button.button-primary');
    await page.waitForURL(tour.at('cityB', '/logged-out**'));
    await tour.look(t, page, 'logged-out');
    await eventually(async () => (await tour.knows(page, 'cityA')).state === 'public');
    await page.goto(tour.at('cityA'));
    t.is((await tour.knows(page, 'cityA')).state, 'visitor');
    await page.goto(tour.at('platform'));
    t.deepEqual(await page.evaluate(() => Object.keys(sessionStorage)), [], 'what was typed is forgotten');
  });
}
