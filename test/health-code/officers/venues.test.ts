import test from 'ava';
import { readAccess } from '../../../src/audit/access-log.ts';
import { checkCode } from '../../../src/health-code/door/check.ts';
import { authenticateDevice, registerVenue, VENUES_LISTED } from '../../../src/health-code/door/venues.ts';
import { openHealthKeys } from '../../../src/health-code/show/keys.ts';
import { issueOnline } from '../../../src/health-code/show/online-code.ts';
import { createLimits } from '../../../src/platform/limits.ts';
import { cipher, minutesLater, NOW, phoneOf } from '../../support/citizens.ts';
import { givenDeclared, givenHealthCode } from '../../support/health.ts';
import { givenVenue } from '../../support/health-door.ts';
import { errorOf, givenOfficer, startOffice } from '../../support/health-office.ts';

const PAGE = '/health/officer/venues';
const VISITS = '/health/officer/visits';

test('an officer registers a venue and a device, whose credential is shown once and ends when it is taken out', async (t) => {
  const site = await startOffice(t);
  site.officer.citizenId = (await givenOfficer(site.db, 1, ['health_officer'])).citizenId;
  t.is((await site.submit(PAGE, { name: '甲市图书馆', region: '390100' })).status, 303);
  const [, id] = /data-venue="([^"]+)"/.exec((await site.jar.get(PAGE)).text)!;
  const made = await site.submit(`${PAGE}/${id}/devices`, { label: '正门' });
  const [credential] = /(?:[0-9A-Z]{4}-){7}[0-9A-Z]{4}/.exec(made.text)!;
  t.is((await authenticateDevice(site.db, credential))?.name, '甲市图书馆');
  t.false((await site.jar.get(PAGE)).text.includes(credential));
  const device = credential.replaceAll('-', '').slice(0, 8);
  t.is((await site.submit(`${PAGE}/devices/${device}/disable`, {})).status, 303);
  t.is(await authenticateDevice(site.db, credential), undefined);
  t.is((await site.submit(`${PAGE}/${id}/disable`, {})).status, 303);
  t.is(errorOf((await site.submit(`${PAGE}/${id}/devices`, { label: '后门' })).text), 'health_no_record');
});

test('of many venues the newest are listed, and every other one is found by a part of its name', async (t) => {
  const site = await startOffice(t);
  await givenHealthCode(site.db);
  site.officer.citizenId = (await givenOfficer(site.db, 1, ['health_officer'])).citizenId;
  const register = (name: string) =>
    site.db.transaction((tx) => registerVenue(tx, { name, region: '390100', by: 'system', now: NOW }));
  const id = await register('甲市图书馆 Library');
  for (let n = 0; n < VENUES_LISTED; n += 1) await register(`第 ${n} 医院`);
  for (const page of [PAGE, VISITS]) {
    t.false((await site.jar.get(page)).text.includes(id), page);
    t.true((await site.jar.get(`${page}?named=library`)).text.includes(id), page);
    t.regex(
      (await site.jar.get(`${page}?named=${encodeURIComponent('100%')}`)).text,
      /没有名称中含“100%”的查验点/,
    );
  }
  const made = await site.submit(`${PAGE}/${id}/devices?named=library`, { label: '正门' });
  t.regex(made.text, /(?:[0-9A-Z]{4}-){7}[0-9A-Z]{4}/);
  const asked = { venue: id, from: '2026-11-23T08:30', to: '2026-11-23T09:30', grounds: '流行病学调查' };
  t.is((await site.submit(VISITS, asked)).status, 303);
});

test('a venue that cannot be is refused with a sentence, and so is what is not there', async (t) => {
  const site = await startOffice(t);
  site.officer.citizenId = (await givenOfficer(site.db, 1, ['health_officer'])).citizenId;
  for (const over of [{ name: ' ' }, { region: 'x' }, { name: '\0' }]) {
    t.is((await site.submit(PAGE, { name: '甲市图书馆', region: '390100', ...over })).status, 422);
  }
  for (const path of ['1/disable', 'devices/1/disable', '00000000-0000-7000-8000-000000000000/devices']) {
    t.is((await site.submit(`${PAGE}/${path}`, { label: '正门' })).status, 404, path);
  }
  t.deepEqual(await site.db.query('select 1 from health_venues'), []);
});

