import { createHash } from 'node:crypto';
import test from 'ava';
import { shiftProcessClock } from '../../src/platform/clock.ts';
import type { Jar } from '../support/http-client.ts';
import { acr, startProtocol, type TestProtocol } from '../support/protocol.ts';
import { claimsOf, essential, liveFace, logIn, portal, relyingParty } from '../support/relying-party.ts';
import { sharedWorld } from '../support/shared-world.ts';

const CLIENTS = ['p1', 'p2', 'p3'].map((id) =>
  portal(id, { backchannel_logout_uri: `https://${id}.example/` }),
);
const HOUR = 3_600_000;

test.afterEach.always(() => shiftProcessClock(0));

const cookie = (jar: Jar) => jar.cookies.get('ymt_session');
const isLoggedIn = async (platform: TestProtocol, jar: Jar) =>
  (await relyingParty(platform, 'p1').authorize(jar, { prompt: 'none' })).params?.has('code') === true;

test.serial('the session cookie is for this program alone and out of reach of scripts', async (t) => {
  const platform = await startProtocol(t, { clients: CLIENTS });
  const jar = platform.jar();
  const citizenId = await platform.citizen('basic');
  const { interaction } = await relyingParty(platform, 'p1').authorize(jar);
  const first = await jar.post(interaction?.path ?? '', logIn(citizenId));
  const answer = await jar.get(first.location ?? '');
  const lines = answer.headers.getSetCookie().filter((line) => line.startsWith('ymt_session'));
  t.is(lines.length, 2, 'the value and its signature');
  for (const line of lines) t.regex(line, /path=\/; .*samesite=lax; httponly/i);
  t.deepEqual(
    [...jar.cookies.keys()].filter((name) => !name.startsWith('ymt_')),
    [],
  );
});

test.serial(
  'a request in flight during a step-up does not put the old cookie back into the browser',
  async (t) => {
    const platform = await startProtocol(t, { clients: CLIENTS });
    const citizenId = await platform.citizen('advanced');
    const jar = platform.jar();
    const party = relyingParty(platform, 'p1');
    await party.signIn(jar, {}, [logIn(citizenId)]);
    const inFlight = jar.copy();
    const live = liveFace(citizenId);
    await party.signIn(jar, { claims: essential('advanced') }, [live]);
    t.not(cookie(jar), cookie(inFlight));
    const before = cookie(inFlight);
    const late = await inFlight.get(`/oauth/logout`);
    t.deepEqual(late.headers.getSetCookie(), [], 'which a browser would have kept instead of the new one');
    const signedOn = await relyingParty(platform, 'p2').authorize(inFlight, { prompt: 'none' });
    t.true(signedOn.params?.has('code'));
    t.is(cookie(inFlight), before);
    shiftProcessClock(31_000);
    t.true(await isLoggedIn(platform, jar));
    t.false(await isLoggedIn(platform, inFlight));
  },
);

test.serial('two tabs that step up at once leave the browser with a cookie that works', async (t) => {
  const platform = await startProtocol(t, { clients: CLIENTS });
  const citizenId = await platform.citizen('advanced');
  const jar = platform.jar();
  await relyingParty(platform, 'p1').signIn(jar, {}, [logIn(citizenId)]);
  const live = liveFace(citizenId);
  const begun = await Promise.all(
    ['p1', 'p2', 'p3'].map(async (id) => {
      const tab = jar.copy();
      const asked = await relyingParty(platform, id).authorize(tab, { claims: essential('advanced') });
      return { tab, path: asked.interaction?.path ?? '' };
    }),
  );
  const answered = await Promise.all(begun.map(({ tab, path }) => tab.post(path, live)));
  const ends = await Promise.all(begun.map(({ tab }, n) => tab.get(answered[n]?.location ?? '')));
  t.true(ends.every(({ location }) => location?.includes('code=')));
  const given = ends.map(({ headers }) => headers.getSetCookie().some((line) => /^ymt_session=/.test(line)));
  t.is(given.filter(Boolean).length, 1, 'only one of them rotated the identifier');
  shiftProcessClock(31_000);
  t.true(await isLoggedIn(platform, begun[given.indexOf(true)]!.tab));
});

test.serial(
  'a cookie planted before the login opens nothing afterwards, not even with two logins at once',
  async (t) => {
    const platform = await startProtocol(t, { clients: CLIENTS });
    const citizenId = await platform.citizen('basic');
    const attacker = platform.jar();
    await attacker.get('/oauth/logout');
    t.truthy(cookie(attacker));
    const victim = attacker.copy();
    const done = await Promise.all(
      ['p1', 'p2'].map((id) => relyingParty(platform, id).authorize(victim, {}, [logIn(citizenId)])),
    );
    t.true(done.some(({ params }) => params?.has('code')));
    t.false(await isLoggedIn(platform, attacker));
    t.true(await isLoggedIn(platform, victim));
  },
);

