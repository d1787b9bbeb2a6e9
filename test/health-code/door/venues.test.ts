import test from 'ava';
import { readAccess } from '../../../src/audit/access-log.ts';
import { purgeDoor } from '../../../src/health-code/door/purge.ts';
import {
  approveReidentification,
  listReidentifications,
  readVisits,
  refuseReidentification,
  requestReidentification,
} from '../../../src/health-code/door/reidentify.ts';
import {
  addDevice,
  authenticateDevice,
  disableDevice,
  disableVenue,
  listVenues,
  registerVenue,
} from '../../../src/health-code/door/venues.ts';
import { issueOnline } from '../../../src/health-code/show/online-code.ts';
import { cipher, NOW } from '../../support/citizens.ts';
import { freshDatabase } from '../../support/database.ts';
import { daysLater, givenDeclared } from '../../support/health.ts';
import { type Door, givenVenue, OFFICERS, openDoor } from '../../support/health-door.ts';

const [first, second] = OFFICERS;

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
  await addDevice(db, { venueId: id, label: 'x', by: first, now: NOW, credential });
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
  const other = await addDevice(db, { venueId: id, label: '侧门', by: first, now: NOW });
  const deviceId = credential.replaceAll('-', '').slice(0, 8);
  t.true(await disableDevice(db, { deviceId, by: first, now: NOW }));
  t.false(await disableDevice(db, { deviceId, by: first, now: NOW }));
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
  t.true(await disableVenue(db, { venueId: id, by: first, now: NOW }));
  t.is(await authenticateDevice(db, other), undefined);
});

test('a venue needs a name and a region', async (t) => {
  const db = await freshDatabase(t);
  for (const wrong of [{ name: ' ' }, { region: '39' }, { name: '馆'.repeat(101) }]) {
    const venue = { name: '甲市图书馆', region: '390100', by: first, now: NOW, ...wrong };
    await t.throwsAsync(registerVenue(db, venue), { message: 'health_venue_invalid' });
  }
});

const hoursLater = (hours: number) => new Date(NOW.getTime() + hours * 3_600_000);

const ask = (door: Door, more: Partial<Parameters<typeof requestReidentification>[1]> = {}) =>
  requestReidentification(door.db, {
    venueId: door.venue.id,
    from: NOW,
    to: hoursLater(3),
    grounds: '病例 2026-11 的流行病学调查',
    officer: first,
    now: hoursLater(4),
    ...more,
  });

/** Two people visit, one of them twice; a third comes too late to be asked about. */
async function visits(door: Door) {
  const other = await givenDeclared(door.db, 2);
  const late = await givenDeclared(door.db, 3);
  for (const [{ citizenId }, hour] of [
    [door.holder, 0],
    [other, 1],
    [door.holder, 2],
    [late, 3],
  ] as const) {
    const now = hoursLater(hour);
    await door.check((await issueOnline(door.db, { citizenId, now })).code, { now });
  }
  return { other, late };
}

test('two officers together learn who was at a venue, and each of these reads it in the access log', async (t) => {
  const door = await openDoor(t);
  const { other, late } = await visits(door);
  const id = await ask(door);
  t.like((await listReidentifications(door.db, { waiting: true }))[0], { id, venueName: '甲市图书馆' });
  const now = hoursLater(5);
  const found = await approveReidentification(door.db, cipher, { id, officer: second, now });
  const expected = [
    { citizenId: door.holder.citizenId, firstAt: NOW, lastAt: hoursLater(2) },
    { citizenId: other.citizenId, firstAt: hoursLater(1), lastAt: hoursLater(1) },
  ];
  t.deepEqual(
    found.sort((a, b) => a.firstAt.getTime() - b.firstAt.getTime()),
    expected,
  );
  t.deepEqual(await readVisits(door.db, id), expected);
  for (const { citizenId } of expected) {
    const { rows } = await readAccess(door.db, citizenId);
    t.like(rows[0], {
      clientId: 'health_office',
      what: ['venue_visit'],
      purpose: 'epidemic_prevention',
      at: now,
    });
  }
  t.deepEqual((await readAccess(door.db, late.citizenId)).rows, []);
  const events = await door.db.query<{ actor: string }>(
    `select actor from audit_events where type = 'health.scan_identified'`,
  );
  t.deepEqual(
    events.map(({ actor }) => actor),
    [second, second],
  );
});

