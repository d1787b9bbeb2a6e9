import test from 'ava';
import { generateSync } from 'otplib';
import { listCredentials } from '../../src/citizens/credentials.ts';
import {
  finishPasskeyEnrolment,
  finishPasskeyLogin,
  PASSKEY_MAX,
  relyingPartyOf,
  startPasskeyEnrolment,
  startPasskeyLogin,
} from '../../src/citizens/passkey.ts';
import {
  confirmTotp,
  hasTotp,
  pendingTotp,
  startTotp,
  TOTP_MAX,
  verifyTotp,
} from '../../src/citizens/totp.ts';
import type { Database } from '../../src/platform/database.ts';
import { type AuthenticatorOptions, createAuthenticator } from '../support/authenticator.ts';
import { cipher, givenAccount, minutesLater, NOW } from '../support/citizens.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';

const party = relyingPartyOf('http://localhost:3000', '一码通');
const here = { rpId: party.id, origin: party.origin };
const context = 'interaction-1';

async function enrol(db: Database, citizenId: string, options: Partial<AuthenticatorOptions> = {}) {
  const authenticator = createAuthenticator({ ...here, ...options });
  const names = { userName: 'person.1', displayName: '示例一' };
  const asked = await startPasskeyEnrolment(db, party, { citizenId, context, ...names, now: NOW });
  const id = await finishPasskeyEnrolment(db, party, {
    citizenId,
    context,
    response: authenticator.create(asked),
    label: '手机',
    boundLevel: 'basic',
    now: NOW,
  });
  return { authenticator, id };
}

async function answered(db: Database, authenticator: ReturnType<typeof createAuthenticator>) {
  return authenticator.get(await startPasskeyLogin(db, party, { context, now: NOW }));
}

test('a passkey logs its citizen in without a user name, and tells its level', async (t) => {
  const db = await freshDatabase(t);
  const citizenId = await givenAccount(db, 1);
  const { authenticator, id } = await enrol(db, citizenId);
  t.is(id, authenticator.id);
  const login = await finishPasskeyLogin(db, party, {
    context,
    response: await answered(db, authenticator),
    now: NOW,
  });
  t.deepEqual(login, {
    citizenId,
    credentialId: id!,
    boundLevel: 'basic',
    userVerified: true,
    hardware: true,
  });
  t.like((await listCredentials(db, citizenId)).passkeys[0], {
    id,
    label: '手机',
    lastUsedAt: NOW,
    synced: false,
  });
});

test('a synchronised passkey has no counter and is told apart', async (t) => {
  const db = await freshDatabase(t);
  const { authenticator } = await enrol(db, await givenAccount(db, 1), { synced: true });
  for (let i = 0; i < 2; i++) {
    const response = await answered(db, authenticator);
    t.like(await finishPasskeyLogin(db, party, { context, response, now: NOW }), { hardware: false });
  }
});

test('of 20 uses of one answer one succeeds', async (t) => {
  const db = await freshDatabase(t, { max: 20 });
  const { authenticator } = await enrol(db, await givenAccount(db, 1), { synced: true });
  const response = await answered(db, authenticator);
  const results = await Promise.all(
    Array.from({ length: 20 }, () => finishPasskeyLogin(db, party, { context, response, now: NOW })),
  );
  t.is(results.filter(Boolean).length, 1);
});

test('an answer from another session, after five minutes or to another citizen is refused', async (t) => {
  const db = await freshDatabase(t);
  const [one, other] = [await givenAccount(db, 1), await givenAccount(db, 2)];
  const { authenticator } = await enrol(db, one);
  const attempt = async (more: object) =>
    finishPasskeyLogin(db, party, {
      context,
      response: await answered(db, authenticator),
      now: NOW,
      ...more,
    });
  t.is(await attempt({ context: 'interaction-2' }), undefined);
  t.is(await attempt({ now: minutesLater(5) }), undefined);
  t.is(await attempt({ citizenId: other }), undefined);
  t.truthy(await attempt({ citizenId: one }));
});

test('an authenticator that does not verify its user is refused', async (t) => {
  const db = await freshDatabase(t);
  const { id } = await enrol(db, await givenAccount(db, 1), { verifies: false });
  t.is(id, undefined);
});

