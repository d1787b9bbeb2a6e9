import test from 'ava';
import { readAccess } from '../../../src/audit/access-log.ts';
import { checkCode } from '../../../src/health-code/door/check.ts';
import { openHealthKeys } from '../../../src/health-code/show/keys.ts';
import { issueOnline } from '../../../src/health-code/show/online-code.ts';
import { createLimits } from '../../../src/platform/limits.ts';
import { cipher, minutesLater, NOW, phoneOf } from '../../support/citizens.ts';
import { givenDeclared, givenHealthCode } from '../../support/health.ts';
import { givenVenue } from '../../support/health-door.ts';
import { errorOf, givenOfficer, startOffice } from '../../support/health-office.ts';

const PAGE = '/health/officer/visits';

async function given(t: Parameters<typeof startOffice>[0]) {
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
  const { site, holder, approves, form } = await given(t);
  t.is((await site.submit(PAGE, form)).status, 303);
  const [, id] = /data-request="([^"]+)"/.exec((await site.jar.get(PAGE)).text)!;
  t.is(errorOf((await site.submit(`${PAGE}/${id}/approve`, {})).text), 'health_same_person');
  t.is((await site.jar.get(`${PAGE}/${id}`)).status, 404);
  site.officer.citizenId = approves.citizenId;
  t.is((await site.submit(`${PAGE}/${id}/approve`, {})).status, 303);
  const result = await site.jar.get(`${PAGE}/${id}`);
  t.regex(result.text, new RegExp(`示\\*\\*（证件号码末两位 ${holder.lastTwo}）`));
  t.regex(result.text, new RegExp(phoneOf(1)));
  t.regex(result.text, /2026年11月23日 10:00/);
  const { rows } = await readAccess(site.db, holder.citizenId);
  t.true(rows.some(({ what, purpose }) => what.includes('phone_number') && purpose === 'health_tracing'));
  site.officer.citizenId = (await givenOfficer(site.db, 4, ['health_officer'])).citizenId;
  t.is((await site.jar.get(`${PAGE}/${id}`)).status, 403);
});

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
    const { site, form } = await given(t);
    t.is((await site.submit(PAGE, { ...form, ...over })).status, 422);
    t.deepEqual(await site.db.query('select 1 from health_reidentifications'), []);
  });
}
