import test from 'ava';
import { generateSync } from 'otplib';
import { capLevel, markDeceased } from '../../src/citizens/account-state.ts';
import {
  canLogIn,
  listCredentials,
  raiseBoundLevels,
  removeAllCredentials,
  removeCredential,
} from '../../src/citizens/credentials.ts';
import {
  acceptable,
  changePassword,
  hashPassword,
  type PasswordRefusal,
  usePassword,
  verifyPassword,
} from '../../src/citizens/password.ts';
import { changePhone, transferPhone, usePhone } from '../../src/citizens/phone.ts';
import { findByIdentifier, readCitizen } from '../../src/citizens/store.ts';
import { confirmTotp, startTotp } from '../../src/citizens/totp.ts';
import type { Queryable } from '../../src/platform/database.ts';
import { newId } from '../../src/platform/id.ts';
import { cipher, ending, givenAccount, minutesLater, NOW, phoneOf } from '../support/citizens.ts';
import { freshDatabase } from '../support/database.ts';

async function givenPasskey(db: Queryable, citizenId: string): Promise<string> {
  const id = newId();
  await db.query(
    `insert into passkeys (citizen_id, id, public_key, counter, transports, synced, label, bound_level, created_at)
     values ($1, $2, $3, 0, '{}', true, 'key', 'basic', $4)`,
    [citizenId, id, Buffer.alloc(1), NOW],
  );
  return id;
}

async function givenTotp(db: Queryable, citizenId: string): Promise<string> {
  const { id, secret } = await startTotp(db, cipher, {
    citizenId,
    label: 'app',
    issuer: 'i',
    account: 'a',
    now: NOW,
  });
  const code = generateSync({ secret, epoch: NOW.getTime() / 1000 });
  await confirmTotp(db, cipher, { citizenId, id, code, boundLevel: 'basic', now: NOW });
  return id;
}

const refusals: [string, PasswordRefusal | undefined][] = [
  ['', 'empty'],
  ['short1234', 'too_short'],
  ['a'.repeat(129), 'too_long'],
  ['Password123', 'common'],
  ['WoAiNi1314', 'common'],
  ['qwertyuiop!!', 'common'],
  ['abababababab', 'repetitive'],
  ['abcdefghijkl', 'sequence'],
  ['9876543210zy', undefined],
  ['lmnopqrstuvw', 'sequence'],
  ['zhangsan2024!', 'own_data'],
  ['13900000001a', 'own_data'],
  ['x19900102yz', 'own_data'],
  ['zhangsan likes noodles', undefined],
  ['correct horse battery', undefined],
  ['一二三四五六七八九十', undefined],
];
for (const [password, expected] of refusals) {
  test(`password “${password.slice(0, 24)}” is ${expected ?? 'good'}`, (t) => {
    const own = { username: 'zhangsan', phone: phoneOf(1), idNumber: '390100199001020014', name: '张三' };
    t.is(acceptable(password, own), expected);
  });
}

test('a password is checked with the same work whether or not there is an account', async (t) => {
  const db = await freshDatabase(t);
  const citizenId = await givenAccount(db, 1, { passwordHash: await hashPassword('correct horse battery') });
  t.like(await verifyPassword(db, citizenId, 'correct horse battery'), { boundLevel: 'basic' });
  const before = db.statements.length;
  t.is(await verifyPassword(db, citizenId, 'wrong horse battery'), undefined);
  t.is(await verifyPassword(db, undefined, 'correct horse battery'), undefined);
  t.deepEqual(db.statements.slice(before), Array(2).fill(db.statements.at(-1)));
});

test('a password is the same from every keyboard, and hashed with argon2id', async (t) => {
  const db = await freshDatabase(t);
  const hash = await hashPassword('ｃafe\u0301 and croissants');
  t.regex(hash, /^\$argon2id\$v=19\$m=19456,(t=2,p=1|p=1,t=2)\$/);
  const citizenId = await givenAccount(db, 1, { passwordHash: hash });
  t.truthy(await verifyPassword(db, citizenId, 'caf\u00e9 and croissants'));
});

test('a changed password replaces the old one and its level', async (t) => {
  const db = await freshDatabase(t);
  const citizenId = await givenAccount(db, 1, { passwordHash: await hashPassword('first password') });
  const passwordHash = await hashPassword('second password');
  await changePassword(db, { citizenId, passwordHash, boundLevel: 'anonymous', now: minutesLater(1) });
  t.is(await verifyPassword(db, citizenId, 'first password'), undefined);
  const used = await verifyPassword(db, citizenId, 'second password');
  t.is(used?.boundLevel, 'anonymous');
  t.true(await usePassword(db, { citizenId, changedAt: used!.changedAt, now: minutesLater(2) }));
  t.false(
    await usePassword(db, { citizenId, changedAt: NOW, now: minutesLater(3) }),
    'the first was changed',
  );
  t.deepEqual((await listCredentials(db, citizenId)).password, {
    boundLevel: 'anonymous',
    changedAt: minutesLater(1),
    lastUsedAt: minutesLater(2),
  });
});

test('the last way to log in cannot be removed', async (t) => {
  const db = await freshDatabase(t);
  const citizenId = await givenAccount(db, 1);
  const [passkey, totp] = [await givenPasskey(db, citizenId), await givenTotp(db, citizenId)];
  await db.query('update accounts set phone = null, phone_bound_level = null');
  const remove = (kind: 'totp' | 'passkey', id: string) =>
    db.transaction((tx) => removeCredential(tx, { citizenId, kind, id }));
  const results = await Promise.allSettled([remove('totp', totp), remove('passkey', passkey)]);
  t.deepEqual(results.map(({ status }) => status).sort(), ['fulfilled', 'rejected'], 'two at once leave one');
  t.true(canLogIn(await listCredentials(db, citizenId)));
});

