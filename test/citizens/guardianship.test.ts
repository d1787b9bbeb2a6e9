import test from 'ava';
import {
  endGuardianship,
  everHadGuardian,
  findDependant,
  kindForAge,
  readDependants,
  readGuardians,
  recordGuardianship,
} from '../../src/citizens/guardianship.ts';
import { createAccount, createCitizen } from '../../src/citizens/store.ts';
import type { Database } from '../../src/platform/database.ts';
import { newId } from '../../src/platform/id.ts';
import { cipher, givenAccount, NO_PASSWORD, NOW, residentIdOf } from '../support/citizens.ts';
import { freshDatabase } from '../support/database.ts';

const CHILD = '20180601';

const givenPerson = (db: Database, n: number, birth = CHILD) =>
  createCitizen(db, cipher, {
    name: '示例小苗',
    documentType: 'resident_id',
    idNumber: residentIdOf(n, birth),
    birthDate: `${birth.slice(0, 4)}-${birth.slice(4, 6)}-${birth.slice(6)}`,
    now: NOW,
  });

const given = (db: Database, guardianId: string, dependantId: string, kind: 'child' | 'elder' = 'child') =>
  db.transaction((tx) =>
    recordGuardianship(tx, { guardianId, dependantId, kind, reference: 'police-1', now: NOW }),
  );

test('a guardian acts for a child that has no account, and for nobody else', async (t) => {
  const db = await freshDatabase(t);
  const guardianId = await givenAccount(db, 1);
  const child = await givenPerson(db, 2);
  const id = await given(db, guardianId, child);
  t.is(await given(db, guardianId, child), id, 'once, however often it is recorded');
  const found = await findDependant(db, cipher, { guardianId, id, now: NOW });
  t.deepEqual(found, { id, citizenId: child, name: '示例小苗', kind: 'child', since: NOW });
  t.deepEqual(await readDependants(db, cipher, guardianId, NOW), [found!]);
  t.deepEqual(
    (await readGuardians(db, cipher, child, NOW)).map(({ name }) => name),
    ['示例一'],
  );
  const stranger = await givenAccount(db, 3);
  t.is(await findDependant(db, cipher, { guardianId: stranger, id, now: NOW }), undefined);
  t.is(await findDependant(db, cipher, { guardianId, id: newId(), now: NOW }), undefined);
  t.is(await findDependant(db, cipher, { guardianId, id: '../../etc', now: NOW }), undefined);
});

test('it is over when the child gets an account, comes of age or dies', async (t) => {
  const db = await freshDatabase(t);
  const guardianId = await givenAccount(db, 1);
  const child = await givenPerson(db, 2);
  await given(db, guardianId, child);
  const count = async (now = NOW) => (await readDependants(db, cipher, guardianId, now)).length;
  t.is(await count(new Date('2036-05-31T00:00:00+08:00')), 1);
  t.is(await count(new Date('2036-06-01T00:00:00+08:00')), 0);
  await createAccount(db, cipher, {
    citizenId: child,
    username: 'grown.up',
    phone: '13900009999',
    passwordHash: NO_PASSWORD,
    boundLevel: 'basic',
    now: NOW,
  });
  t.is(await count(), 0);
  t.true(await everHadGuardian(db, child));
  const elder = await givenPerson(db, 3, '19500101');
  await given(db, guardianId, elder, 'elder');
  t.is(await count(), 1);
  await db.query(`update citizens set state = 'deceased' where id = $1`, [elder]);
  t.is(await count(), 0);
});

test('either of the two ends it, at once and once, and nobody else can', async (t) => {
  const db = await freshDatabase(t);
  const guardianId = await givenAccount(db, 1);
  const elder = await givenAccount(db, 2);
  const id = await given(db, guardianId, elder, 'elder');
  const stranger = await givenAccount(db, 3);
  for (const party of [{ guardianId: stranger }, { dependantId: stranger }, { guardianId: elder }]) {
    t.is(await endGuardianship(db, { id, party, now: NOW }), undefined);
  }
  const party = { dependantId: elder };
  t.deepEqual(await endGuardianship(db, { id, party, now: NOW }), { guardianId, dependantId: elder });
  t.is(await endGuardianship(db, { id, party, now: NOW }), undefined);
  t.deepEqual(await readDependants(db, cipher, guardianId, NOW), []);
  const again = await given(db, guardianId, elder, 'elder');
  t.not(again, id);
  t.truthy(await endGuardianship(db, { id: again, party: { guardianId }, now: NOW }));
});

test('nobody is their own guardian, has more than ten dependants or more than four guardians', async (t) => {
  const db = await freshDatabase(t, { max: 12 });
  const guardianId = await givenAccount(db, 1);
  await t.throwsAsync(given(db, guardianId, guardianId), { message: 'guardianship_self' });
  const many = await Promise.allSettled(Array.from({ length: 12 }, () => given(db, guardianId, newId())));
  t.is(many.filter(({ status }) => status === 'fulfilled').length, 10);
  const child = newId();
  const guardians = await Promise.allSettled(Array.from({ length: 6 }, () => given(db, newId(), child)));
  t.is(guardians.filter(({ status }) => status === 'fulfilled').length, 4);
  const refused = many.find(({ status }) => status === 'rejected') as PromiseRejectedResult;
  t.is((refused.reason as Error).message, 'dependants_many');
});

test('under 18 is a child, from 60 on one may have a helper', (t) => {
  const on = (birth: string) => kindForAge(birth, new Date('2026-11-23T00:00:00+08:00'));
  t.is(on('2008-11-24'), 'child');
  t.is(on('2008-11-23'), undefined);
  t.is(on('1966-11-24'), undefined);
  t.is(on('1966-11-23'), 'elder');
});
