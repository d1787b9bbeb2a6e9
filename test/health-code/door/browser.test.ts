import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import type { Page } from 'playwright-core';
import { decideFor } from '../../../src/health-code/decide.ts';
import { readAttestation } from '../../../src/health-code/wire/attestation.js';
import { DESKTOP, look, openBrowser, screenshot, type TestBrowser } from '../../support/browser.ts';
import { NOW, residentIdOf } from '../../support/citizens.ts';
import { givenDeclared, givenEvidence, givenHealthCode } from '../../support/health.ts';
import { givenVenue } from '../../support/health-door.ts';
import { startHealth } from '../../support/health-pages.ts';

let browser: TestBrowser;
test.before(async () => {
  browser = await openBrowser();
});
test.after.always(() => browser?.close());

/** A phone that has opened its code once, and a door that has been set up. */
async function world(t: ExecutionContext, locale: 'zh-CN' | 'en' = 'zh-CN') {
  const visitors = {
    provinces: async () => [{ issuer: '380000', name: '邻省' }],
    ask: async () => 'NOT_GREEN' as const,
    extraProvinces: ['39'],
  };
  const site = await startHealth(t, { visitors });
  await givenHealthCode(site.db);
  const holder = await givenDeclared(site.db, 1);
  const { credential } = await givenVenue(site.db);
  site.world.citizenId = holder.citizenId;
  const options = { baseURL: site.url, locale };
  const phone = await browser.page(options);
  const door = await browser.page({ ...options, viewport: DESKTOP });
  const refused: string[] = [];
  for (const page of [phone, door]) {
    page.on('console', (message) => message.type() === 'error' && refused.push(message.text()));
    page.on('pageerror', (error) => refused.push(String(error)));
  }
  t.teardown(() => Promise.all([phone.context().close(), door.context().close()]));
  return { site, holder, credential, phone, door, refused };
}
type World = Awaited<ReturnType<typeof world>>;

async function setUp({ door, credential }: World): Promise<void> {
  await door.goto('/health/verify');
  await door.fill('[name=device_code]', credential.toLowerCase());
  await door.locator('button[value=continue]').click();
  await door.locator('html[data-door-ready]').waitFor();
}

/** The verdict on what is typed at the door, and whom it names. */
async function check(door: Page, code: string, document = ''): Promise<string> {
  await door.evaluate(`document.querySelector('[data-result]').replaceChildren()`);
  await door.fill('[name=health_code]', code);
  await door.fill('[name=document]', document);
  await door.locator('[data-check] button').click();
  const box = door.locator('[data-result] .verdict');
  await box.waitFor();
  return (await box.getAttribute('data-verdict')) ?? '';
}

/** Waits in the test, not in the page: the page's policy forbids evaluating text, and its clock may stand still. */
async function until(page: Page, expression: string): Promise<void> {
  while (!(await page.evaluate(expression))) await sleep(50);
}

const onlineCode = async (phone: Page) => (await phone.locator('[data-code]').first().textContent()) ?? '';
const offlineCode = async (phone: Page) => {
  await phone.locator('[data-qr][data-code]').waitFor();
  return (await phone.locator('[data-qr]').getAttribute('data-code')) ?? '';
};
/** Waits until the phone keeps a card and the pages that work without network. */
async function keptOn(phone: Page): Promise<void> {
  await phone.goto('/health/code');
  await phone.locator('[data-offline-state]:not([hidden])').waitFor();
  await until(
    phone,
    `caches.match('/health/code/offline').then((kept) => Boolean(kept && navigator.serviceWorker.controller))`,
  );
}

/** The card that a phone keeps, in the page's language. */
const CARD = `new Promise((resolve) => {
  indexedDB.open('yimatong-health').onsuccess = ({ target: { result: db } }) => {
    db.transaction('cards').objectStore('cards').get('self').onsuccess = ({ target: { result } }) => {
      db.close();
      resolve(result);
    };
  };
})`;
async function cardOn(phone: Page) {
  const card = (await phone.evaluate(`${CARD}.then(async ({ attestation, privateKey, renewAt }) => ({
    attestation: [...attestation],
    renewAt,
    extractable: privateKey.extractable,
    exported: await crypto.subtle.exportKey('jwk', privateKey).then(() => 'yes', ({ name }) => name),
  }))`)) as { attestation: number[]; renewAt: number; extractable: boolean; exported: string };
  const { device } = readAttestation(Uint8Array.from(card.attestation))!.attestation;
  return { ...card, device };
}

test.serial('an online code shown twice to one door fails, and one after its minute fails', async (t) => {
  const at = await world(t);
  const { site, phone, door } = at;
  await setUp(at);
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
    const at = await world(t);
    const { phone, door } = at;
    await setUp(at);
    await keptOn(phone);
    await phone.goto('/health/code/offline');
    const code = await offlineCode(phone);
    t.is(await check(door, code), 'valid');
    t.is(await check(door, code), 'shown_before');
    const gate = await browser.page({ baseURL: at.site.url });
    await setUp({ ...at, door: gate });
    t.is(await check(gate, code), 'shown_before', 'another gate of the venue');
    await gate.context().close();
  },
);

test.serial(
  'a door without network keeps its page, and a colour that got worse is refused once it knows',
  async (t) => {
    const at = await world(t);
    const { site, phone, door, holder } = at;
    await setUp(at);
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
  const at = await world(t);
  const { phone, door } = at;
  await setUp(at);
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
