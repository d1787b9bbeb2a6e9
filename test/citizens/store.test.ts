import test from 'ava';
import { closeAccount, lockAccount, unlockAccount } from '../../src/citizens/account-state.ts';
import { accountsCommand } from '../../src/citizens/accounts-command.ts';
import { correctCitizen } from '../../src/citizens/correct.ts';
import { findByBinding, importCitizen } from '../../src/citizens/import.ts';
import { rotateMasterKey } from '../../src/citizens/rotate-keys.ts';
import { createAccount, createCitizen, findByIdentifier, readCitizen } from '../../src/citizens/store.ts';
import { createCipher } from '../../src/platform/field-encryption.ts';
import { audited } from '../support/audited.ts';
import {
  cipher,
  ending,
  givenAccount,
  minutesLater,
  NO_PASSWORD,
  NOW,
  phoneOf,
  residentIdOf,
} from '../support/citizens.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';

const person = (n: number) => ({
  name: '张三',
  documentType: 'resident_id' as const,
  idNumber: residentIdOf(n),
  birthDate: '1990-01-02',
  now: NOW,
});
const account = (n: number, citizenId: string) => ({
  citizenId,
  username: `person.${n}`,
  phone: phoneOf(n),
  passwordHash: NO_PASSWORD,
  boundLevel: 'basic' as const,
  now: NOW,
});

test('an account is found by user name, phone and ID number, however they are typed', async (t) => {
  const db = await freshDatabase(t);
  const citizenId = await givenAccount(db, 1);
  for (const raw of [
    'person.1',
    ' PERSON.1 ',
    phoneOf(1),
    `+86 ${phoneOf(1)}`,
    residentIdOf(1).toLowerCase(),
  ]) {
    t.deepEqual(await findByIdentifier(db, cipher, raw), { citizenId, state: 'active' }, raw);
  }
  for (const raw of ['person.2', phoneOf(2), residentIdOf(2), '', '张三']) {
    t.is(await findByIdentifier(db, cipher, raw), undefined, raw);
  }
  t.is(new Set(db.statements.slice(-9)).size, 1, 'the same work for everybody');
});

test('somebody is found by the 15-digit form of their number', async (t) => {
  const db = await freshDatabase(t);
  const citizenId = await createCitizen(db, cipher, { ...person(1), idNumber: '11010519491231002X' });
  t.deepEqual(await findByIdentifier(db, cipher, '110105491231002'), { citizenId, state: 'none' });
});

test('what was recorded is what is read, and none of it is in the database in plain', async (t) => {
  const db = await freshDatabase(t);
  const citizenId = await givenAccount(db, 1);
  t.like(await readCitizen(db, cipher, citizenId), {
    id: citizenId,
    name: '示例一',
    documentType: 'resident_id',
    idNumber: residentIdOf(1),
    birthDate: '1990-01-02',
    phone: phoneOf(1),
    phoneBoundLevel: 'basic',
    username: 'person.1',
    accountState: 'active',
    state: 'active',
  });
  const rows = await db.query<{ row: string }>(
    `select c::text || a::text || i::text as row from citizens c, accounts a, identifiers i`,
  );
  const plain = Buffer.from(rows.map(({ row }) => row).join());
  for (const secret of ['示例', residentIdOf(1), phoneOf(1), 'person.1']) {
    t.false(plain.includes(secret), secret);
    t.false(plain.includes(Buffer.from(secret).toString('hex')), secret);
  }
  t.is(await readCitizen(db, cipher, '019aa000-0000-7000-8000-000000000000'), undefined);
});

test('a taken ID number, user name or phone is named, and nothing is kept', async (t) => {
  const db = await freshDatabase(t);
  await givenAccount(db, 1);
  const attempt = (n: number, other: object) =>
    db.transaction(async (tx) => {
      const citizenId = await createCitizen(tx, cipher, person(n));
      await createAccount(tx, cipher, { ...account(n, citizenId), ...other });
    });
  await t.throwsAsync(attempt(1, {}), { message: 'id_already_registered' });
  await t.throwsAsync(attempt(2, { username: 'Person.1' }), { message: 'username_taken' });
  await t.throwsAsync(attempt(2, { phone: phoneOf(1) }), { message: 'phone_already_registered' });
  t.is(await findByIdentifier(db, cipher, residentIdOf(2)), undefined);
  t.is(await findByIdentifier(db, cipher, phoneOf(2)), undefined);
  await t.notThrowsAsync(attempt(2, {}));
});