test.serial('a session ends a day after its login, however busy it is', async (t) => {
  const platform = await startProtocol(t, { clients: CLIENTS });
  const jar = platform.jar();
  await relyingParty(platform, 'p1').signIn(jar, {}, [logIn(await platform.citizen('basic'))]);
  for (const hours of [7, 14, 21, 23.9]) {
    shiftProcessClock(hours * HOUR);
    t.true(await isLoggedIn(platform, jar), `${hours} hours`);
  }
  // A request a moment before the end that writes the session must not give it another moment.
  shiftProcessClock(24 * HOUR - 2_500);
  t.true((await relyingParty(platform, 'p2').authorize(jar)).params?.has('code'));
  const [row] = await platform.db.query<{ over: boolean }>(
    `select expires_at <= login_at + interval '24 hours' as over from sessions`,
  );
  t.true(row?.over);
  shiftProcessClock(24 * HOUR + 1_000);
  t.false(await isLoggedIn(platform, jar));
});

test.serial('changing account ends the first session, with its tokens, and tells its portals', async (t) => {
  const platform = await startProtocol(t, { clients: CLIENTS });
  const [first, second] = [await platform.citizen('basic'), await platform.citizen('basic')];
  const jar = platform.jar();
  const party = relyingParty(platform, 'p1');
  const tokens = await party.signIn(jar, {}, [logIn(first)]);
  const { stopped } = await relyingParty(platform, 'p2').authorize(jar, { prompt: 'login' }, [logIn(second)]);
  const form = stopped?.text ?? '';
  t.regex(form, /action="[^"]*\/oauth\/logout\/confirm"/, 'a form that submits itself');
  t.regex(form, /<noscript>[\s\S]*<button/, 'and a button for browsers without script');
  const script = /<script>([\s\S]*?)<\/script>/.exec(form)?.[1] ?? '';
  const hash = createHash('sha256').update(script).digest('base64');
  t.true(stopped?.headers.get('content-security-policy')?.includes(`'sha256-${hash}'`));
  const inputs = [...form.matchAll(/name="([^"]*)" value="([^"]*)"/g)].map(
    ([, n = '', v = '']): [string, string] => [n, v],
  );
  let answer = await jar.post('/oauth/logout/confirm', new URLSearchParams(inputs));
  while (answer.location?.startsWith(platform.issuer)) answer = await jar.get(answer.location);
  t.regex(answer.location ?? '', /^http:\/\/p2\.localhost.*code=/);
  t.true(platform.notices.some(({ clientId }) => clientId === 'p1'));
  t.true(platform.notices.every(({ accountId }) => accountId === first));
  t.like(await party.introspect(tokens.access_token), { active: false });
  const now = claimsOf(await party.signIn(jar));
  t.not(now.sub, claimsOf(tokens).sub, 'the second citizen');
});

test.serial(
  'who logs in while a visitor’s sign-on is under way is neither logged out nor sent round',
  async (t) => {
    const platform = await startProtocol(t, {
      clients: [...CLIENTS, portal('city-a', { allow_anonymous: true })],
    });
    const citizenId = await platform.citizen('basic');
    const jar = platform.jar();
    const query = new URLSearchParams({
      client_id: 'city-a',
      redirect_uri: 'http://city-a.localhost:4000/callback',
      response_type: 'code',
      scope: 'openid',
      acr_values: 'urn:ymt:acr:anonymous',
      code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
      code_challenge_method: 'S256',
    });
    const visiting = await jar.get(`/oauth/authorize?${query}`);
    const real = claimsOf(await relyingParty(platform, 'p1').signIn(jar, {}, [logIn(citizenId)]));
    let answer = await jar.get(visiting.location ?? '');
    while (answer.location?.startsWith(platform.issuer)) answer = await jar.get(answer.location);
    t.regex(answer.location ?? '', /^http:\/\/city-a\.localhost.*code=/);
    t.deepEqual(platform.notices, []);
    t.is(claimsOf(await relyingParty(platform, 'p1').signIn(jar)).sub, real.sub, 'still logged in');
  },
);

test.serial('a sign-on of a visitor that fails at the end leaves no session either', async (t) => {
  const platform = await startProtocol(t, {
    clients: [portal('city-a', { allow_anonymous: true }), ...CLIENTS],
  });
  const jar = platform.jar();
  const party = relyingParty(platform, 'city-a');
  const refused = await party.authorize(jar, { acr_values: 'urn:ymt:acr:anonymous', max_age: '-1' });
  t.truthy(refused.params?.get('error') ?? refused.stopped);
  await party.signIn(jar, { acr_values: 'urn:ymt:acr:anonymous' });
  t.false(jar.cookies.has('ymt_session'));
  const real = claimsOf(await party.signIn(jar, {}, [logIn(await platform.citizen('basic'))]));
  t.is(real.acr, 'urn:ymt:acr:basic');
});

