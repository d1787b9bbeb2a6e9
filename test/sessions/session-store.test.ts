import test, { type ExecutionContext } from 'ava';
import type { Queryable } from '../../src/platform/database.ts';
import { endExpiredSessions, endSession, endSessions, type LogoutNotice } from '../../src/sessions/end.ts';
import {
  findSession,
  findSessionByUid,
  listSessions,
  type SaveSession,
  type SessionRecord,
  saveSession as saveSessionFor,
} from '../../src/sessions/session-store.ts';
import { freshDatabase } from '../support/database.ts';

const CITIZEN = '00000000-0000-7000-8000-000000000001';
const OTHER = '00000000-0000-7000-8000-000000000002';
const NOW = new Date('2026-05-01T08:00:00Z');
const later = (seconds: number): Date => new Date(NOW.getTime() + seconds * 1000);
const epoch = (date: Date): number => Math.floor(date.getTime() / 1000);

const saveSession = (db: Queryable, save: Omit<SaveSession, 'absoluteSeconds'>) =>
  saveSessionFor(db, { absoluteSeconds: 86_400, ...save });

const session = (over: Partial<SessionRecord> = {}): SessionRecord => ({
  uid: 'uid-1',
  accountId: CITIZEN,
  loginTs: epoch(NOW),
  iat: epoch(NOW),
  exp: epoch(later(3600)),
  ...over,
});

const notices = () => {
  const sent: LogoutNotice[] = [];
  return { sent, enqueue: async (_: unknown, list: LogoutNotice[]) => void sent.push(...list) };
};

const names = async (db: Awaited<ReturnType<typeof freshDatabase>>) =>
  Object.keys((await findSessionByUid(db, 'uid-1', NOW))?.record.authorizations ?? {}).sort();

test('portals that sign in at the same moment are all in the session', async (t) => {
  const db = await freshDatabase(t);
  await saveSession(db, { id: 'cookie', record: session(), now: NOW });
  const portals = Array.from({ length: 20 }, (_, i) => `portal-${String(i).padStart(2, '0')}`);
  await Promise.all(
    portals.map((portal) =>
      saveSession(db, {
        id: 'cookie',
        record: session({
          authorizations: { [portal]: { sid: `sid-${portal}`, grantId: `grant-${portal}` } },
        }),
        now: NOW,
      }),
    ),
  );
  t.deepEqual(await names(db), portals);
});

test('a request in flight during logout does not bring the session back', async (t) => {
  const db = await freshDatabase(t);
  const { enqueue } = notices();
  await saveSession(db, { id: 'cookie', record: session(), now: NOW });
  t.is(await endSession(db, enqueue, { uid: 'uid-1', reason: 'logout', now: NOW }), 1);
  await saveSession(db, { id: 'cookie', record: session(), now: later(1) });
  await saveSession(db, { id: 'fresh', replaces: 'cookie', record: session(), now: later(1) });
  t.is(await findSession(db, 'cookie', later(2)), undefined);
  t.is(await findSession(db, 'fresh', later(2)), undefined);
});

test('a request in flight during a step-up adds its portal and does not take the new cookie away', async (t) => {
  const db = await freshDatabase(t);
  await saveSession(db, { id: 'old', record: session(), now: NOW });
  await saveSession(db, { id: 'new', replaces: 'old', record: session({ transient: true }), now: later(1) });
  await saveSession(db, {
    id: 'old',
    record: session({ authorizations: { late: { sid: 's', grantId: 'g' } } }),
    now: later(2),
  });
  const found = await findSession(db, 'new', later(3));
  t.true(found?.record.transient);
  t.deepEqual(Object.keys(found?.record.authorizations ?? {}), ['late']);
  t.true((await findSession(db, 'old', later(3)))?.stale);
  t.is(await findSession(db, 'old', later(60)), undefined);
});

test('the cookie from before a login does not open the session afterwards', async (t) => {
  const db = await freshDatabase(t);
  const { accountId: _, loginTs: __, ...unknown } = session();
  await saveSession(db, { id: 'planted', record: unknown as SessionRecord, now: NOW });
  await saveSession(db, { id: 'own', replaces: 'planted', record: session(), now: later(1) });
  t.is(await findSession(db, 'planted', later(2)), undefined);
  t.is((await findSession(db, 'own', later(2)))?.record.accountId, CITIZEN);
});

