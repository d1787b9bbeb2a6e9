import test from 'ava';
import { defineLogoutQueue, enqueueLogoutOn } from '../../src/oidc/logout-queue.ts';
import { newId } from '../../src/platform/id.ts';
import { type Handler, type Jobs, openJobs } from '../../src/platform/jobs.ts';
import { audited } from '../support/audited.ts';
import { freshDatabase } from '../support/database.ts';
import { openLogoutPortal } from '../support/logout-portal.ts';

test('a portal that hangs holds up nobody else, however many notices wait for it', async (t) => {
  const db = await freshDatabase(t, { max: 4 });
  const portals = { dead: await openLogoutPortal(t), alive: await openLogoutPortal(t) };
  portals.dead.answer = 'hold';
  const given = new AbortController();
  const open = async () => {
    const jobs = await openJobs({ connectionString: db.url, db, log: { error: () => {} } });
    await defineLogoutQueue(jobs, {
      db,
      clock: () => new Date(),
      async send({ clientId, sid }) {
        const body = new URLSearchParams({ logout_token: sid });
        const { origin } = portals[clientId as keyof typeof portals];
        await fetch(`${origin}/logout`, { method: 'POST', body, signal: given.signal });
        return true;
      },
    });
    return jobs;
  };
  const processes = [await open(), await open()];
  t.teardown(async () => {
    given.abort();
    await Promise.all(processes.map((jobs) => jobs.stop()));
  });
  const enqueue = enqueueLogoutOn(processes[0]!);
  const notices = (clientId: string, count: number) =>
    Array.from({ length: count }, (_, n) => ({ clientId, accountId: newId(), sid: `${clientId}-${n}` }));
  await enqueue(db, notices('dead', 250));
  await enqueue(db, notices('alive', 20));
  const told = portals.alive.received(20);
  await Promise.all(processes.map((jobs) => jobs.start()));
  // Nothing that hangs is ever let go here: if it were waited for, this would never come.
  await told;
  t.is(new Set(portals.alive.tokens).size, 20);
  t.true(portals.dead.tokens.length >= 1 && portals.dead.tokens.length <= 8, `${portals.dead.tokens.length}`);
});

test('a relying party that never takes its logout token is written down when it is given up, once', async (t) => {
  const db = await freshDatabase(t);
  let run: Handler = async () => {};
  const define = async (_: string, handler: Handler) => {
    run = handler;
  };
  const jobs = { define } as unknown as Jobs;
  const send = () => Promise.reject(new Error('down'));
  await defineLogoutQueue(jobs, { db, clock: () => new Date(), send });
  const notice = { clientId: 'city-a', accountId: newId(), sid: 's' };
  for (const retries of [0, 32, 33]) await t.throwsAsync(run(notice, { retries }), { message: 'down' });
  t.deepEqual(await audited(db, ['logout.failed'], notice.accountId), [['logout.failed', {}]]);
});
