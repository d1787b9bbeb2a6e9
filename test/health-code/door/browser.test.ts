import test, { type ExecutionContext } from 'ava';
import { decideFor } from '../../../src/health-code/decide.ts';
import { DESKTOP, look, openBrowser, screenshot, type TestBrowser } from '../../support/browser.ts';
import { NOW, residentIdOf } from '../../support/citizens.ts';
import { givenDeclared, givenEvidence, givenHealthCode } from '../../support/health.ts';
import { CARD, cardOn, check, keptOn, offlineCode, onlineCode, until } from '../../support/health-devices.ts';
import { givenVenue } from '../../support/health-door.ts';
import { startHealth } from '../../support/health-pages.ts';

let browser: TestBrowser;
/** For tests that leave the clock, the language and the network of others alone. */
let shared: Place;
let people = 0;
test.before(async (t) => {
  browser = await openBrowser();
  shared = await open(t);
  await setUp(shared);
});
test.after.always(async () => {
  await browser?.close();
  await shared?.site.db.close();
});

/** A phone and a door in front of the pages. */
async function open(t: ExecutionContext<unknown>, locale: 'zh-CN' | 'en' = 'zh-CN') {
  const visitors = {
    provinces: async () => [{ issuer: '380000', name: '邻省' }],
    ask: async () => 'NOT_GREEN' as const,
    extraProvinces: ['39'],
  };
  const site = await startHealth(t, { visitors });
  await givenHealthCode(site.db);
  const { credential } = await givenVenue(site.db);
  const options = { baseURL: site.url, locale };
  const phone = await browser.page(options);
  const door = await browser.page({ ...options, viewport: DESKTOP });
  const refused: string[] = [];
  for (const page of [phone, door]) {
    page.on('console', (message) => message.type() === 'error' && refused.push(message.text()));
    page.on('pageerror', (error) => refused.push(String(error)));
  }
  return { site, credential, phone, door, refused };
}
type Place = Awaited<ReturnType<typeof open>>;

/** Somebody green whose phone it is from now on. */
async function enter(place: Place) {
  people += 1;
  const holder = await givenDeclared(place.site.db, people);
  place.site.world.citizenId = holder.citizenId;
  place.refused.length = 0;
  return { ...place, holder };
}

/** A phone and a door of the test's own. */
async function world(t: ExecutionContext, locale?: 'zh-CN' | 'en') {
  const place = await open(t, locale);
  t.teardown(() => Promise.all([place.phone.context().close(), place.door.context().close()]));
  return enter(place);
}

/** The phone and the door that tests share; the door is on its page, as it was set up. */
async function sharedWorld(t: ExecutionContext) {
  const { site, door } = shared;
  t.teardown(async () => {
    site.world.now = NOW;
    await door.context().setOffline(false);
  });
  await door.goto('/health/verify');
  await door.locator('html[data-door-ready]').waitFor();
  return enter(shared);
}

async function setUp({ door, credential }: Pick<Place, 'door' | 'credential'>): Promise<void> {
  await door.goto('/health/verify');
  await door.fill('[name=device_code]', credential.toLowerCase());
  await door.locator('button[value=continue]').click();
  await door.locator('html[data-door-ready]').waitFor();
}

test.serial('an online code shown twice to one door fails, and one after its minute fails', async (t) => {
  const at = await sharedWorld(t);
  const { site, phone, door } = at;
  await phone.goto('/health/code');
  const code = await onlineCode(phone);
  t.is(await check(door, code), 'valid');
  t.is(await door.locator('[data-result] [data-name]').textContent(), '示**');
  t.is(await door.locator('[data-result] [data-last-two]').textContent(), at.holder.lastTwo);
  t.is(await check(door, code), 'shown_before');
  await phone.locator('[data-refresh]').click();
  await until(phone, `document.querySelector('[data-code]').textContent !== ${JSON.stringify(code)}`);
  const next = await onlineCode(phone);
  site.world.now = new Date(NOW.getTime() + 61_000);
  t.is(await check(door, next), 'expired');
  t.deepEqual(at.refused, []);
});