test('nobody approves their own request, nothing is approved twice, and a refused one finds nobody', async (t) => {
  const door = await openDoor(t);
  await visits(door);
  const id = await ask(door);
  const now = hoursLater(5);
  await t.throwsAsync(approveReidentification(door.db, cipher, { id, officer: first, now }), {
    message: 'health_same_person',
  });
  t.deepEqual(await readVisits(door.db, id), []);
  const twice = await Promise.allSettled(
    [1, 2].map(() => approveReidentification(door.db, cipher, { id, officer: second, now })),
  );
  t.is(twice.filter(({ status }) => status === 'fulfilled').length, 1);
  const refused = await ask(door);
  await refuseReidentification(door.db, { id: refused, officer: second, now });
  await t.throwsAsync(approveReidentification(door.db, cipher, { id: refused, officer: second, now }), {
    message: 'health_reidentify_gone',
  });
  t.deepEqual(await readVisits(door.db, refused), []);
});

test('a refusal, and an approval that finds nobody, stand in the audit log like one that finds somebody', async (t) => {
  const door = await openDoor(t);
  const [none, some, no] = [await ask(door), await ask(door), await ask(door)];
  const now = hoursLater(5);
  await approveReidentification(door.db, cipher, { id: none, officer: second, now });
  await visits(door);
  await approveReidentification(door.db, cipher, { id: some, officer: second, now });
  await refuseReidentification(door.db, { id: no, officer: second, now });
  const events = await door.db.query(
    `select type, detail from audit_events
     where actor = $1 and type like 'health.scan_identification%' order by id`,
    [second],
  );
  t.deepEqual(events, [
    { type: 'health.scan_identification_approved', detail: { count: 0 } },
    { type: 'health.scan_identification_approved', detail: { count: 2 } },
    { type: 'health.scan_identification_refused', detail: {} },
  ]);
});

for (const [what, wrong] of [
  ['without grounds', { grounds: ' ' }],
  ['for more than a day', { from: new Date(NOW.getTime() - 22 * 3_600_000) }],
  ['that ends before it begins', { from: hoursLater(3), to: NOW }],
  ['for a time to come', { to: hoursLater(5) }],
] as const) {
  test(`a request ${what} is refused`, async (t) => {
    const door = await openDoor(t);
    await t.throwsAsync(ask(door, wrong), { message: 'health_reidentify_invalid' });
  });
}

test('after fourteen days the key of the day is destroyed, then the visits go, and nobody can tell any more', async (t) => {
  const door = await openDoor(t);
  await visits(door);
  const keys = () => door.db.query('select day from health_day_keys');
  t.is(await purgeDoor(door.db, { now: daysLater(13) }), 0);
  t.is((await keys()).length, 1);
  const id = await ask(door, { now: daysLater(13) });
  while ((await purgeDoor(door.db, { now: daysLater(15) })) > 0);
  t.deepEqual(await keys(), []);
  t.deepEqual(await door.db.query('select 1 from health_scans'), []);
  const now = daysLater(15);
  t.deepEqual(await approveReidentification(door.db, cipher, { id, officer: second, now }), []);
});

test('with the key gone, visits that are still there say nothing', async (t) => {
  const door = await openDoor(t);
  await visits(door);
  const id = await ask(door);
  await door.db.query('delete from health_day_keys');
  const found = await approveReidentification(door.db, cipher, { id, officer: second, now: hoursLater(5) });
  t.deepEqual(found, []);
  t.is((await door.db.query('select 1 from health_scans')).length, 4);
});

test('what two officers learned is forgotten two weeks after the scans are', async (t) => {
  const door = await openDoor(t);
  await visits(door);
  const id = await ask(door);
  await approveReidentification(door.db, cipher, { id, officer: second, now: hoursLater(5) });
  while ((await purgeDoor(door.db, { now: daysLater(27) })) > 0);
  t.is((await readVisits(door.db, id)).length, 2);
  while ((await purgeDoor(door.db, { now: daysLater(29) })) > 0);
  t.deepEqual(await readVisits(door.db, id), []);
});