test('what is removed is named; what is not there is nothing', async (t) => {
  const db = await freshDatabase(t);
  const citizenId = await givenAccount(db, 1);
  const id = await givenPasskey(db, citizenId);
  const other = await givenAccount(db, 2);
  t.is(await removeCredential(db, { citizenId: other, kind: 'passkey', id }), undefined);
  t.is(await removeCredential(db, { citizenId, kind: 'passkey', id }), 'key');
  t.is(await removeCredential(db, { citizenId, kind: 'passkey', id }), undefined);
});

test('recovery removes what the citizen does not confirm', async (t) => {
  const db = await freshDatabase(t);
  const citizenId = await givenAccount(db, 1);
  const [kept] = [await givenPasskey(db, citizenId), await givenPasskey(db, citizenId)];
  await givenTotp(db, citizenId);
  await removeAllCredentials(db, { citizenId, keepPasskeys: [kept] });
  const left = await listCredentials(db, citizenId);
  t.deepEqual([left.passkeys.map(({ id }) => id), left.totp], [[kept], []]);
});

test('only the credentials that were used are raised, and none is lowered', async (t) => {
  const db = await freshDatabase(t);
  const citizenId = await givenAccount(db, 1);
  const [used, unused] = [await givenPasskey(db, citizenId), await givenPasskey(db, citizenId)];
  const totp = await givenTotp(db, citizenId);
  const refs = [
    { kind: 'passkey', id: used },
    { kind: 'totp', id: totp },
    { kind: 'password' },
    { kind: 'sms' },
  ] as const;
  await raiseBoundLevels(db, citizenId, refs, 'intermediate');
  await raiseBoundLevels(db, citizenId, refs, 'basic');
  const held = await listCredentials(db, citizenId);
  t.is(held.password?.boundLevel, 'intermediate');
  t.is(held.phone?.boundLevel, 'intermediate');
  t.is(held.totp[0]?.boundLevel, 'intermediate');
  t.is(held.passkeys.find(({ id }) => id === used)?.boundLevel, 'intermediate');
  t.is(held.passkeys.find(({ id }) => id === unused)?.boundLevel, 'basic');
});

test('a phone that changed hands leaves the old account and opens nothing', async (t) => {
  const db = await freshDatabase(t);
  const [old, owner] = [await givenAccount(db, 1), await givenAccount(db, 2)];
  const moved = await db.transaction(async (tx) => {
    const result = await transferPhone(tx, cipher, { phone: phoneOf(1), toCitizenId: owner });
    await changePhone(tx, cipher, {
      citizenId: owner,
      phone: phoneOf(1),
      boundLevel: 'basic',
      now: minutesLater(1),
    });
    return result;
  });
  t.deepEqual(moved, { fromCitizenId: old });
  t.is((await readCitizen(db, cipher, old))?.phone, undefined);
  t.is(await usePhone(db, { citizenId: old, now: NOW }), undefined);
  t.is((await findByIdentifier(db, cipher, phoneOf(1)))?.citizenId, owner);
  t.is(await findByIdentifier(db, cipher, phoneOf(2)), undefined, 'the old number is free');
  t.deepEqual(await usePhone(db, { citizenId: owner, now: minutesLater(2) }), { boundLevel: 'basic' });
  t.deepEqual(await transferPhone(db, cipher, { phone: phoneOf(1), toCitizenId: owner }), {});
});

test('somebody else’s phone cannot be taken without the carrier', async (t) => {
  const db = await freshDatabase(t);
  const citizenId = await givenAccount(db, 1);
  await givenAccount(db, 2);
  await t.throwsAsync(
    db.transaction((tx) =>
      changePhone(tx, cipher, { citizenId, phone: phoneOf(2), boundLevel: 'basic', now: NOW }),
    ),
    { message: 'phone_already_registered' },
  );
  t.is((await findByIdentifier(db, cipher, phoneOf(1)))?.citizenId, citizenId);
});

test('a phone that two accounts are given at once has one owner', async (t) => {
  const db = await freshDatabase(t, { max: 10 });
  const owners = await Promise.all([1, 2, 3, 4].map((n) => givenAccount(db, n)));
  await Promise.all(
    owners.map((citizenId) =>
      db.transaction(async (tx) => {
        await transferPhone(tx, cipher, { phone: phoneOf(9), toCitizenId: citizenId });
        await changePhone(tx, cipher, { citizenId, phone: phoneOf(9), boundLevel: 'basic', now: NOW });
      }),
    ),
  );
  const owner = (await findByIdentifier(db, cipher, phoneOf(9)))?.citizenId;
  for (const citizenId of owners) {
    t.is((await readCitizen(db, cipher, citizenId))?.phone, citizenId === owner ? phoneOf(9) : undefined);
  }
});

test('a cap is never shortened, and a death is noted once', async (t) => {
  const db = await freshDatabase(t);
  const citizenId = await givenAccount(db, 1);
  await capLevel(db, citizenId, { level: 'basic', until: minutesLater(60) });
  await capLevel(db, citizenId, { level: 'basic', until: minutesLater(30) });
  t.deepEqual((await readCitizen(db, cipher, citizenId))?.levelCapUntil, minutesLater(60));
  t.true(await markDeceased(db, ending, { citizenId, now: NOW }));
  t.false(await markDeceased(db, ending, { citizenId, now: NOW }));
  t.is((await readCitizen(db, cipher, citizenId))?.state, 'deceased');
});
