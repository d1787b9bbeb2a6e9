import { randomBytes } from 'node:crypto';
import test, { type ExecutionContext } from 'ava';
import { createCipher } from '../../src/platform/field-encryption.ts';
import { openJobs, type Payload } from '../../src/platform/jobs.ts';
import { backOff, deliver, post, purgeOutbox } from '../../src/platform/outbox.ts';
import { freshDatabase } from '../support/database.ts';

const cipher = createCipher({ current: 'a', keys: { a: randomBytes(32) }, indexKey: randomBytes(32) });
const now = new Date('2026-11-23T01:00:00Z');
const after = (seconds: number) => new Date(now.getTime() + seconds * 1_000);
const message = {
  channel: 'sms',
  to: '13900000001',
  text: '验证码 246810',
  kind: 'login_code',
  now,
} as const;

test('a message is sent once, and its receiver and text are then gone from the database', async (t) => {
  const db = await freshDatabase(t);
  const id = await post(db, cipher, message);
  const before = await db.query('select * from outbox');
  t.false(JSON.stringify(before).includes('13900000001'));

  const sent: unknown[] = [];
  const send = async (each: unknown) => {
    sent.push(each);
    return { reference: 'gateway-1' };
  };
  t.is(await deliver(db, cipher, send, now), 1);
  t.is(await deliver(db, cipher, send, after(3_600)), 0);
  t.deepEqual(sent, [{ id, channel: 'sms', to: message.to, text: message.text }]);
  const [row] = await db.query('select sealed, reference, sent_at from outbox');
  t.deepEqual(row, { sealed: null, reference: 'gateway-1', sent_at: now });
});

test('a message of a transaction that is rolled back is never sent', async (t) => {
  const db = await freshDatabase(t);
  await t.throwsAsync(
    db.transaction(async (tx) => {
      await post(tx, cipher, message);
      throw new Error('something else failed');
    }),
  );
  t.is(await deliver(db, cipher, async () => t.fail('sent'), now), 0);
});

test('deliverers that work at once never send a message twice', async (t) => {
  const db = await freshDatabase(t);
  const ids = await Promise.all(Array.from({ length: 60 }, () => post(db, cipher, message)));
  const sent: string[] = [];
  const send = async ({ id }: { id: string }) => {
    await new Promise(setImmediate);
    sent.push(id);
    return undefined;
  };
  const counts = await Promise.all(Array.from({ length: 6 }, () => deliver(db, cipher, send, now)));
  t.is(
    counts.reduce((sum, count) => sum + count),
    60,
  );
  t.deepEqual(sent.toSorted(), ids.toSorted());
});

test('what a gateway refuses is tried again, later and later', async (t) => {
  const db = await freshDatabase(t);
  await post(db, cipher, message);
  let tries = 0;
  const down = async () => {
    tries += 1;
    throw new Error('gateway down');
  };
  t.is(await deliver(db, cipher, down, now), 0);
  await deliver(db, cipher, down, after(1));
  t.is(tries, 1, 'not before its time');
  await deliver(db, cipher, down, after(2));
  t.is(tries, 2);
  t.deepEqual([1, 2, 3, 4, 5, 9].map(backOff), [2, 8, 32, 128, 300, 300]);
  t.is(await deliver(db, cipher, async () => undefined, after(10)), 1);
});

test('a message whose deliverer died is sent again after its claim', async (t) => {
  const db = await freshDatabase(t);
  await post(db, cipher, message);
  const died = new Promise<never>(() => {});
  void deliver(db, cipher, () => died, now);
  while ((await db.query('select 1 from outbox where attempts = 1')).length === 0);

  t.is(await deliver(db, cipher, async () => undefined, after(59)), 0);
  t.is(await deliver(db, cipher, async () => undefined, after(60)), 1);
});

test('a message is given up when it has become worthless', async (t) => {
  const db = await freshDatabase(t);
  await post(db, cipher, { ...message, expiresAt: after(300) });
  t.is(await deliver(db, cipher, async () => t.fail('sent'), after(300)), 0);
  t.deepEqual(await db.query('select sealed, given_up_at from outbox'), [
    { sealed: null, given_up_at: after(300) },
  ]);
});

test('old messages are deleted, those still to be sent are kept', async (t) => {
  const db = await freshDatabase(t);
  await post(db, cipher, message);
  await deliver(db, cipher, async () => undefined, now);
  await post(db, cipher, message);
  t.is(await purgeOutbox(db, after(604_800)), 0);
  t.is(await purgeOutbox(db, after(604_801)), 1);
  t.is((await db.query('select 1 from outbox')).length, 1);
});

async function setUp(t: ExecutionContext) {
  const db = await freshDatabase(t);
  const errors: object[] = [];
  const log = { error: (detail: object) => void errors.push(detail) };
  const open = async () => {
    const jobs = await openJobs({ connectionString: db.url, db, log });
    t.teardown(() => jobs.stop());
    return jobs;
  };
  return { db, log, open, jobs: await open(), errors };
}

