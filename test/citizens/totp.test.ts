import test from 'ava';
import { generateSync } from 'otplib';
import { listCredentials } from '../../src/citizens/credentials.ts';
import {
  confirmTotp,
  hasTotp,
  pendingTotp,
  startTotp,
  TOTP_MAX,
  verifyTotp,
} from '../../src/citizens/totp.ts';
import type { Database } from '../../src/platform/database.ts';
import { cipher, givenAccount, minutesLater, NOW } from '../support/citizens.ts';
import { freshDatabase } from '../support/database.ts';

const codeAt = (secret: string, at: Date) => generateSync({ secret, epoch: at.getTime() / 1000 });

async function enrolled(db: Database, citizenId: string, at = NOW) {
  const pending = await startTotp(db, cipher, {
    citizenId,
    label: '手机',
    issuer: '一码通',
    account: 'person.1',
    now: at,
  });
  const code = codeAt(pending.secret, at);
  const ok = await confirmTotp(db, cipher, { citizenId, id: pending.id, code, boundLevel: 'basic', now: at });
  return { ...pending, ok };
}

test('an authenticator app counts once its first code was seen', async (t) => {
  const db = await freshDatabase(t);
  const citizenId = await givenAccount(db, 1);
  const who = { citizenId, issuer: '一码通', account: 'person.1' };
  const pending = await startTotp(db, cipher, { ...who, label: '手机', now: NOW });
  t.regex(pending.uri, /^otpauth:\/\/totp\//);
  t.deepEqual(await pendingTotp(db, cipher, { ...who, id: pending.id }), pending);
  t.false(await hasTotp(db, citizenId));
  const code = codeAt(pending.secret, NOW);
  t.is(await verifyTotp(db, cipher, { citizenId, code, now: NOW }), undefined);

  const confirm = { citizenId, id: pending.id, boundLevel: 'basic' as const, now: NOW };
  t.false(await confirmTotp(db, cipher, { ...confirm, code: 'nonsense' }));
  t.true(await confirmTotp(db, cipher, { ...confirm, code }));
  t.false(await confirmTotp(db, cipher, { ...confirm, code }), 'it is confirmed already');
  t.true(await hasTotp(db, citizenId));
  t.is(await pendingTotp(db, cipher, { ...who, id: pending.id }), undefined);
  t.is(await verifyTotp(db, cipher, { citizenId, code, now: NOW }), undefined, 'that code is used up');
});

test('a code is good one step early or late, once, and never an earlier one after it', async (t) => {
  const db = await freshDatabase(t);
  const citizenId = await givenAccount(db, 1);
  const { id, secret } = await enrolled(db, citizenId);
  const now = minutesLater(10);
  const at = (steps: number) => codeAt(secret, new Date(now.getTime() + steps * 30_000));
  const verify = (code: string) => verifyTotp(db, cipher, { citizenId, code, now });
  t.is(await verify(at(2)), undefined);
  t.is(await verify(at(-2)), undefined);
  t.deepEqual(await verify(at(0)), { id, boundLevel: 'basic' });
  t.is(await verify(at(0)), undefined);
  t.is(await verify(at(-1)), undefined);
  t.deepEqual(await verify(at(1)), { id, boundLevel: 'basic' });
  t.is((await listCredentials(db, citizenId)).totp[0]?.lastUsedAt?.getTime(), now.getTime());
});

test('of 20 uses of one code one succeeds', async (t) => {
  const db = await freshDatabase(t, { max: 20 });
  const citizenId = await givenAccount(db, 1);
  const { secret } = await enrolled(db, citizenId);
  for (let round = 1; round <= 5; round++) {
    const now = minutesLater(round);
    const code = codeAt(secret, now);
    const results = await Promise.all(
      Array.from({ length: 20 }, () => verifyTotp(db, cipher, { citizenId, code, now })),
    );
    t.is(results.filter(Boolean).length, 1);
  }
});

test('somebody else’s code is nothing', async (t) => {
  const db = await freshDatabase(t);
  const [one, other] = [await givenAccount(db, 1), await givenAccount(db, 2)];
  const { secret } = await enrolled(db, one);
  const now = minutesLater(5);
  t.is(await verifyTotp(db, cipher, { citizenId: other, code: codeAt(secret, now), now }), undefined);
});

test('a citizen has five apps at most', async (t) => {
  const db = await freshDatabase(t);
  const citizenId = await givenAccount(db, 1);
  for (let i = 0; i < TOTP_MAX; i++) t.true((await enrolled(db, citizenId)).ok);
  await t.throwsAsync(enrolled(db, citizenId), { message: 'too_many_credentials' });
});

test('of two apps at once that would be one too many one is added', async (t) => {
  const db = await freshDatabase(t, { max: 5 });
  const citizenId = await givenAccount(db, 1);
  for (let i = 1; i < TOTP_MAX; i++) await enrolled(db, citizenId);
  const names = { label: 'x', issuer: 'y', account: 'z' };
  const begun = await Promise.all(
    Array.from({ length: 5 }, () => startTotp(db, cipher, { citizenId, ...names, now: NOW })),
  );
  const answers = await Promise.allSettled(
    begun.map(({ id, secret }) =>
      db.transaction((tx) =>
        confirmTotp(tx, cipher, { citizenId, id, code: codeAt(secret, NOW), boundLevel: 'basic', now: NOW }),
      ),
    ),
  );
  t.is(answers.filter(({ status }) => status === 'fulfilled').length, 1);
  t.is((await listCredentials(db, citizenId)).totp.length, TOTP_MAX);
});
