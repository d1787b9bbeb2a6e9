import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { NEIGHBOUR_OFFSET } from '../../sandbox/neighbours.ts';
import { openSandbox } from '../../sandbox/open.ts';
import { type Program, processes } from '../../sandbox/processes.ts';
import { settleVenue, VENUE } from '../../sandbox/venues.ts';
import { recordEvidence } from '../../src/assurance/store.ts';
import { createCitizen } from '../../src/citizens/store.ts';
import { readSettings } from '../../src/environment.ts';
import { decideFor } from '../../src/health-code/decide.ts';
import { declare } from '../../src/health-code/declare.ts';
import { readHolder } from '../../src/health-code/people.ts';
import type { Database } from '../../src/platform/database.ts';
import { createCipher } from '../../src/platform/field-encryption.ts';
import { newId } from '../../src/platform/id.ts';
import { residentIdOf } from '../support/citizens.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { givenEvidence, givenHealthCode, NOTHING } from '../support/health.ts';

/** Somebody who has declared, under the keys of the sandbox. */
async function declared(db: Database, [platform]: readonly Program[], n: number): Promise<Buffer> {
  const now = new Date();
  const cipher = createCipher(readSettings({ ...process.env, ...platform!.env }).masterKeys);
  const person = { name: '示例', documentType: 'resident_id', idNumber: residentIdOf(n), now } as const;
  const citizenId = await db.transaction((tx) => createCitizen(tx, cipher, person));
  for (const [method, source] of [
    ['register', 'police'],
    ['carrier', 'carrier'],
  ] as const) {
    await recordEvidence(db, { citizenId, method, source, transactionId: newId(), at: now });
  }
  const holder = await readHolder(db, cipher, citizenId);
  await db.transaction((tx) => declare(tx, cipher, { holder, declared: NOTHING, now }));
  return holder.subject;
}

/** A province of the sandbox with its identity provider only: the rest plays no part. */
async function start(
  t: ExecutionContext,
  { db, portOffset, neighbour }: { db: TestDatabase; portOffset: number; neighbour: boolean },
  prepare: (programs: readonly Program[]) => Promise<unknown>,
): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), 'ymt-neighbour-'));
  t.teardown(() => rmSync(dataDir, { recursive: true, force: true }));
  const sandbox = await openSandbox({
    dataDir,
    portOffset,
    neighbour,
    databaseUrl: db.url,
    given: {},
    programs: (plan) => processes(plan).slice(0, 1),
    async prepare(programs) {
      await givenHealthCode(db, new Date());
      await prepare(programs);
    },
  });
  t.teardown(sandbox.stop);
}

/** What jobs do in the background, as soon as it is done: at the latest in their next turn but one, a minute each. */
async function eventually<T>(ask: () => Promise<T | undefined>): Promise<T> {
  for (let attempt = 0; attempt < 1_500; attempt += 1) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    await sleep(100);
  }
  throw new Error('it never came');
}

test('two provinces of the sandbox exchange a red code, and one asks the other at the door about a green and a red visitor', async (t) => {
  t.timeout(300_000);
  const [here, there] = [await freshDatabase(t), await freshDatabase(t)];
  // Below the ports that systems hand out by themselves.
  const portOffset = 5_000 + 100 * Math.floor(Math.random() * 200);
  await start(t, { db: here, portOffset, neighbour: false }, async (programs) => {
    const subject = await declared(here, programs, 1);
    await declared(here, programs, 2);
    await givenEvidence(here, subject, { type: 'CLOSE_CONTACT', source: 'cdc', at: new Date() });
    const [red] = await here.query<{ citizen_id: string }>(
      'select citizen_id from health_people where subject = $1',
      [subject],
    );
    await decideFor(here, red!.citizen_id, new Date());
  });
  await eventually(async () => (await here.query('select 1 from health_own_files'))[0]);
  await start(
    t,
    { db: there, portOffset: portOffset + NEIGHBOUR_OFFSET, neighbour: true },
    async (programs) => {
      await declared(there, programs, 1);
      await settleVenue(there, new Date());
    },
  );
  // Evidence waits for the next turn of the schedule, or for somebody who looks at the code.
  const { citizen_id: traveller } = await eventually(
    async () =>
      (
        await there.query<{ citizen_id: string }>(
          `select p.citizen_id from health_evidence e join health_people p on p.subject = e.subject
           where e.source = 'peer'`,
        )
      )[0],
  );
  const { colour, reasons } = await decideFor(there, traveller, new Date());
  t.deepEqual([colour, ...reasons], ['RED', 'R108']);

  const visitor = async (n: number) => {
    const url = `http://localhost:${3_000 + portOffset + NEIGHBOUR_OFFSET}/health/verify/visitor`;
    const body = { province: '390000', document_type: 'resident_id', id_number: residentIdOf(n) };
    const answer = await fetch(url, {
      method: 'POST',
      headers: { authorization: `Bearer ${VENUE.credential}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return ((await answer.json()) as { verdict: string }).verdict;
  };
  // On a busy machine an answer may come too late for a door, as the first one does, which also fetches keys.
  const answered = (n: number) =>
    eventually(async () => {
      const verdict = await visitor(n);
      return verdict === 'unknown' ? undefined : verdict;
    });
  t.deepEqual([await answered(2), await answered(1), await visitor(3)], ['green', 'not_green', 'unknown']);
});