test('another site’s answer is refused', async (t) => {
  const db = await freshDatabase(t);
  const citizenId = await givenAccount(db, 1);
  t.is((await enrol(db, citizenId, { origin: 'http://evil.example' })).id, undefined);
  t.is((await enrol(db, citizenId, { rpId: 'evil.example' })).id, undefined);
});

test('a counter that goes back is a copied key', async (t) => {
  const db = await freshDatabase(t);
  const { authenticator } = await enrol(db, await givenAccount(db, 1));
  t.truthy(
    await finishPasskeyLogin(db, party, { context, response: await answered(db, authenticator), now: NOW }),
  );
  authenticator.rewind(0);
  t.is(
    await finishPasskeyLogin(db, party, { context, response: await answered(db, authenticator), now: NOW }),
    undefined,
  );
});

test('nonsense is refused and does not throw', async (t) => {
  const db = await freshDatabase(t);
  const { authenticator } = await enrol(db, await givenAccount(db, 1));
  const good = await answered(db, authenticator);
  const broken = { ...good, response: { ...good.response, signature: 'AAAA' } };
  t.is(await finishPasskeyLogin(db, party, { context, response: broken, now: NOW }), undefined);
  const empty = { ...good, response: { ...good.response, clientDataJSON: '!' } };
  t.is(await finishPasskeyLogin(db, party, { context, response: empty, now: NOW }), undefined);
});

test('a citizen has ten passkeys at most', async (t) => {
  const db = await freshDatabase(t);
  const citizenId = await givenAccount(db, 1);
  for (let i = 0; i < PASSKEY_MAX; i++) await enrol(db, citizenId);
  await t.throwsAsync(enrol(db, citizenId), { message: 'too_many_credentials' });
});

test('of five passkeys at once that would be too many one is added', async (t) => {
  const db = await freshDatabase(t, { max: 5 });
  const citizenId = await givenAccount(db, 1);
  for (let i = 1; i < PASSKEY_MAX; i++) await enrol(db, citizenId);
  const names = { userName: 'person.1', displayName: '示例一' };
  const answers = await Promise.allSettled(
    Array.from({ length: 5 }, async (_, i) => {
      const wish = { citizenId, context: `tab-${i}`, now: NOW };
      const asked = await startPasskeyEnrolment(db, party, { ...wish, ...names });
      const response = createAuthenticator(here).create(asked);
      const added = { ...wish, response, label: '手机', boundLevel: 'basic' as const };
      return db.transaction((tx) => finishPasskeyEnrolment(tx, party, added));
    }),
  );
  t.is(answers.filter(({ status }) => status === 'fulfilled').length, 1);
  t.is((await listCredentials(db, citizenId)).passkeys.length, PASSKEY_MAX);
});

/** Of the tests of apps, each of which has citizens of its own. */
let db: TestDatabase;
test.before(async (t) => {
  db = await freshDatabase(t, { max: 20 });
});
test.after.always(() => db?.close());

const codeAt = (secret: string, at: Date) => generateSync({ secret, epoch: at.getTime() / 1000 });

async function enrolled(citizenId: string, at = NOW) {
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
  const citizenId = await givenAccount(db, 2);
  const { id, secret } = await enrolled(citizenId);
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
  const citizenId = await givenAccount(db, 3);
  const { secret } = await enrolled(citizenId);
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
  const [one, other] = [await givenAccount(db, 4), await givenAccount(db, 5)];
  const { secret } = await enrolled(one);
  const now = minutesLater(5);
  t.is(await verifyTotp(db, cipher, { citizenId: other, code: codeAt(secret, now), now }), undefined);
});

test('a citizen has five apps at most', async (t) => {
  const citizenId = await givenAccount(db, 6);
  for (let i = 0; i < TOTP_MAX; i++) t.true((await enrolled(citizenId)).ok);
  await t.throwsAsync(enrolled(citizenId), { message: 'too_many_credentials' });
});

test('of two apps at once that would be one too many one is added', async (t) => {
  const citizenId = await givenAccount(db, 7);
  for (let i = 1; i < TOTP_MAX; i++) await enrolled(citizenId);
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
