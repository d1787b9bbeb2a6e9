import test from 'ava';
import { createLimits, purgeLimits, readLimits } from '../../src/platform/limits.ts';
import { Problem } from '../../src/platform/problem.ts';
import { freshDatabase } from '../support/database.ts';

const limits = readLimits({ login: { points: 3, seconds: 900 } });

test('attempts beyond the limit are slowed down and told for how long', async (t) => {
  const { consume } = createLimits(await freshDatabase(t), limits);
  for (let attempt = 0; attempt < 3; attempt++) await consume('login', '192.0.2.1 somebody');
  const problem = await t.throwsAsync(consume('login', '192.0.2.1 somebody'), { instanceOf: Problem });
  t.like(problem, { code: 'too_many_attempts', status: 429, params: { minutes: 15 } });

  await t.notThrowsAsync(consume('login', '192.0.2.2 somebody'), 'the account itself is not locked');
  await t.notThrowsAsync(consume('recovery', '192.0.2.1 somebody'), 'each limit counts for itself');
});

test('processes that count at once let no more through than the limit', async (t) => {
  const db = await freshDatabase(t);
  const processes = [createLimits(db, limits), createLimits(db, limits)];
  const results = await Promise.allSettled(
    Array.from({ length: 20 }, (_, index) => processes[index % 2]!.consume('login', 'key')),
  );
  t.is(results.filter(({ status }) => status === 'fulfilled').length, 3);
});

test('the key is not in the database, and counters are purged when their time is over', async (t) => {
  const db = await freshDatabase(t);
  await createLimits(db, limits).consume('login', '192.0.2.1 somebody');
  t.false(JSON.stringify(await db.query('select * from rate_limits')).includes('192.0.2.1'));
  const now = Date.now();
  t.is(await purgeLimits(db, new Date(now)), 0);
  t.is(await purgeLimits(db, new Date(now + 901_000)), 1);
});

test('a limit that makes no sense is refused by name', (t) => {
  t.throws(() => readLimits({ login: { points: 0, seconds: 1 } }), { message: /login/ });
});
