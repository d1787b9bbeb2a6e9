import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecutionContext, TestFn } from 'ava';
import { generateSync } from 'otplib';
import type { Page } from 'playwright-core';
import { openSandbox } from '../../sandbox/open.ts';
import { loadPeople, type Person } from '../../sandbox/people/person.ts';
import { processes } from '../../sandbox/processes.ts';
import { settle } from '../../sandbox/settle.ts';
import { atEachWidth, look, openBrowser, type PageOptions, screenshot } from '../support/browser.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';

/** Where the tour's programs are. The tax bureau has a host name of its own, another site than the platform's. */
export type Place = 'platform' | 'cityA' | 'cityB' | 'hrss' | 'tax' | 'authorities';
const PORTS: Record<Place, number> = {
  platform: 3000,
  cityA: 3001,
  cityB: 3002,
  hrss: 3003,
  tax: 3004,
  authorities: 3010,
};

export interface Tour {
  readonly db: TestDatabase;
  at(place: Place, path?: string): string;
  /** A page of a browser profile of its own, on a phone and in Chinese unless told; closed at the end of the test. */
  page(t: Context, options?: PageOptions): Promise<Page>;
  /** Checks what is shown with axe on a phone and on a desktop, each kind of page once. */
  look(t: Context, page: Page, name: string): Promise<void>;
  /** Only pictures: the tests of the page's own room check whether everybody can use it. */
  picture(page: Page, name: string): Promise<void>;
  /** What a portal knows of the browser's visitor. */
  knows(page: Page, place: Place): Promise<Record<string, unknown>>;
  /** The code in the newest text message to a phone. */
  sentCode(page: Page, phone: string, least?: number): Promise<string>;
  /** The code that an authenticator app shows now. */
  appCode(page: Page, secret: string): Promise<string>;
  /** Moves the clock of all programs. */
  advance(page: Page, seconds: number): Promise<void>;
  close(): Promise<void>;
}

export type Context = ExecutionContext<{ tour: Tour }>;
export type TourTest = TestFn<{ tour: Tour }>;

/** Below the range that systems hand out for port 0, so that no other test takes one of the six meanwhile. */
const anOffset = () => 5_000 + 20 * Math.floor(Math.random() * 1_000);

/** Starts what `npm start` starts, on free ports and a database of its own, and a browser to walk through it. */
export async function openTour(t: ExecutionContext<unknown>): Promise<Tour> {
  const db = await freshDatabase(t);
  const dataDir = mkdtempSync(join(tmpdir(), 'ymt-tour-'));
  const start = async (attempts: number): Promise<{ offset: number; stop(): Promise<void> }> => {
    const offset = anOffset();
    try {
      const sandbox = await openSandbox({
        dataDir,
        portOffset: offset,
        databaseUrl: db.url,
        given: { TAX_URL: `http://127.0.0.1:${3004 + offset}`, SANDBOX_HOST: '127.0.0.1' },
        programs: processes,
        prepare: settle,
      });
      return { offset, stop: sandbox.stop };
    } catch (error) {
      if (attempts > 1 && /Another program listens/.test(String(error))) return start(attempts - 1);
      throw error;
    }
  };
  const [{ offset, stop }, chrome] = await Promise.all([start(3), openBrowser()]);
  const looked = new Set<string>();

  const at = (place: Place, path = '/') =>
    `http://${place === 'tax' ? '127.0.0.1' : 'localhost'}:${PORTS[place] + offset}${path}`;
  const json = async (page: Page, url: string) => (await page.request.get(url)).json();

  return {
    db,
    at,
    async page(t, options) {
      const page = await chrome.page(options);
      t.teardown(() => page.context().close());
      return page;
    },
    picture: (page, name) =>
      process.env.SCREENSHOTS
        ? atEachWidth(page, (width) => screenshot(page, `tour-${name}-${width}`))
        : Promise.resolve(),
    async look(t, page, name) {
      if (looked.has(name)) return;
      looked.add(name);
      await look(t, page, `tour-${name}`);
    },
    knows: (page, place) => json(page, at(place, '/session.json')),
    async sentCode(page, phone, least = 1) {
      const [newest] = await eventually(async () => {
        const messages: { code: string }[] = await json(page, at('authorities', `/sms.json?phone=${phone}`));
        return messages.length >= least && messages;
      });
      return newest!.code;
    },
    async appCode(page, secret) {
      const { now }: { now: string } = await json(page, at('authorities', '/clock'));
      return generateSync({ secret, epoch: Math.floor(Date.parse(now) / 1000) });
    },
    async advance(page, seconds) {
      const answer = await page.request.post(at('authorities', '/clock'), { data: { advance: seconds } });
      if (!answer.ok()) throw new Error(await answer.text());
    },
    async close() {
      await chrome.close();
      await stop();
      await db.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** What `ask` answers as soon as it is neither false nor undefined: for what jobs do in the background. */
export async function eventually<T>(ask: () => Promise<T | false | undefined>): Promise<T> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const answer = await ask();
    if (answer !== false && answer !== undefined) return answer;
    await sleep(100);
  }
  throw new Error('It never came');
}

export const person = (username: string): Person => {
  const found = loadPeople().find((each) => each.username === username);
  if (!found) throw new Error(`nobody is called ${username}`);
  return found;
};

export const PASSWORD = 'Yunhe-Qiao-39';

export const primary = (page: Page) => page.click('main form button[value=continue]');

export async function fill(page: Page, fields: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, value] of Object.entries(fields)) await page.fill(`main [name=${name}]`, value);
}

/** Both pages of the login, for somebody whose codes are fixed. */
export async function logIn(page: Page, username: string, password = PASSWORD): Promise<void> {
  await fill(page, { username, password });
  await primary(page);
  await fill(page, { code: person(username).fixed_code! });
  await primary(page);
}

/** The permanent code of the error page that the browser is on, or on its way to. */
export const errorOn = async (page: Page): Promise<string> =>
  (await page.locator('meta[name=ymt-error]').getAttribute('content')) ?? '';
