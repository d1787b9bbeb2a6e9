import test, { type ExecutionContext } from 'ava';
import type { Look } from '../../../sandbox/portal/settings.ts';
import { giveConsents } from '../../../src/consents/store.ts';
import type { HealthClaimSource } from '../../../src/oidc/release-claims.ts';
import { shiftProcessClock } from '../../../src/platform/clock.ts';
import type { Answered, Jar } from '../../support/http-client.ts';
import { type Answer, startProtocol } from '../../support/protocol.ts';
import { logIn } from '../../support/relying-party.ts';
import { planPortals } from './portals.ts';

async function province(t: ExecutionContext<unknown>, healthClaim?: HealthClaimSource) {
  const { origins, clients, open } = await planPortals(t);
  const allow = Object.values(origins);
  const platform = await startProtocol(t, { clients, allow, healthClaim });
  open(platform.issuer);
  return { platform, origins, browser: () => browser(platform.issuer, platform.jar()) };
}

/** Follows redirects and self-submitting forms like a browser, and answers interactions in order. */
function browser(issuer: string, jar: Jar) {
  async function follow(page: Answered, answers: Answer[], visited: string[]): Promise<Answered> {
    if (visited.length > 25) throw new Error(`a loop: ${visited.slice(-6).join(' → ')}`);
    const onward = (next: Answered, url: string) => follow(next, answers, [...visited, url]);
    if (page.location) {
      const url = page.location;
      const { pathname, origin } = new URL(url);
      const next = await jar.get(url);
      const asked = origin === issuer && pathname.startsWith('/interaction/') && next.status === 200;
      const answer = asked ? answers.shift() : undefined;
      if (answer) return onward(await jar.post(url, answer), url);
      return onward(next, url);
    }
    const form = /<form[^>]*method="post"[^>]*action="([^"]*\/callback)"/i.exec(page.text)?.[1];
    if (!form) return page;
    const inputs = [...page.text.matchAll(/<input[^>]*name="([^"]*)"[^>]*value="([^"]*)"/g)];
    const body = new URLSearchParams(
      inputs.map(([, name = '', value = '']): [string, string] => [name, value]),
    );
    return onward(await jar.post(form, body), form);
  }
  return {
    jar,
    open: async (url: string, ...answers: Answer[]) => follow(await jar.get(url), answers, [url]),
    post: async (url: string) => follow(await jar.post(url, new URLSearchParams()), [], [url]),
    async knows(origin: string) {
      return JSON.parse((await jar.get(`${origin}/session.json`)).text) as Record<string, unknown>;
    },
  };
}

const errorOf = (page: string) => /<meta name="ymt-error" content="(\w+)">/.exec(page)?.[1];
const FACE = { method: 'live_face' } as const;

test('a first visit to city A is an anonymous visitor’s, without any page of the platform', async (t) => {
  const { origins, browser } = await province(t);
  const visitor = browser();
  const page = await visitor.open(`${origins['city-a']}/`);
  t.is(page.status, 200);
  t.regex(page.text, /data-state="visitor"/);
  t.regex(page.text, /urn:ymt:acr:anonymous/);
  t.regex(page.text, /公开信息/);
  t.is((await visitor.knows(origins['city-a'])).state, 'visitor');
});

test('a browser without cookies sees city A’s public page and is not sent round', async (t) => {
  const { platform, origins } = await province(t);
  const forgetful = { ...platform.jar() };
  const bare: Jar = { ...forgetful, get: (url, headers) => platform.jar().get(url, headers) };
  const page = await browser(platform.issuer, bare).open(`${origins['city-a']}/`);
  t.is(page.status, 200);
  t.regex(page.text, /data-state="public"/);
});

test('logged in at city A, one is logged in at city B at once, as another subject', async (t) => {
  const { platform, origins, browser } = await province(t);
  const citizenId = await platform.citizen('basic');
  const citizen = browser();
  await citizen.open(`${origins['city-a']}/`);
  const page = await citizen.open(`${origins['city-a']}/login`, logIn(citizenId));
  t.regex(page.text, /data-state="signed-in"/);
  const b = await citizen.open(`${origins['city-b']}/`);
  t.regex(b.text, /data-state="signed-in"/);
  const [atA, atB] = [await citizen.knows(origins['city-a']), await citizen.knows(origins['city-b'])];
  t.is(atA.acr, 'urn:ymt:acr:basic');
  t.is(atB.acr, 'urn:ymt:acr:basic');
  t.not(atA.sub, atB.sub);
  t.notRegex(page.text + b.text, /eyJ|access_token|id_token/);
});

