import { seedActivation } from '../src/health-code/activation.ts';
import { ruleSets } from '../src/health-code/engine/rule-set.ts';
import { seedRuleSet } from '../src/health-code/rule-set-store.ts';
import { startRun, stepRuns } from '../src/health-code/runs.ts';
import { type Database, openDatabase } from '../src/platform/database.ts';
import { onFreshDatabase } from './database.ts';

/*
 * How long it takes to decide everybody anew: `npm run bench -- runs 1000000`. One in ten has evidence, everybody three
 * check-ins.
 */

interface MeasuredRun {
  what: string;
  people: number;
  seconds: number;
  perSecond: number;
}

async function fill(db: Database, people: number, now: Date): Promise<void> {
  await db.query(
    `insert into health_people (citizen_id, subject, declared_at, level_ever)
     select gen_random_uuid(), sha256(n::text::bytea), $2, 'basic' from generate_series(1, $1) n`,
    [people, now],
  );
  await db.query(
    `insert into health_evidence (subject, id, type, source, reference, at, purpose, received_at)
     select subject, gen_random_uuid(), case when random() < 0.5 then 'CLOSE_CONTACT' else 'CO_TRAVELLER' end,
       'cdc', citizen_id::text, $1::timestamptz - random() * interval '20 days', 'epidemic_prevention', $1
     from health_people where random() < 0.1`,
    [now],
  );
  await db.query(
    `insert into health_checkins (citizen_id, id, at, temp, symptoms)
     select citizen_id, gen_random_uuid(), $1::timestamptz - d * interval '1 day', 365, '{}'
     from health_people, generate_series(0, 2) d`,
    [now],
  );
  await db.query('analyze');
}

/**
 * Measures passes over everybody: the first decisions, which all are written; the same again, which changes
 * nothing; and a shadow.
 *
 * @param url an empty, migrated database.
 */
async function measureRuns(people: number, url: string, workers = 3): Promise<MeasuredRun[]> {
  const db = openDatabase(url, { max: workers + 2 });
  const now = new Date();
  const version = ruleSets.at(-1)!.version;
  const pass = async (what: string): Promise<MeasuredRun> => {
    const start = performance.now();
    let done = 0;
    for (;;) {
      const step = await stepRuns(db, { now, workers, batch: 1_000 * workers });
      if (step === undefined) break;
      done += step;
    }
    const seconds = (performance.now() - start) / 1_000;
    return { what, people: done, seconds, perSecond: Math.round(done / seconds) };
  };
  try {
    await seedActivation(db, now);
    await fill(db, people, now);
    await seedRuleSet(db, ruleSets, now);
    const first = await pass('decided for the first time, everybody written');
    await startRun(db, { kind: 'live', version, from: now });
    const again = await pass('decided anew, nothing changed');
    await startRun(db, { kind: 'shadow', version, from: now });
    return [first, again, await pass('in shadow')];
  } finally {
    await db.close();
  }
}

/** Measures and prints. */
export async function benchRuns(print: (line: string) => void, people: number): Promise<void> {
  for (const run of await onFreshDatabase((url) => measureRuns(people, url))) {
    const rate = run.perSecond.toLocaleString('en').padStart(10);
    print(`${rate} citizens/s  ${run.what} (${run.people} in ${run.seconds.toFixed(1)} s)`);
  }
}
