import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Page } from 'playwright-core';
import { issueOnline } from '../../../src/health-code/show/online-code.ts';
import { openBrowser, screenshot } from '../../support/browser.ts';
import { filmCode } from '../../support/camera.ts';
import { NOW } from '../../support/citizens.ts';
import { givenDeclared, givenHealthCode } from '../../support/health.ts';
import { givenVenue } from '../../support/health-door.ts';
import { startHealth } from '../../support/health-pages.ts';

/** A browser whose camera sees this code and nothing else. */
async function browserSeeing(t: ExecutionContext, code: string) {
  const folder = mkdtempSync(join(tmpdir(), 'ymt-film-'));
  const film = join(folder, 'code.y4m');
  filmCode(film, code);
  const browser = await openBrowser({ args: [`--use-file-for-fake-video-capture=${film}`] });
  t.teardown(async () => {
    await browser.close();
    rmSync(folder, { recursive: true });
  });
  return browser;
}

const verdict = (page: Page, name: string) => page.locator(`[data-result] [data-verdict=${name}]`).waitFor();

test.serial(
  'a door’s camera reads a code once while it is held there, and again when it is shown again',
  async (t) => {
    const site = await startHealth(t);
    await givenHealthCode(site.db);
    const { citizenId } = await givenDeclared(site.db, 1);
    const { credential } = await givenVenue(site.db);
    const { code } = await issueOnline(site.db, { citizenId, now: NOW });
    const browser = await browserSeeing(t, code);
    const door = await browser.page({ baseURL: site.url, permissions: ['camera'] });
    await door.goto('/health/verify');
    await door.fill('[name=device_code]', credential);
    await door.locator('button[value=continue]').click();
    await door.locator('html[data-door-ready]').waitFor();
    const posted: string[] = [];
    door.on('request', (request) => request.method() === 'POST' && posted.push(request.url()));
    await door.locator('[data-scan]').click();
    await verdict(door, 'valid');
    await screenshot(door, 'health-door-camera');
    // Held there for a while, it is still one showing.
    await door.waitForTimeout(1_000);
    t.is(posted.length, 1);
    await door.locator('[data-scan]').click();
    await door.locator('[data-scan]').click();
    await verdict(door, 'shown_before');
    t.is(posted.length, 2);
  },
);

test.serial('a phone reads a gate’s question with its camera and answers it', async (t) => {
  const site = await startHealth(t);
  await givenHealthCode(site.db);
  site.world.citizenId = (await givenDeclared(site.db, 1)).citizenId;
  const browser = await browserSeeing(t, 'HKN:02572582');
  const phone = await browser.page({ baseURL: site.url, permissions: ['camera'] });
  await phone.goto('/health/code');
  await phone.locator('[data-offline-state]:not([hidden])').waitFor();
  await phone.goto('/health/code/offline');
  await phone.locator('[data-gate-scan]').click();
  await phone.locator('[data-answering]:not([hidden])').waitFor();
  t.regex((await phone.locator('[data-answering]').textContent()) ?? '', /02572582/);
  t.false(await phone.locator('.camera').isVisible(), 'the camera is off again');
});