test.serial(
  'without network a code shown twice to one door fails, and one after its window fails',
  async (t) => {
    const at = await world(t);
    const { phone, door } = at;
    await door.clock.install();
    await setUp(at);
    await keptOn(phone);
    await phone.context().setOffline(true);
    await phone.goto('/health/code');
    const code = await offlineCode(phone);
    t.is(await phone.locator('.health-card').getAttribute('data-colour'), 'GREEN');
    t.is(await phone.locator('[data-name]').textContent(), '示**');
    await screenshot(phone, 'health-offline-phone');

    await door.context().setOffline(true);
    t.is(await check(door, code), 'valid');
    t.is(await check(door, code), 'shown_before');
    t.regex((await door.locator('[data-net]').textContent()) ?? '', /没有网络/);
    await screenshot(door, 'health-door-offline');
    t.is(await check(door, 'HK1:ABC'), 'needs_network');
    await phone.reload();
    const later = await offlineCode(phone);
    await door.clock.fastForward(95_000);
    t.is(await check(door, later), 'expired');

    const age = () => door.locator('[data-age]').textContent();
    t.regex((await age()) ?? '', /更新于 1 分钟前/);
    await door.clock.fastForward(14 * 60_000);
    t.regex((await age()) ?? '', /已 15 分钟未更新/);
    // A day later, on a phone that was online meanwhile.
    const DAY_MS = 24 * 3_600_000;
    await door.clock.fastForward(DAY_MS);
    at.site.world.now = new Date(NOW.getTime() + DAY_MS + 95_000 + 14 * 60_000);
    const other = await browser.page({ baseURL: at.site.url, locale: 'zh-CN' });
    await keptOn(other);
    await other.goto('/health/code/offline');
    t.is(await check(door, await offlineCode(other)), 'unchecked', 'by a list of yesterday nothing is valid');
    await other.context().close();
  },
);

test.serial(
  'with network the door refuses what it saw without, and the platform what another gate saw',
  async (t) => {
    const { site, credential, phone, door } = await sharedWorld(t);
    await keptOn(phone);
    await phone.goto('/health/code/offline');
    const code = await offlineCode(phone);
    t.is(await check(door, code), 'valid');
    t.is(await check(door, code), 'shown_before');
    const gate = await browser.page({ baseURL: site.url });
    await setUp({ door: gate, credential });
    t.is(await check(gate, code), 'shown_before', 'another gate of the venue');
    await gate.context().close();
  },
);

test.serial(
  'a door without network keeps its page, and a colour that got worse is refused once it knows',
  async (t) => {
    const { site, phone, door, holder } = await sharedWorld(t);
    await until(
      door,
      `caches.match('/health/verify/offline').then((kept) => Boolean(kept && navigator.serviceWorker.controller))`,
    );
    await keptOn(phone);
    await phone.goto('/health/code/offline');
    const green = await offlineCode(phone);
    await givenEvidence(site.db, holder.subject, { type: 'CLOSE_CONTACT', source: 'cdc', at: NOW });
    await decideFor(site.db, holder.citizenId, NOW);
    await door.reload();
    await door.locator('html[data-door-ready]').waitFor();
    await door.context().setOffline(true);
    await door.goto('/health/verify');
    await door.locator('html[data-door-ready]').waitFor();
    t.is(await door.locator('[data-venue]').textContent(), '甲市图书馆');
    t.is(await check(door, green), 'withdrawn');
  },
);

test.serial('a gate with a screen lets only the phone through that answers its question', async (t) => {
  const at = await sharedWorld(t);
  const { phone, door } = at;
  await keptOn(phone);
  await phone.goto('/health/code/offline');
  const plain = await offlineCode(phone);
  await door.locator('[data-ask]').click();
  t.is(await check(door, plain), 'wrong_nonce');
  t.is(await check(door, 'HK1:ABC'), 'wrong_nonce');
  const question = (await door.locator('[data-digits]').textContent()) ?? '';
  t.regex(question, /^\d{4} \d{4}$/);
  await screenshot(door, 'health-door-gate');
  await phone.fill('[name=question]', question);
  await phone.locator('[data-gate-form] button[value=continue]').click();
  await phone.locator('[data-answering]:not([hidden])').waitFor();
  const answer = await offlineCode(phone);
  await screenshot(phone, 'health-offline-answer');
  t.is(await check(door, answer), 'valid');
  t.is(await check(door, answer), 'wrong_nonce', 'the next question is another one');
  t.deepEqual(at.refused, []);
});

