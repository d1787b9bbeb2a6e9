import test from 'ava';
import { readAccess, recordAccess } from '../../src/audit/access-log.ts';
import { purgeAccessLog } from '../../src/audit/purge.ts';
import { newId } from '../../src/platform/id.ts';
import { freshDatabase } from '../support/database.ts';

const at = (second: number) => new Date(Date.UTC(2026, 2, 1, 8, 0, second));
const row = { clientId: 'epidemic-a', what: ['health_code'], purpose: 'epidemic_prevention' };

test('a citizen reads who saw their data, newest first, page by page, and nobody else’s rows', async (t) => {
  const db = await freshDatabase(t);
  const citizenId = newId();
  for (let i = 0; i < 5; i += 1) await recordAccess(db, { ...row, citizenId, at: at(Math.floor(i / 2)) });
  await recordAccess(db, { ...row, citizenId: newId(), at: at(9) });
  const first = await readAccess(db, citizenId, { limit: 3 });
  const second = await readAccess(db, citizenId, { limit: 3, after: first.next });
  t.deepEqual(
    [...first.rows, ...second.rows].map((each) => each.at.getUTCSeconds()),
    [2, 1, 1, 0, 0],
  );
  t.is(new Set([...first.rows, ...second.rows].map((each) => each.id)).size, 5);
  t.is(second.next, undefined);
  t.deepEqual(first.rows[0]?.what, ['health_code']);
});

test('a page of the access log is read from its index', async (t) => {
  const db = await freshDatabase(t);
  const plan = await db.transaction(async (tx) => {
    await tx.query('set local enable_seqscan = off');
    await tx.query('set local enable_bitmapscan = off');
    return tx.query<{ 'QUERY PLAN': string }>(
      `explain select id from access_log where citizen_id = '${newId()}' order by at desc, id desc limit 20`,
    );
  });
  const text = plan.map((line) => line['QUERY PLAN']).join('\n');
  t.regex(text, /access_log_newest/);
  t.notRegex(text, /Sort/);
});

test('a value in place of the name of a claim is refused', async (t) => {
  const db = await freshDatabase(t);
  const access = { ...row, citizenId: newId(), at: at(0) };
  await t.throwsAsync(recordAccess(db, { ...access, what: ['张三'] }), { message: /what/ });
  await t.throwsAsync(recordAccess(db, { ...access, purpose: '13800138000' }), { message: /purpose/ });
});

test('access rows older than they are kept go in batches', async (t) => {
  const db = await freshDatabase(t);
  const citizenId = newId();
  for (const second of [0, 1, 2, 50]) await recordAccess(db, { ...row, citizenId, at: at(second) });
  t.is(await purgeAccessLog(db, { now: at(59), keepSeconds: 30, batch: 2 }), 3);
  t.is((await readAccess(db, citizenId)).rows.length, 1);
});