test('logging out at city B logs out at city A too', async (t) => {
  const { platform, origins, browser } = await province(t);
  const citizenId = await platform.citizen('basic');
  const citizen = browser();
  await citizen.open(`${origins['city-a']}/login`, logIn(citizenId));
  await citizen.open(`${origins['city-b']}/`);
  const confirmation = await citizen.post(`${origins['city-b']}/logout`);
  t.regex(confirmation.text, /name="xsrf"/);
  t.notRegex(confirmation.text, /eyJ/);
  const xsrf = /name="xsrf" value="([^"]*)"/.exec(confirmation.text)?.[1] ?? '';
  const done = await citizen.jar.post('/oauth/logout/confirm', new URLSearchParams({ xsrf, logout: 'yes' }));
  t.true(done.location?.startsWith(`${origins['city-b']}/logged-out`));
  t.is((await citizen.knows(origins['city-a'])).state, 'signed-in');
  await platform.deliverNotices();
  t.is((await citizen.knows(origins['city-a'])).state, 'public');
  t.is((await citizen.knows(origins['city-b'])).state, 'public');
});

test('the pension page asks for intermediate, and city A’s session is untouched by it', async (t) => {
  const { platform, origins, browser } = await province(t);
  const citizenId = await platform.citizen('intermediate');
  const citizen = browser();
  await citizen.open(`${origins['city-a']}/login`, logIn(citizenId));
  const before = await citizen.knows(origins['city-a']);
  const page = await citizen.open(`${origins.hrss}/pension`);
  t.is(page.status, 200);
  t.regex(page.text, /data-acr="urn:ymt:acr:intermediate"/);
  t.regex(page.text, /累计缴费月数/);
  t.deepEqual(await citizen.knows(origins['city-a']), before);
});

test('somebody whose account is basic does not see the pension, and is told how to go on', async (t) => {
  const { platform, origins, browser } = await province(t);
  const citizen = browser();
  const citizenId = await platform.citizen('basic');
  await citizen.open(`${origins.hrss}/login`, logIn(citizenId));
  const page = await citizen.open(`${origins.hrss}/pension`, { act: 'decline' });
  t.is(page.status, 403);
  t.is(errorOf(page.text), 'unmet_authentication_requirements');
  t.regex(page.text, /href="\/pension"/);
  t.regex(page.text, /prompt=login/);
});

test('the certificate opens after a live check', async (t) => {
  const { platform, origins, browser } = await province(t);
  const citizenId = await platform.citizen('advanced');
  const citizen = browser();
  const { proofs } = logIn(citizenId) as Extract<Answer, { act: 'log_in' }>;
  const page = await citizen.open(`${origins.hrss}/certificate`, {
    act: 'log_in',
    citizenId,
    proofs: [...proofs, FACE],
  });
  t.is(page.status, 200);
  t.regex(page.text, /data-acr="urn:ymt:acr:advanced"/);
});

test('the tax bureau takes its answer by form post', async (t) => {
  const { platform, origins, browser } = await province(t);
  const citizen = browser();
  const page = await citizen.open(`${origins.tax}/income`, logIn(await platform.citizen('intermediate')));
  t.is(page.status, 200);
  t.regex(page.text, /个人所得税纳税明细/);
});

test('the epidemic page is another client: another subject, and the colour in words', async (t) => {
  const { platform, origins, browser } = await province(t, async ({ client, now }) => ({
    colour: client.id === 'city-a-epidemic' ? 'GREEN' : 'RED',
    region: '390000',
    assessed_at: now.toISOString(),
    valid_until: now.toISOString(),
    ruleset: '2020-1',
  }));
  const citizenId = await platform.citizen('basic');
  await giveConsents(platform.db, {
    citizenId,
    clientId: 'city-a-epidemic',
    claimSets: [{ id: 'health_code', claims: ['health_code'], separate: true }],
    now: new Date(),
  });
  const citizen = browser();
  await citizen.open(`${origins['city-a']}/login`, logIn(citizenId));
  const page = await citizen.open(`${origins['city-a']}/epidemic`);
  t.is(page.status, 200);
  t.regex(page.text, /data-colour="green"/);
  t.regex(page.text, /当前为绿码/);
});

