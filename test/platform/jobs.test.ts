import test, { type ExecutionContext } from 'ava';
import { openJobs, type Payload } from '../../src/platform/jobs.ts';
import { freshDatabase } from '../support/database.ts';

async function setUp(t: ExecutionContext) {
  const db = await freshDatabase(t);
  const errors: object[] = [];
  const open = async () => {
    const jobs = await openJobs({
      connectionString: db.url,
      db,
      log: { error: (detail) => void errors.push(detail) },
    });
    t.teardown(() => jobs.stop());
    return jobs;
  };
  return { db, open, jobs: await open(), errors };
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

test('a nudge makes a waiting process look at once', async (t) => {
  const { db, jobs } = await setUp(t);
  let tell = (_payload: Payload) => {};
  const ran = new Promise<Payload>((resolve) => {
    tell = resolve;
  });
  await jobs.define('soon', async (payload) => tell(payload));
  await jobs.start();
  await jobs.enqueue(db, 'soon', { now: true });
  jobs.nudge('soon');
  t.deepEqual(await ran, { now: true });
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
