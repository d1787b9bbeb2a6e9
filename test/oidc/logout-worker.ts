import { openCatalogue } from '../../src/departments/catalogue.ts';
import { defineLogoutQueue, enqueueLogoutOn } from '../../src/oidc/logout-queue.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { openDatabase } from '../../src/platform/database.ts';
import { openJobs } from '../../src/platform/jobs.ts';
import { endSessions } from '../../src/sessions/end.ts';
import { protocolOn } from '../support/protocol-on.ts';

/**
 * Another process of the platform, to be killed: `end` ends the sessions of `ACCOUNT` and delivers nothing,
 * `work` delivers what waits. It says `done` when the sessions are ended, or when it has begun to work.
 */
const {
  DATABASE_URL: url = '',
  ISSUER: issuer = '',
  ALLOW: allow = '',
  ACCOUNT: accountId = '',
} = process.env;
const db = openDatabase(url, { max: 4 });
const jobs = await openJobs({ connectionString: url, db, log: { error: () => {} } });
const enqueueLogout = enqueueLogoutOn(jobs);
const protocol = await protocolOn({
  db,
  issuer,
  clock: systemClock,
  catalogue: openCatalogue(db, systemClock),
  enqueueLogout,
  allow: [allow],
  onError: () => {},
});
await defineLogoutQueue(jobs, { db, clock: systemClock, send: protocol.sendLogout });
if (process.argv[2] === 'end') {
  const now = systemClock();
  await db.transaction((tx) => endSessions(tx, enqueueLogout, { accountId, reason: 'admin', now }));
} else await jobs.start();
process.send?.('done');
setInterval(() => {}, 60_000);
