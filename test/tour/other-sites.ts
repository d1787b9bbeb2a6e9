import { fill, logIn, PASSWORD, person, primary, type TourTest } from './world.ts';

/** The tax bureau has another host name than the platform, and takes its answers by form post. */
export function otherSites(test: TourTest): void {
  test.serial(
    'login, form post and logout work between two sites, and nothing breaks a content policy',
    async (t) => {
      const { tour } = t.context;
      const page = await tour.page(t);
      const complaints: string[] = [];
      page.on('console', (message) => {
        if (/content security policy/i.test(message.text())) complaints.push(message.text());
      });
      await page.goto(tour.at('tax'));
      await tour.look(t, page, 'tax');
      await page.click('a[href="/income"]');
      await logIn(page, 'cheng_yuan');
      await page.waitForURL(tour.at('tax', '/income'));
      await tour.look(t, page, 'income');
      t.is((await tour.knows(page, 'tax')).acr, 'urn:ymt:acr:intermediate');
      await page.goto(tour.at('cityA', '/login'));
      t.is(page.url(), tour.at('cityA'));
      await page.goto(tour.at('tax'));
      await page.click('header form button');
      await page.click('main button.button-primary');
      await page.waitForURL(tour.at('tax', '/logged-out**'));
      t.deepEqual(complaints, []);
    },
  );

  test.serial('registration, login, step-up, consent and logout work without script', async (t) => {
    const { tour } = t.context;
    const page = await tour.page(t, { javaScriptEnabled: false });
    const who = person('xu_wenzhou');
    const { name, id_number, phone, username } = who;
    await page.goto(tour.at('tax', '/income'));
    await page.click('a[href^="/register?interaction="]');
    await fill(page, { name, id_number, phone, username, password: PASSWORD });
    await primary(page);
    await fill(page, { sms_code: who.fixed_code! });
    await primary(page);
    // Registered, and on to where the person came from: the tax bureau, which asks for more.
    await primary(page);
    await page.click('button[name=method][value=social_security_card]');
    await fill(page, { card_number: who.cards.social_security_card! });
    await primary(page);
    await page.click('button');
    t.is(page.url(), tour.at('tax', '/income'));

    await page.goto(tour.at('cityA', '/epidemic'));
    await page.click('button[value=allow]');
    t.is(page.url(), tour.at('cityA', '/epidemic'));

    await page.goto(tour.at('tax'));
    await page.click('header form button');
    await page.click('main button.button-primary');
    t.true(page.url().startsWith(tour.at('tax', '/logged-out')));

    await page.goto(tour.at('cityB', '/login'));
    t.false(await page.isVisible('form[data-passkey]'));
    await logIn(page, username);
    t.is(page.url(), tour.at('cityB'));
    t.is((await tour.knows(page, 'cityB')).acr, 'urn:ymt:acr:intermediate');
  });
}
