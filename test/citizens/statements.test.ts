import test from 'ava';
import { generateSync } from 'otplib';
import {
  capLevel,
  closeAccount,
  lockAccount,
  markDeceased,
  unlockAccount,
} from '../../src/citizens/account-state.ts';
import { askToClose, cancelClosing, closeDueAccounts } from '../../src/citizens/closing.ts';
import { correctCitizen } from '../../src/citizens/correct.ts';
import { raiseBoundLevels, removeAllCredentials, removeCredential } from '../../src/citizens/credentials.ts';
import { importCitizen } from '../../src/citizens/import.ts';
import { redeemCode, sendCode } from '../../src/citizens/one-time-code.ts';
import {
  finishPasskeyEnrolment,
  finishPasskeyLogin,
  relyingPartyOf,
  startPasskeyEnrolment,
  startPasskeyLogin,
} from '../../src/citizens/passkey.ts';
import { changePassword, usePassword, verifyPassword } from '../../src/citizens/password.ts';
import { changePhone, transferPhone, usePhone } from '../../src/citizens/phone.ts';
import { purgeCitizens } from '../../src/citizens/purge.ts';
import { rotateMasterKey } from '../../src/citizens/rotate-keys.ts';
import { findByIdentifier, readCitizen } from '../../src/citizens/store.ts';
import { confirmTotp, hasTotp, startTotp, verifyTotp } from '../../src/citizens/totp.ts';
import type { CopyIn } from '../../src/platform/database.ts';
import { createCipher } from '../../src/platform/field-encryption.ts';
import { createAuthenticator } from '../support/authenticator.ts';
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
import { freshDatabase } from '../support/database.ts';
import { recordStatements, unindexedScans } from '../support/explain.ts';

