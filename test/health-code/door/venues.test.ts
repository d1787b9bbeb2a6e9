import test from 'ava';
import {
  addDevice,
  authenticateDevice,
  disableDevice,
  disableVenue,
  listVenues,
  registerVenue,
} from '../../../src/health-code/door/venues.ts';
import { NOW } from '../../support/citizens.ts';
import { freshDatabase } from '../../support/database.ts';
import { givenVenue, OFFICERS } from '../../support/health-door.ts';

const by = OFFICERS[0];

test('a device’s credential opens its venue, however it is typed, and is kept as a hash', async (t) => {
  const db = await freshDatabase(t);
  const { id, credential } = await givenVenue(db);
  t.regex(credential, /^([0-9A-HJKMNP-TV-Z]{4}-){7}[0-9A-HJKMNP-TV-Z]{4}$/);
  const typings = [credential, credential.toLowerCase(), credential.replaceAll('-', ' '), ` ${credential}\n`];
  for (const typed of typings) {
    t.like(await authenticateDevice(db, typed), { id, name: '甲市图书馆', region: '390100' });
  }
  const [row] = await db.query<{ all: string }>('select d::text as all from health_venue_devices d');
  t.false(row!.all.includes(credential.replaceAll('-', '').slice(8)));
});

test('letters that look alike are one: O is 0, I and L are 1', async (t) => {
  const db = await freshDatabase(t);
  const { id } = await givenVenue(db);
  const credential = '1010-1010-ABCD-EFGH-JKMN-PQRS-TVWX-YZ01';
  await addDevice(db, { venueId: id, label: 'x', by, now: NOW, credential });
  t.truthy(await authenticateDevice(db, 'IOLO lolo abcd efgh jkmn pqrs tvwx yzoi'));
});

test('a wrong, cut, empty or unknown credential opens nothing', async (t) => {
  const db = await freshDatabase(t);
  const { credential } = await givenVenue(db);
  const last = credential.at(-1) === '0' ? '1' : '0';
  const wrong = [
    credential.slice(0, -1) + last,
    credential.slice(0, -1),
    '',
    '0'.repeat(32),
    '好'.repeat(32),
  ];
  for (const typed of wrong) t.is(await authenticateDevice(db, typed), undefined, typed);
});

test('a device that is lost is taken out without the others, a venue with all of them', async (t) => {
  const db = await freshDatabase(t);
  const { id, credential } = await givenVenue(db);
  const other = await addDevice(db, { venueId: id, label: '侧门', by, now: NOW });
  const deviceId = credential.replaceAll('-', '').slice(0, 8);
  t.true(await disableDevice(db, { deviceId, by, now: NOW }));
  t.false(await disableDevice(db, { deviceId, by, now: NOW }));
  t.is(await authenticateDevice(db, credential), undefined);
  t.truthy(await authenticateDevice(db, other));
  const [venue] = await listVenues(db);
  t.deepEqual(
    venue?.devices.map(({ label, disabled }) => [label, disabled]),
    [
      ['正门', true],
      ['侧门', false],
    ],
  );
  t.true(await disableVenue(db, { venueId: id, by, now: NOW }));
  t.is(await authenticateDevice(db, other), undefined);
});

test('a venue needs a name and a region', async (t) => {
  const db = await freshDatabase(t);
  for (const wrong of [{ name: ' ' }, { region: '39' }, { name: '馆'.repeat(101) }]) {
    const venue = { name: '甲市图书馆', region: '390100', by, now: NOW, ...wrong };
    await t.throwsAsync(registerVenue(db, venue), { message: 'health_venue_invalid' });
  }
});