test('a job exists when and only when the transaction that added it commits', async (t) => {
  const { db, jobs } = await setUp(t);
  const ran: Payload[] = [];
  await jobs.define('greet', async (payload) => void ran.push(payload));
  await db.transaction((tx) => jobs.enqueue(tx, 'greet', { who: 'committed' }));
  await t.throwsAsync(
    db.transaction(async (tx) => {
      await jobs.enqueue(tx, 'greet', { who: 'rolled back' });
      throw new Error('something else failed');
    }),
  );
  await jobs.runNow('greet');
  await jobs.runNow('greet');
  t.deepEqual(ran, [{ who: 'committed' }]);
});

test('a job that fails is tried again and then left failed', async (t) => {
  const { db, jobs, errors } = await setUp(t);
  let tries = 0;
  const failing = async () => {
    tries += 1;
    throw new Error('not today');
  };
  await jobs.define('fail', failing, { retryLimit: 2, retryDelay: 60 });
  await jobs.enqueue(db, 'fail', { no: 1 });
  for (let attempt = 0; attempt < 3; attempt++) {
    await t.throwsAsync(jobs.runNow('fail'), { message: 'not today' });
  }
  await t.notThrowsAsync(jobs.runNow('fail'));
  t.is(tries, 3);
  t.is(errors.length, 3);
});

test('jobs with the same key wait once, jobs without a key wait each', async (t) => {
  const { db, jobs } = await setUp(t);
  const ran: unknown[] = [];
  await jobs.define('count', async ({ n }) => void ran.push(n));
  await jobs.enqueue(db, 'count', { n: 1 }, { singletonKey: 'one' });
  await jobs.enqueue(db, 'count', { n: 2 }, { singletonKey: 'one' });
  await jobs.enqueue(db, 'count', { n: 3 });
  await jobs.enqueue(db, 'count', { n: 4 });
  await jobs.runNow('count');
  t.deepEqual(ran.toSorted(), [1, 3, 4]);
});

test('a started process takes jobs by itself, and two share them without doing one twice', async (t) => {
  const { db, jobs, open } = await setUp(t);
  const other = await open();
  const ran: unknown[] = [];
  let allRan = () => {};
  const done = new Promise<void>((resolve) => {
    allRan = resolve;
  });
  const handler = async ({ n }: Payload) => {
    ran.push(n);
    if (ran.length === 30) allRan();
  };
  for (const each of [jobs, other]) await each.define('share', handler);
  for (let n = 0; n < 30; n++) await jobs.enqueue(db, 'share', { n });
  await Promise.all([jobs.start(), other.start()]);
  await done;
  await Promise.all([jobs.stop(), other.stop()]);
  t.is(new Set(ran).size, 30);
  t.is(ran.length, 30);
});

test('a periodic job runs by itself, and stopping waits for the one that runs', async (t) => {
  const { jobs } = await setUp(t);
  let begun = () => {};
  const began = new Promise<void>((resolve) => {
    begun = resolve;
  });
  let ended = false;
  await jobs.define(
    'sweep',
    async () => {
      begun();
      await new Promise(setImmediate);
      ended = true;
    },
    { everySeconds: 1 },
  );
  await jobs.start();
  await began;
  await jobs.stop();
  t.true(ended);
});

test('a periodic job is looked for when it is due, and soon again when that failed', async (t) => {
  const { db, log, errors } = await setUp(t);
  let looks = 0;
  const pool = Object.create(db.pool, {
    query: {
      value: async (text: string, values?: unknown[]) => {
        if (text.includes(`j.name = 'hourly'`)) {
          looks += 1;
          if (looks === 1) throw new Error('the database is away');
        }
        return db.pool.query(text, values);
      },
    },
  });
  const jobs = await openJobs({ connectionString: db.url, db: { ...db, pool }, log });
  t.teardown(() => jobs.stop());
  const hourly = Promise.withResolvers<void>();
  let turn = Promise.withResolvers<void>();
  await jobs.define('hourly', async () => hourly.resolve(), { everySeconds: 3_600 });
  await jobs.define('turn', async () => turn.resolve(), { everySeconds: 1 });
  const nextTurn = () => {
    turn = Promise.withResolvers<void>();
    return turn.promise;
  };
  await jobs.start();
  await hourly.promise;
  t.is(errors.length, 1);
  await nextTurn();
  await nextTurn();
  const before = looks;
  await nextTurn();
  await nextTurn();
  t.is(looks, before);
});

test('a periodic job can be run at will', async (t) => {
  const { jobs } = await setUp(t);
  let runs = 0;
  const count = async () => {
    runs += 1;
  };
  await jobs.define('purge', count, { everySeconds: 3_600 });
  await jobs.runNow('purge');
  await jobs.runNow('purge');
  t.is(runs, 2);
});