test('somebody who logged in at one portal is logged in at another at once, under another subject', async (t) => {
  const platform = await startProtocol(t, { clients: [portal('city-a'), portal('city-b')] });
  const citizenId = await platform.citizen('basic');
  const jar = platform.jar();
  t.teardown(() => platform.errors.length > 0 && t.log(platform.errors));
  const a = claimsOf(await relyingParty(platform, 'city-a').signIn(jar, {}, [logIn(citizenId)]));
  const b = claimsOf(await relyingParty(platform, 'city-b').signIn(jar));
  t.is(a.acr, 'urn:ymt:acr:basic');
  t.is(b.acr, 'urn:ymt:acr:basic');
  t.deepEqual(b.amr, ['pwd', 'sms', 'mfa']);
  t.is(a.auth_time, b.auth_time);
  t.not(a.sub, b.sub);
  t.is(a.achieved_acr, 'urn:ymt:acr:basic');
  t.deepEqual(platform.errors, []);
});

test('whoever is sent to register is logged in afterwards, and whoever is logged in need not', async (t) => {
  const platform = await startProtocol(t, {
    clients: [portal('city-a', { allow_anonymous: true }), portal('city-b')],
  });
  const citizenId = await platform.citizen('basic');
  const jar = platform.jar();
  const a = relyingParty(platform, 'city-a');
  t.is((await a.authorize(jar, { prompt: 'create none' })).params?.get('error'), 'invalid_request');
  await a.signIn(jar, { acr_values: acr('anonymous') });
  const asked = await a.authorize(jar, { prompt: 'create', acr_values: acr('anonymous') });
  t.like(asked.interaction?.details, { prompt: 'login', wantsAccount: true, reasons: ['no_account'] });
  const first = claimsOf(await a.signIn(jar, { prompt: 'create' }, [logIn(citizenId)]));
  t.is(first.acr, acr('basic'));
  const again = await a.signIn(jar, { prompt: 'create' });
  t.is(claimsOf(again).sub, first.sub);
  t.like((await a.authorize(jar, { prompt: 'create login' })).interaction?.details, {
    prompt: 'login',
    wantsAccount: undefined,
  });
});

/** Portals, and a page of ours that says which language it is in. */
const multilingual = sharedWorld((t) =>
  startProtocol(t, {
    clients: [portal('city-a'), portal('city-b')],
    mount: () => async (ctx, next) => {
      if (ctx.path !== '/language') return next();
      ctx.body = ctx.state.locale;
    },
  }),
);

/** A browser of somebody who has chosen no language. */
function languages() {
  const platform = multilingual();
  const jar = platform.jar();
  const page = async (query = '') => (await jar.get(`/language${query}`, { 'accept-language': 'fr' })).text;
  return { ...platform, browser: jar, page, party: relyingParty(platform, 'city-a') };
}

for (const pushed of [false, true]) {
  test(`pages are in the language that a portal asks for${pushed ? ' in a pushed request' : ''}`, async (t) => {
    const { browser, page, party } = languages();
    t.is(await page(), 'zh-CN');
    await party.authorize(browser, { ui_locales: 'fr-CA en-GB zh' }, [], pushed);
    t.is(await page(), 'en');
    await party.authorize(browser, { ui_locales: 'zh-Hans-CN en' }, [], pushed);
    t.is(await page(), 'zh-CN');
  });
}

test('what one portal asked for does not count at the next, and an unknown language is none', async (t) => {
  const platform = languages();
  const { browser, page, party } = platform;
  await party.authorize(browser, { ui_locales: 'en' });
  await relyingParty(platform, 'city-b').authorize(browser);
  t.is(await page(), 'zh-CN');
  await party.authorize(browser, { ui_locales: 'fr; de=1' });
  t.is(await page(), 'zh-CN');
});

test("a citizen's own choice of language stands above the portal's", async (t) => {
  const { browser, page, party } = languages();
  await browser.post('/preferences', new URLSearchParams({ locale: 'zh-CN', return_to: '/' }));
  await party.authorize(browser, { ui_locales: 'en' });
  t.is(await page(), 'zh-CN');
  t.is(await page('?lang=en'), 'en');
});

test('an error of the protocol and the question at logout are in that language at once', async (t) => {
  const { browser, party, citizen } = languages();
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
