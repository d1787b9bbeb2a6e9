import test from 'ava';
import { listCredentials } from '../../src/citizens/credentials.ts';
import {
  finishPasskeyEnrolment,
  finishPasskeyLogin,
  PASSKEY_MAX,
  relyingPartyOf,
  startPasskeyEnrolment,
  startPasskeyLogin,
} from '../../src/citizens/passkey.ts';
import type { Database } from '../../src/platform/database.ts';
import { type AuthenticatorOptions, createAuthenticator } from '../support/authenticator.ts';
import { givenAccount, minutesLater, NOW } from '../support/citizens.ts';
import { freshDatabase } from '../support/database.ts';

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
