import type { Page } from 'playwright-core';
import type { Person } from '../../sandbox/people/person.ts';
import { errorOn, fill, PASSWORD, person, primary, type Tour, type TourTest } from './world.ts';

const entriesOf = ({ name, id_number, phone, username }: Person) => ({
  name,
  id_number,
  phone,
  username,
  password: PASSWORD,
});

async function register(page: Page, tour: Tour, who: Person): Promise<void> {
  await page.goto(tour.at('platform', '/register'));
  await fill(page, entriesOf(who));
  await primary(page);
}

/** Persons, accounts and evidence: none of them may be there by halves. */
async function peopleIn({ db }: Tour): Promise<string> {
  const [row] = await db.query<{ all: string }>(
    `select concat((select count(*) from citizens), ' ', (select count(*) from accounts), ' ',
       (select count(*) from evidence)) as all`,
    [],
  );
  return row!.all;
}

/** Who cannot register, why, and where the page leads. */
const STOPPED = [
  ['shen_weiming', 'identity_mismatch', 'a[href="/register?edit=1"]'],
  ['wei_qinghe', 'register_unavailable', 'form[action="/register/check"]'],
  ['cai_guyuan', 'identity_deceased', 'a[href="/register?edit=1"]'],
  ['jia_wuzong', 'identity_unknown', 'a[href="/register?edit=1"]'],
  ['ding_guiying', 'phone_not_yours', 'a[href="/register/phone"]'],
  ['xue_yunqi', 'carrier_unavailable', 'form[action="/register/check"]'],
  ['ye_zhiyuan', 'phone_unknown', 'a[href="/register/phone"]'],
] as const;

/** Step 2 of the tour. */
export function registering(test: TourTest): void {
  test.serial(
    'step 2: a visitor of city A registers at the platform and is logged in wherever they go',
    async (t) => {
      const { tour } = t.context;
      const page = await tour.page(t);
      await page.goto(tour.at('cityA'));
      await tour.look(t, page, 'city-a-visitor');
      await page.click('header a:has-text("注册")');
      t.true(page.url().startsWith(tour.at('platform', '/register?interaction=')));
      await tour.picture(page, 'register');
      await primary(page);
      await tour.picture(page, 'register-errors');
      const who = person('deng_yutong');
      await fill(page, entriesOf(who));
      await primary(page);
      await tour.picture(page, 'register-code');
      await fill(page, { sms_code: '000000' });
      await primary(page);
      t.regex(await page.innerText('main'), /验证码不正确/);
      await fill(page, { sms_code: who.fixed_code! });
      await primary(page);
      await page.waitForURL('**/registered');
      await tour.picture(page, 'register-done');
      await primary(page);
      t.is(page.url(), tour.at('cityA'));
      t.is((await tour.knows(page, 'cityA')).acr, 'urn:ymt:acr:basic');
      await page.goto(tour.at('platform', '/account'));
      await tour.picture(page, 'account');
    },
  );

  test.serial(
    'step 2: whoever cannot register is told why and how to go on, and nothing is half made',
    async (t) => {
      const { tour } = t.context;
      const before = await peopleIn(tour);
      for (const [username, code, wayOn] of STOPPED) {
        const page = await tour.page(t);
        const who = person(username);
        await register(page, tour, who);
        await fill(page, { sms_code: who.fixed_code! });
        await primary(page);
        t.is(await errorOn(page), code);
        t.true(await page.isVisible(`main ${wayOn}`), username);
        await tour.look(t, page, 'registration-stopped');
        await page.context().close();
      }
      const child = await tour.page(t);
      await register(child, tour, person('du_xiaomiao'));
      t.is(await errorOn(child), 'too_young');
      t.true(await child.isVisible('main a[href="/account"]'));

      const taken = await tour.page(t);
      await register(taken, tour, { ...person('han_songnian'), username: 'somebody_else' });
      await fill(taken, { sms_code: person('han_songnian').fixed_code! });
      await primary(taken);
      t.is(await errorOn(taken), 'id_already_registered');
      t.true(await taken.isVisible('main a[href="/recover"]'));
      t.is(await peopleIn(tour), before);
    },
  );

  test.serial('step 2: codes run out, expire, and stop coming, and the page says which', async (t) => {
    const { tour } = t.context;
    const page = await tour.page(t);
    const who = person('fu_xiaolan');
    await register(page, tour, who);
    const code = await tour.sentCode(page, who.phone);
    await tour.advance(page, 5 * 60 + 1);
    await fill(page, { sms_code: code });
    await primary(page);
    t.regex(await page.innerText('main'), /验证码已过期/);
    await tour.look(t, page, 'code-expired');
    for (let sent = 1; sent < 10; sent++) {
      await page.click('button[value=resend]');
      // What was not handed over would not count.
      await tour.sentCode(page, who.phone, sent + 1);
      await tour.advance(page, 61);
      await page.goto(tour.at('platform', '/register/code'));
    }
    await page.click('button[value=resend]');
    t.regex(await page.innerText('main'), /今天收到的验证码已达上限/);
    for (let attempt = 0; attempt < 6; attempt++) {
      await fill(page, { sms_code: '111111' });
      await primary(page);
    }
    t.regex(await page.innerText('main'), /错误次数过多/);
  });

  test.serial('step 2: documents of people from elsewhere register as well', async (t) => {
    const { tour } = t.context;
    for (const username of ['chan_kayan', 'maria_santos', 'john_smith']) {
      const who = person(username);
      const page = await tour.page(t, { locale: 'en-US' });
      await page.goto(tour.at('platform', '/register'));
      t.false(await page.isVisible('[name=birth_date]'));
      await page.check(`[name=document_type][value=${who.document_type}]`);
      await fill(page, entriesOf(who));
      if (who.document_type === 'passport') await fill(page, { birth_date: who.birth_date });
      await primary(page);
      await fill(page, { sms_code: who.fixed_code! });
      await primary(page);
      await page.waitForURL('**/register/done');
      await page.context().close();
    }
    t.pass();
  });
}
