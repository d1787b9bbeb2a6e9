import test, { type ExecutionContext } from 'ava';
import type { Look } from '../../../sandbox/portal/settings.ts';
import { shiftProcessClock } from '../../../src/platform/clock.ts';
import { planPortals } from './portals.ts';

/** Port 9 is `discard`: nobody answers there. */
const NOBODY = 'http://127.0.0.1:9';

async function alone(t: ExecutionContext, look: Look): Promise<string> {
  const { origins, open } = await planPortals(t);
  open(NOBODY, [look]);
  return origins[look];
}

const errorOf = (page: string) => /<meta name="ymt-error" content="(\w+)">/.exec(page)?.[1];

for (const look of ['city-a', 'city-b', 'hrss', 'tax'] as const) {
  test(`${look} shows its public page in both languages while the platform is away`, async (t) => {
    const url = await alone(t, look);
    const chinese = await fetch(url);
    t.is(chinese.status, 200);
    const page = await chinese.text();
    t.regex(page, /<html lang="zh-CN">/);
    t.regex(page, /data-state="public"/);
    t.notRegex(page, /<script|style="/);
    t.regex(page, new RegExp(`href="${NOBODY}/register"`));
    t.regex(await (await fetch(`${url}/?lang=en`)).text(), /<html lang="en">/);
    for (const file of ['base.css', 'look.css', 'logo.svg'])
      t.is((await fetch(`${url}/${file}`)).status, 200);
  });

  test(`${look} says so when somebody wants to log in and the platform is away`, async (t) => {
    const response = await fetch(`${await alone(t, look)}/login`, { redirect: 'manual' });
    t.is(response.status, 503);
    t.is(errorOf(await response.text()), 'platform_unreachable');
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
