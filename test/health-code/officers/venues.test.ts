import test from 'ava';
import { authenticateDevice, registerVenue, VENUES_LISTED } from '../../../src/health-code/door/venues.ts';
import { NOW } from '../../support/citizens.ts';
import { givenHealthCode } from '../../support/health.ts';
import { errorOf, givenOfficer, startOffice } from '../../support/health-office.ts';

const PAGE = '/health/officer/venues';

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
  const visits = '/health/officer/visits';
  for (const page of [PAGE, visits]) {
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
  t.is((await site.submit(visits, asked)).status, 303);
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