test('of two that rotate the identifier at once one does, and nothing from before the login comes back', async (t) => {
  const db = await freshDatabase(t);
  const { accountId: _, loginTs: __, ...unknown } = session();
  await saveSession(db, { id: 'planted', record: unknown as SessionRecord, now: NOW });
  const opens = await Promise.all(
    ['tab-1', 'tab-2'].map((id) =>
      saveSession(db, { id, replaces: 'planted', record: session(), now: later(1) }),
    ),
  );
  t.deepEqual(opens.toSorted(), [false, true]);
  const [winner, loser] = opens[0] ? ['tab-1', 'tab-2'] : ['tab-2', 'tab-1'];
  t.is((await findSession(db, winner, later(2)))?.record.accountId, CITIZEN);
  t.is(await findSession(db, loser, later(2)), undefined);
  t.is(await findSession(db, 'planted', later(2)), undefined);
});

test('a session never passes to another account', async (t) => {
  const db = await freshDatabase(t);
  await saveSession(db, { id: 'cookie', record: session(), now: NOW });
  const other = session({ accountId: OTHER, authorizations: { theirs: { sid: 's', grantId: 'g' } } });
  t.false(await saveSession(db, { id: 'new', replaces: 'cookie', record: other, now: later(1) }));
  t.false(await saveSession(db, { id: 'cookie', record: other, now: later(1) }));
  const found = await findSession(db, 'cookie', later(2));
  t.is(found?.record.accountId, CITIZEN);
  t.deepEqual(found?.record.authorizations, {});
});

test('a session ends at its absolute limit whatever is written', async (t) => {
  const db = await freshDatabase(t);
  const save = (seconds: number, over: Partial<SessionRecord> = {}) =>
    saveSession(db, {
      id: 'cookie',
      record: session({ exp: epoch(later(seconds + 60)), ...over }),
      now: later(seconds),
    });
  for (let seconds = 0; seconds < 86_400; seconds += 3_600) await save(seconds);
  await save(86_399);
  t.truthy(await findSession(db, 'cookie', later(86_399)));
  t.is(await findSession(db, 'cookie', later(86_400)), undefined);
  await save(86_399, { loginTs: epoch(later(86_000)) });
  t.truthy(await findSession(db, 'cookie', later(86_400)), 'a new login begins a new day');
});

test('a session that ran out cannot be used, and its portals are told once', async (t) => {
  const db = await freshDatabase(t);
  const { sent, enqueue } = notices();
  const authorizations = { a: { sid: 'sid-a', grantId: 'g-a' }, b: { sid: 'sid-b', grantId: 'g-b' } };
  await saveSession(db, { id: 'cookie', record: session({ authorizations }), now: NOW });
  t.is(await findSession(db, 'cookie', later(3600)), undefined);
  const ended = await Promise.all(
    [1, 2, 3].map(() =>
      db.transaction((tx) => endExpiredSessions(tx, enqueue, { now: later(3601), limit: 10 })),
    ),
  );
  t.is(
    ended.reduce((sum, count) => sum + count, 0),
    1,
  );
  t.deepEqual(sent.map(({ clientId, sid }) => [clientId, sid]).sort(), [
    ['a', 'sid-a'],
    ['b', 'sid-b'],
  ]);
});

test('ending all sessions of a citizen may leave out the one in use', async (t) => {
  const db = await freshDatabase(t);
  const { enqueue } = notices();
  for (const n of [1, 2, 3]) {
    await saveSession(db, { id: `cookie-${n}`, record: session({ uid: `uid-${n}` }), now: NOW });
  }
  await saveSession(db, { id: 'other', record: session({ uid: 'uid-x', accountId: OTHER }), now: NOW });
  const count = await db.transaction((tx) =>
    endSessions(tx, enqueue, { accountId: CITIZEN, except: 'uid-2', reason: 'elsewhere', now: later(1) }),
  );
  t.is(count, 2);
  t.deepEqual(
    (await listSessions(db, CITIZEN, later(1))).map(({ uid }) => uid),
    ['uid-2'],
  );
  t.truthy(await findSession(db, 'other', later(1)));
});

test('cookies are stored as hashes only', async (t) => {
  const db = await freshDatabase(t);
  await saveSession(db, { id: 'the-cookie-value', record: session({ jti: 'the-cookie-value' }), now: NOW });
  const [{ row }] = (await db.query<{ row: string }>('select s::text as row from sessions s')) as [
    { row: string },
  ];
  assertAbsent(t, row, 'the-cookie-value');
});

function assertAbsent(t: ExecutionContext, text: string, secret: string): void {
  t.false(text.includes(secret));
  t.false(text.includes(Buffer.from(secret).toString('hex')));
}
