import test, { type ExecutionContext } from 'ava';
import { startProtocol } from '../support/protocol.ts';
import { logIn, portal, relyingParty } from '../support/relying-party.ts';

/** A portal, and a page of ours that says which language it is in. */
async function languages(t: ExecutionContext) {
  const platform = await startProtocol(t, {
    clients: [portal('city-a'), portal('city-b')],
    mount: () => async (ctx, next) => {
      if (ctx.path !== '/language') return next();
      ctx.body = ctx.state.locale;
    },
  });
  const jar = platform.jar();
  const page = async (query = '') => (await jar.get(`/language${query}`, { 'accept-language': 'fr' })).text;
  return { ...platform, browser: jar, page, party: relyingParty(platform, 'city-a') };
}

for (const pushed of [false, true]) {
  test(`pages are in the language that a portal asks for${pushed ? ' in a pushed request' : ''}`, async (t) => {
    const { browser, page, party } = await languages(t);
    t.is(await page(), 'zh-CN');
    await party.authorize(browser, { ui_locales: 'fr-CA en-GB zh' }, [], pushed);
    t.is(await page(), 'en');
    await party.authorize(browser, { ui_locales: 'zh-Hans-CN en' }, [], pushed);
    t.is(await page(), 'zh-CN');
  });
}

test('what one portal asked for does not count at the next, and an unknown language is none', async (t) => {
  const platform = await languages(t);
  const { browser, page, party } = platform;
  await party.authorize(browser, { ui_locales: 'en' });
  await relyingParty(platform, 'city-b').authorize(browser);
  t.is(await page(), 'zh-CN');
  await party.authorize(browser, { ui_locales: 'fr; de=1' });
  t.is(await page(), 'zh-CN');
});

test("a citizen's own choice of language stands above the portal's", async (t) => {
  const { browser, page, party } = await languages(t);
  await browser.post('/preferences', new URLSearchParams({ locale: 'zh-CN', return_to: '/' }));
  await party.authorize(browser, { ui_locales: 'en' });
  t.is(await page(), 'zh-CN');
  t.is(await page('?lang=en'), 'en');
});

test('an error of the protocol and the question at logout are in that language at once', async (t) => {
  const { browser, party, citizen } = await languages(t);
  const refused = await browser.get('/oauth/authorize?client_id=nobody&ui_locales=en');
  t.regex(refused.text, /<html lang="en"/);
  await party.signIn(browser, {}, [logIn(await citizen('basic'))]);
  const logout = await browser.get('/oauth/logout?ui_locales=en');
  t.regex(logout.text, /<html lang="en"/);
});

test('who stands behind a portal is told in the language of the page, if the clients file says it', async (t) => {
  const over = { consent: 'explicit', department: '甲市人民政府' };
  const named = portal('city-a', { ...over, 'department#en': "People's Government of City A" });
  const platform = await startProtocol(t, { clients: [named, portal('city-b', over)] });
  const jar = platform.jar();
  const shown = async (id: string, locale: string) => {
    const { interaction } = await relyingParty(platform, id).authorize(jar, { ui_locales: locale });
    return (interaction?.details.client as { department?: string } | undefined)?.department;
  };
  t.is(await shown('city-a', 'zh-CN'), '甲市人民政府');
  t.is(await shown('city-a', 'en'), "People's Government of City A");
  t.is(await shown('city-b', 'en'), '甲市人民政府', 'its only name');
});
