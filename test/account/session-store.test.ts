import test from 'ava';
import { purgeAccount } from '../../src/account/purge.ts';
import {
  closeAccountSession,
  findAccountSession,
  keepPendingPhone,
  openAccountSession,
} from '../../src/account/session-store.ts';
import { newId } from '../../src/platform/id.ts';
import { minutesLater, NOW } from '../support/citizens.ts';
import { freshDatabase } from '../support/database.ts';
import { recordStatements, unindexedScans } from '../support/explain.ts';

const open = { citizenId: newId(), sessionUid: 'front-door-1', confirmed: false, now: NOW };

test('a session is found by its cookie until it expires or is closed', async (t) => {
  const db = await freshDatabase(t);
  const cookie = await openAccountSession(db, { ...open, expiresAt: minutesLater(60) });
  const session = await findAccountSession(db, cookie, minutesLater(59));
  t.like(session, { citizenId: open.citizenId, sessionUid: 'front-door-1', confirmedAt: undefined });
  t.is(await findAccountSession(db, cookie, minutesLater(60)), undefined);
  t.is(await findAccountSession(db, `${cookie}x`, NOW), undefined);
  const rows = await db.query<{ row: string }>('select s::text as row from account_sessions s');
  t.false(rows[0]!.row.includes(Buffer.from(cookie).toString('hex')));
  await closeAccountSession(db, cookie);
  t.is(await findAccountSession(db, cookie, NOW), undefined);
});

test('expired sessions are deleted in batches, and every statement uses an index', async (t) => {
  const db = await freshDatabase(t);
  const recorder = recordStatements(db);
  for (const minutes of [1, 1, 1, 90]) {
    const cookie = await openAccountSession(recorder, { ...open, expiresAt: minutesLater(minutes) });
    const session = await findAccountSession(recorder, cookie, NOW);
    await keepPendingPhone(recorder, session!.key, Buffer.from('x'));
  }
  t.is(await purgeAccount(recorder, { now: minutesLater(2), limit: 2 }), 2);
  t.is(await purgeAccount(recorder, { now: minutesLater(2), limit: 2 }), 1);
  t.is(await purgeAccount(recorder, { now: minutesLater(2), limit: 2 }), 0);
  await closeAccountSession(recorder, 'x');
  t.deepEqual(await unindexedScans(db, recorder.statements), []);
});