/** Somebody was at a venue; one officer can ask about it, and another approve. */
async function visited(t: Parameters<typeof startOffice>[0]) {
  const site = await startOffice(t);
  const { db } = site;
  await givenHealthCode(db);
  const holder = await givenDeclared(db, 1);
  const venue = await givenVenue(db);
  const { code } = await issueOnline(db, { citizenId: holder.citizenId, now: NOW });
  const door = { db, cipher, keys: openHealthKeys(db, cipher), limits: createLimits(db) };
  await checkCode(door, { venue, code, now: NOW });
  const asks = await givenOfficer(db, 2, ['health_officer']);
  const approves = await givenOfficer(db, 3, ['health_officer']);
  site.officer.citizenId = asks.citizenId;
  site.world.now = minutesLater(120);
  // 09:30 to 11:00 in China; the visit was at 10:00.
  const form = {
    venue: venue.id,
    from: '2026-11-23T09:30',
    to: '2026-11-23T11:00',
    grounds: '病例 2026-11 的流行病学调查',
  };
  return { site, holder, asks, approves, form };
}

test('one officer asks who was at a venue, another approves, both can call them, and they can see it', async (t) => {
  const { site, holder, approves, form } = await visited(t);
  t.is((await site.submit(VISITS, form)).status, 303);
  const [, id] = /data-request="([^"]+)"/.exec((await site.jar.get(VISITS)).text)!;
  t.is(errorOf((await site.submit(`${VISITS}/${id}/approve`, {})).text), 'health_same_person');
  t.is((await site.jar.get(`${VISITS}/${id}`)).status, 404);
  site.officer.citizenId = approves.citizenId;
  t.is((await site.submit(`${VISITS}/${id}/approve`, {})).status, 303);
  const result = await site.jar.get(`${VISITS}/${id}`);
  t.regex(result.text, new RegExp(`示\\*\\*（证件号码末两位 ${holder.lastTwo}）`));
  t.regex(result.text, new RegExp(phoneOf(1)));
  t.regex(result.text, /2026年11月23日 10:00/);
  const { rows } = await readAccess(site.db, holder.citizenId);
  t.true(rows.some(({ what, purpose }) => what.includes('phone_number') && purpose === 'health_tracing'));
  site.officer.citizenId = (await givenOfficer(site.db, 4, ['health_officer'])).citizenId;
  t.is((await site.jar.get(`${VISITS}/${id}`)).status, 403);
});

/** For requests that leave nothing behind. */
let refusing: Awaited<ReturnType<typeof visited>>;
test.before(async (t) => {
  refusing = await visited(t);
});
test.after.always(() => refusing?.site.db.close());

for (const [what, over] of Object.entries({
  'no venue': { venue: 'x' },
  'a venue that is none': { venue: '00000000-0000-7000-8000-000000000000' },
  'an impossible time': { from: '2026-02-30T09:30' },
  'words for a time': { to: 'gestern' },
  'a time to come': { to: '2026-11-23T12:30' },
  'an end before the beginning': { to: '2026-11-23T09:00' },
  'more than a day': { from: '2026-11-22T09:00' },
  'no grounds': { grounds: '' },
})) {
  test(`a request with ${what} is refused with a sentence`, async (t) => {
    const { site, form } = refusing;
    t.is((await site.submit(VISITS, { ...form, ...over })).status, 422);
    t.deepEqual(await site.db.query('select 1 from health_reidentifications'), []);
  });
}

test('a request with nothing filled in names everything that is missing at once', async (t) => {
  const { site } = refusing;
  const answer = await site.submit(VISITS, { venue: '', from: '', to: '', grounds: '' });
  const named = [...answer.text.matchAll(/<li><a href="#field-(\w+)">/g)].map(([, field]) => field);
  t.deepEqual(named.sort(), ['from', 'grounds', 'to', 'venue']);
});