test('every statement of the room uses an index', async (t) => {
  const db = await freshDatabase(t);
  const recorder = recordStatements(db);
  const recorded = {
    ...db,
    ...recorder,
    transaction: <T>(work: (tx: typeof recorder, copyIn: CopyIn) => Promise<T>) =>
      work(recorder, async () => {}),
  };
  const tx = recorded;
  const now = NOW;
  const citizenId = await givenAccount(recorded, 1);
  const other = await givenAccount(recorded, 2);
  await findByIdentifier(tx, cipher, phoneOf(1));
  await readCitizen(tx, cipher, citizenId);
  await importCitizen(tx, cipher, {
    name: '张三',
    documentType: 'resident_id',
    idNumber: residentIdOf(3),
    now,
    system: 'old',
    oldIdentifier: '1',
  });
  await verifyPassword(tx, undefined, 'x');
  await usePassword(tx, { citizenId, changedAt: now, now });
  await changePassword(tx, { citizenId, passwordHash: NO_PASSWORD, boundLevel: 'basic', now });
  await transferPhone(tx, cipher, { phone: phoneOf(2), toCitizenId: citizenId });
  await changePhone(tx, cipher, { citizenId, phone: phoneOf(2), boundLevel: 'basic', now });
  await usePhone(tx, { citizenId, now });
  const code = { phone: phoneOf(1), purpose: 'login' as const, context: 'c', now };
  await sendCode({ tx, cipher }, code);
  await sendCode({ tx, cipher }, code);
  await sendCode({ tx, cipher }, { ...code, now: minutesLater(1) });
  await redeemCode({ tx, cipher }, { ...code, code: '0' });
  await redeemCode({ tx, cipher }, { ...code, code: '0', now: minutesLater(10) });
  const totp = await startTotp(tx, cipher, { citizenId, label: 'a', issuer: 'i', account: 'a', now });
  const confirm = { citizenId, id: totp.id, boundLevel: 'basic' as const, now };
  await confirmTotp(tx, cipher, {
    ...confirm,
    code: generateSync({ secret: totp.secret, epoch: now.getTime() / 1000 }),
  });
  const later = minutesLater(5);
  const next = generateSync({ secret: totp.secret, epoch: later.getTime() / 1000 });
  await verifyTotp(tx, cipher, { citizenId, code: next, now: later });
  await hasTotp(tx, citizenId);
  const party = relyingPartyOf('http://localhost:3000', 'x');
  const key = createAuthenticator({ rpId: party.id, origin: party.origin });
  const context = 'c';
  const asked = await startPasskeyEnrolment(tx, party, {
    citizenId,
    context,
    userName: 'u',
    displayName: 'd',
    now,
  });
  const response = key.create(asked);
  await finishPasskeyEnrolment(tx, party, {
    citizenId,
    context,
    response,
    label: 'k',
    boundLevel: 'basic',
    now,
  });
  const get = key.get(await startPasskeyLogin(tx, party, { context, now }));
  t.truthy(await finishPasskeyLogin(tx, party, { context, response: get, now }));
  const refs = [
    { kind: 'password' },
    { kind: 'sms' },
    { kind: 'totp', id: totp.id },
    { kind: 'passkey', id: key.id },
  ] as const;
  await raiseBoundLevels(tx, citizenId, refs, 'advanced');
  await removeCredential(tx, { citizenId, kind: 'totp', id: totp.id });
  await removeCredential(tx, { citizenId, kind: 'passkey', id: key.id });
  await removeAllCredentials(tx, { citizenId, keepPasskeys: [] });
  await correctCitizen(tx, cipher, { citizenId, idNumber: residentIdOf(4), now });
  await capLevel(tx, citizenId, { level: 'basic', until: later });
  await lockAccount(tx, ending, { citizenId, reason: 'administrator', now });
  await unlockAccount(tx, ending, { citizenId, now });
  await markDeceased(tx, ending, { citizenId: other, now });
  await askToClose(tx, { citizenId, now });
  await cancelClosing(tx, { citizenId, now });
  await closeDueAccounts(recorded, ending, { now, limit: 1 });
  await closeAccount(tx, ending, { citizenId, reason: 'requested', now });
  await purgeCitizens(tx, { now, limit: 10 });
  const rotated = createCipher({
    current: 'n',
    keys: { n: Buffer.alloc(32, 9), test: Buffer.alloc(32) },
    indexKey: Buffer.alloc(32),
  });
  await rotateMasterKey(recorded, { ...cipher, rewrap: (_, owner) => rotated.newPersonKey(owner).wrapped });
  t.true(recorder.statements.length > 50, `${recorder.statements.length} statements`);
  t.deepEqual(await unindexedScans(db, recorder.statements), []);
});

test('what has expired is deleted in batches, what has not stays', async (t) => {
  const db = await freshDatabase(t);
  const citizenId = await givenAccount(db, 1);
  const party = relyingPartyOf('http://localhost:3000', 'x');
  for (let n = 0; n < 5; n++) {
    await sendCode({ tx: db, cipher }, { phone: phoneOf(n), purpose: 'login', context: 'c', now: NOW });
    await startPasskeyLogin(db, party, { context: 'c', now: NOW });
    await startTotp(db, cipher, { citizenId, label: 'a', issuer: 'i', account: 'a', now: NOW });
  }
  t.is(await purgeCitizens(db, { now: minutesLater(4), limit: 100 }), 0);
  t.is(await purgeCitizens(db, { now: minutesLater(6), limit: 100 }), 5, 'challenges');
  const tomorrow = minutesLater(25 * 60);
  t.is(await purgeCitizens(db, { now: tomorrow, limit: 2 }), 6);
  const both = await Promise.all([1, 2].map(() => purgeCitizens(db, { now: tomorrow, limit: 100 })));
  t.is(both[0]! + both[1]!, 14);
});

test('a statement without an index is noticed', async (t) => {
  const db = await freshDatabase(t);
  const text = `select citizen_id from accounts where state = 'locked'`;
  t.deepEqual(await unindexedScans(db, [{ text, values: [] }]), [`accounts: ${text}`]);
  t.deepEqual(
    await unindexedScans(db, [{ text: 'select 1 from accounts where citizen_id = $1', values: [null] }]),
    [],
  );
});