test('without a claim the epidemic page says so and shows no colour', async (t) => {
  const { platform, origins, browser } = await province(t);
  const citizen = browser();
  await citizen.open(`${origins['city-a']}/login`, logIn(await platform.citizen('basic')));
  const page = await citizen.open(`${origins['city-a']}/epidemic`, {
    act: 'consent',
    allowed: ['health_code'],
  });
  t.is(page.status, 200);
  t.regex(page.text, /data-colour="none"/);
  t.regex(page.text, /暂时没有健康码信息/);
});

/** Port 9 is `discard`: nobody answers there. */
const NOBODY = 'http://127.0.0.1:9';

async function alone(t: ExecutionContext, look: Look): Promise<string> {
  const { origins, open } = await planPortals(t);
  open(NOBODY, [look]);
  return origins[look];
}

for (const look of ['city-a', 'city-b', 'hrss', 'tax'] as const) {
  test(`${look} shows its public page in both languages while the platform is away`, async (t) => {
    const url = await alone(t, look);
    const chinese = await fetch(url);
    t.is(chinese.status, 200);
    const page = await chinese.text();
    t.regex(page, /<html lang="zh-CN">/);
    t.regex(page, /data-state="public"/);
    t.notRegex(page, /<script|style="/);
    t.regex(await (await fetch(`${url}/?lang=en`)).text(), /<html lang="en">/);
    for (const file of ['base.css', 'look.css', 'logo.svg'])
      t.is((await fetch(`${url}/${file}`)).status, 200);
  });

  test(`${look} says so when somebody wants to log in or register and the platform is away`, async (t) => {
    const url = await alone(t, look);
    for (const path of ['/login', '/register']) {
      const response = await fetch(url + path, { redirect: 'manual' });
      t.is(response.status, 503);
      t.is(errorOf(await response.text()), 'platform_unreachable');
    }
  });
}

test('an answer that nobody waits for is an expired login, and a visitor’s leads home for good', async (t) => {
  const url = await alone(t, 'city-a');
  const response = await fetch(`${url}/callback?state=l.unknown&code=x`);
  t.is(errorOf(await response.text()), 'login_expired');
  const visitor = await fetch(`${url}/callback?state=v.unknown&error=login_required`, { redirect: 'manual' });
  t.is(visitor.headers.get('location'), '/?visitor=1');
});

test('an unknown page has an error page of the portal', async (t) => {
  const response = await fetch(`${await alone(t, 'tax')}/nowhere`);
  t.is(response.status, 404);
  t.is(errorOf(await response.text()), 'not_found');
});

test('the pension API wants a token, and lets nobody in while it cannot ask', async (t) => {
  const url = await alone(t, 'hrss');
  const without = await fetch(`${url}/api/pension`);
  t.is(without.status, 401);
  t.is(without.headers.get('www-authenticate'), 'Bearer');
  const unknown = await fetch(`${url}/api/pension`, { headers: { authorization: 'Bearer abc' } });
  t.is(unknown.status, 503);
});

test('back-channel logout refuses what is no token, and asks to be tried again while it cannot check', async (t) => {
  const url = await alone(t, 'city-a');
  const post = (body: Record<string, string>) =>
    fetch(`${url}/backchannel-logout`, { method: 'POST', body: new URLSearchParams(body) });
  const missing = await post({});
  t.is(missing.status, 400);
  t.is(missing.headers.get('cache-control'), 'no-store');
  t.is((await post({ logout_token: 'a.b.c' })).status, 503);
});

test.serial('the clock of the sandbox moves a portal', async (t) => {
  const url = await alone(t, 'city-b');
  const before = Date.now();
  const response = await fetch(`${url}/sandbox/clock`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ offset: 3_600_000 }),
  });
  t.is(response.status, 200);
  t.true(Date.now() - before >= 3_600_000);
  shiftProcessClock(0);
});