test('of two registrations of one ID number at once one is refused with 409', async (t) => {
  const db = await freshDatabase(t, { max: 10 });
  for (let n = 1; n <= 5; n++) {
    const attempts = [n * 10, n * 10 + 1].map((k) =>
      db.transaction(async (tx) => {
        const citizenId = await createCitizen(tx, cipher, person(n));
        await createAccount(tx, cipher, account(k, citizenId));
      }),
    );
    const results = await Promise.allSettled(attempts);
    const refused = results.filter((result) => result.status === 'rejected');
    t.is(refused.length, 1);
    t.like(refused[0]!.reason, { code: 'id_already_registered', status: 409 });
  }
  const [count] = await db.query<{ n: number }>('select count(*) as n from accounts');
  t.is(count!.n, 5);
});

test('of two claims of one imported person at once one is refused with 409', async (t) => {
  const db = await freshDatabase(t);
  await importCitizen(db, cipher, { ...person(1), system: 'old', oldIdentifier: 'u1' });
  const results = await Promise.allSettled(
    [1, 2].map((n) =>
      db.transaction(async (tx) => {
        const citizenId = await createCitizen(tx, cipher, person(1));
        await createAccount(tx, cipher, account(n, citizenId));
      }),
    ),
  );
  t.deepEqual(results.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
});

test('a user of the old platform is a person without account, found by the old identifier, and claims it', async (t) => {
  const db = await freshDatabase(t);
  const old = { ...person(1), name: '张仨', system: 'old', oldIdentifier: 'u-1001' };
  const imported = await importCitizen(db, cipher, old);
  t.is(await importCitizen(db, cipher, old), imported, 'twice is once');
  t.is(await findByBinding(db, cipher, { system: 'old', oldIdentifier: 'u-1001' }), imported);
  t.is(await findByBinding(db, cipher, { system: 'other', oldIdentifier: 'u-1001' }), undefined);
  t.deepEqual(await findByIdentifier(db, cipher, residentIdOf(1)), { citizenId: imported, state: 'none' });

  const claimed = await createCitizen(db, cipher, person(1));
  t.is(claimed, imported);
  await createAccount(db, cipher, account(1, claimed));
  t.like(await readCitizen(db, cipher, imported), { name: '张三', accountState: 'active' });
  t.is(await importCitizen(db, cipher, { ...old, system: 'second', oldIdentifier: 'x' }), imported);
});

test('a closed account sets user name and phone free; its person may register again under the same id', async (t) => {
  const db = await freshDatabase(t);
  const first = await givenAccount(db, 1);
  t.true(await closeAccount(db, ending, { citizenId: first, reason: 'requested', now: NOW }));
  t.false(await closeAccount(db, ending, { citizenId: first, reason: 'requested', now: NOW }));
  t.is(await findByIdentifier(db, cipher, phoneOf(1)), undefined);
  t.deepEqual(await findByIdentifier(db, cipher, residentIdOf(1)), { citizenId: first, state: 'closed' });
  const other = await createCitizen(db, cipher, person(2));
  await createAccount(db, cipher, { ...account(1, other) });
  t.is(await givenAccount(db, 1).catch((error: Error) => error.message), 'phone_already_registered');
  const again = await createCitizen(db, cipher, person(1));
  t.is(again, first);
  await createAccount(db, cipher, account(7, again));
  t.like(await readCitizen(db, cipher, first), { accountState: 'active', username: 'person.7' });
});

test('a locked account stays locked until it is unlocked', async (t) => {
  const db = await freshDatabase(t);
  const citizenId = await givenAccount(db, 1);
  const lock = { citizenId, reason: 'administrator', now: NOW } as const;
  t.true(await lockAccount(db, ending, lock));
  t.false(await lockAccount(db, ending, lock));
  t.is((await findByIdentifier(db, cipher, 'person.1'))?.state, 'locked');
  await t.throwsAsync(createCitizen(db, cipher, person(1)), { message: 'id_already_registered' });
  t.truthy(await unlockAccount(db, ending, { citizenId, now: NOW }));
  t.is((await findByIdentifier(db, cipher, 'person.1'))?.state, 'active');
});

test('a changed name and a corrected number keep the citizen', async (t) => {
  const db = await freshDatabase(t);
  const citizenId = await givenAccount(db, 1);
  await givenAccount(db, 2);
  const now = minutesLater(1);
  await db.transaction((tx) =>
    correctCitizen(tx, cipher, { citizenId, name: '李四', idNumber: residentIdOf(3), now }),
  );
  t.like(await readCitizen(db, cipher, citizenId), { name: '李四', idNumber: residentIdOf(3) });
  t.is((await findByIdentifier(db, cipher, residentIdOf(3)))?.citizenId, citizenId);
  t.is(await findByIdentifier(db, cipher, residentIdOf(1)), undefined);
  await t.throwsAsync(
    db.transaction((tx) => correctCitizen(tx, cipher, { citizenId, idNumber: residentIdOf(2), now })),
    { message: 'id_already_registered' },
  );
});

test('after a rotation of the master key everything opens without the old one', async (t) => {
  const db = await freshDatabase(t);
  const ids = [];
  for (let n = 1; n <= 5; n++) ids.push(await givenAccount(db, n));
  const keys = { old: Buffer.alloc(32, 1), new: Buffer.alloc(32, 2) };
  const indexKey = Buffer.alloc(32, 3);
  const before = createCipher({ current: 'old', keys: { old: keys.old }, indexKey });
  for (const id of ids) {
    const { wrapped } = before.newPersonKey(id);
    await db.query('update citizens set wrapped_key = $2, name = $3, id_number = $4 where id = $1', [
      id,
      wrapped,
      before.open(wrapped, id).seal('name', '张三'),
      before.open(wrapped, id).seal('id_number', '1'),
    ]);
    await db.query('update accounts set username = null, phone = null, phone_bound_level = null');
    await db.query('update citizens set birth_date = null');
  }
  t.is(await rotateMasterKey(db, createCipher({ current: 'new', keys, indexKey }), { limit: 2 }), 5);
  t.is(await rotateMasterKey(db, createCipher({ current: 'new', keys, indexKey }), { limit: 2 }), 0);
  const after = createCipher({ current: 'new', keys: { new: keys.new }, indexKey });
  for (const id of ids) t.is((await readCitizen(db, after, id))?.name, '张三');
});

test('an account is locked and unlocked by its user name, and the log says so', async (t) => {
  const db = await freshDatabase(t);
  const citizenId = await givenAccount(db, 1);
  const say = (...args: string[]) => accountsCommand(db, ending, args, NOW);
  t.regex(await say('show', 'person.1'), /^active since /);
  t.is(await say('unlock', 'person.1'), 'It was not locked.');
  t.is(await say('lock', 'person.1'), 'Locked. All logins were ended.');
  t.is(await say('lock', 'person.1'), 'It was not active.');
  t.regex(await say('show', 'person.1'), /^locked \(administrator\) since /);
  t.is(await say('unlock', 'person.1'), 'Unlocked.');
  t.regex(await say('show', 'person.1'), /^active since /);
  t.deepEqual(await audited(db, ['account.locked', 'account.unlocked'], citizenId), [
    ['account.locked', { reason: 'administrator' }],
    ['account.unlocked', { reason: 'administrator' }],
  ]);
  const [row] = await db.query<{ n: number }>('select count(*) as n from passwords where citizen_id = $1', [
    citizenId,
  ]);
  t.is(row?.n, 1, 'what was locked by an administrator keeps its password');
});

let unchanged: TestDatabase;
test.before(async (t) => {
  unchanged = await freshDatabase(t);
  await givenAccount(unchanged, 1);
});
test.after.always(() => unchanged?.close());

for (const [what, args, words] of [
  ['without a verb', [], /npm run accounts -- unlock/],
  ['with a phone number', ['unlock', phoneOf(1)], /no user name/],
  ['with too much', ['unlock', 'person.1', 'person.2'], /npm run accounts/],
  ['for nobody', ['unlock', 'nobody.here'], /Nobody has that user name/],
] as const) {
  test(`the command ${what} says what is wrong`, async (t) => {
    await t.throwsAsync(accountsCommand(unchanged, ending, args, NOW), { message: words });
  });
}