test.serial(
  'the code is replaced before it ends, the clock ticks, and another colour shows itself',
  async (t) => {
    const at = await world(t);
    const { site, phone, holder } = at;
    await phone.clock.install();
    await keptOn(phone);
    const first = await cardOn(phone);
    t.deepEqual([first.extractable, first.exported], [false, 'InvalidAccessError']);
    site.world.now = new Date(NOW.getTime() + 3_660_000);
    await phone.clock.fastForward(3_660_000);
    await until(phone, `${CARD}.then(({ renewAt }) => renewAt > ${first.renewAt})`);
    const second = await cardOn(phone);
    t.notDeepEqual(second.device, first.device, 'another key pair after an hour');
    t.is(second.extractable, false);
    site.world.now = NOW;
    await phone.goto('/health/code');
    const [code, clock] = [await onlineCode(phone), await phone.locator('[data-clock]').textContent()];
    t.regex(clock ?? '', /^2026年11月23日 10:00:\d\d$/);
    await phone.clock.fastForward(20_000);
    t.not(await phone.locator('[data-clock]').textContent(), clock);
    t.is(await onlineCode(phone), code);
    await phone.clock.fastForward(31_000);
    await until(phone, `document.querySelector('[data-code]').textContent !== ${JSON.stringify(code)}`);
    await givenEvidence(site.db, holder.subject, { type: 'CLOSE_CONTACT', source: 'cdc', at: NOW });
    await phone.clock.fastForward(51_000);
    await phone.locator('.health-card[data-colour=RED]').waitFor();
    t.pass();
  },
);

test.serial('the pages of showing and checking are for everybody', async (t) => {
  const at = await world(t, 'en');
  const { phone, door, site, holder } = at;
  await door.goto('/health/verify');
  await look(t, door, 'verify-device');
  await setUp(at);
  await look(t, door, 'verify');
  await keptOn(phone);
  await look(t, phone, 'code');
  t.is(await check(door, await onlineCode(phone)), 'valid');
  await look(t, door, 'verify-valid');
  t.is(await check(door, 'rubbish'), 'unknown');
  await look(t, door, 'verify-unknown');
  await door.selectOption('[name=province]', '380000');
  await door.fill('[name=id_number]', residentIdOf(1));
  await door.locator('form[action="/health/verify/visitor"] button').click();
  await door.locator('[data-verdict=visitor_not_green]').waitFor();
  await look(t, door, 'verify-visitor');
  await door.goto('/health/verify');
  await door.locator('html[data-door-ready]').waitFor();
  await phone.goto('/health/code/offline');
  await offlineCode(phone);
  await look(t, phone, 'offline');
  await phone.goto('/health/paper');
  await phone.locator('main button[value=continue]').click();
  await look(t, phone, 'paper-sheet');
  const paper = (await phone.locator('.sheet .code-text').textContent()) ?? '';
  t.is(await check(door, paper), 'document_missing');
  t.is(await door.inputValue('[name=health_code]'), paper);
  await look(t, door, 'verify-document');
  await phone.goto('/health/paper');
  await look(t, phone, 'paper');
  for (const [type, source] of [
    ['MEDIUM_RISK_STAY', 'transport'],
    ['CLOSE_CONTACT', 'cdc'],
  ] as const) {
    await givenEvidence(site.db, holder.subject, { type, source, at: NOW });
    await phone.goto('/health/code');
    await look(t, phone, `code-${type}`);
    t.is(await check(door, await onlineCode(phone)), 'wrong_colour');
    await look(t, door, `verify-${type}`);
  }
  t.deepEqual(at.refused, []);
});
