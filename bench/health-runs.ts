import { seedActivation } from '../src/health-code/activation.ts';
import { ruleSets } from '../src/health-code/engine/rule-set.ts';
import { seedRuleSet } from '../src/health-code/rule-set-store.ts';
import { stepRuns } from '../src/health-code/runs.ts';
import { openDatabase } from '../src/platform/database.ts';
import { migrate } from '../src/platform/migrations.ts';

/*
 * How long it takes to decide everybody anew: `node bench/health-runs.ts 1000000`, on an empty database in
 * DATABASE_URL. One in ten has evidence, everybody three check-ins.
 */
const people = Number(process.argv[2] ?? 100_000);
const url = process.env.DATABASE_URL;
if (!url) throw new Error('DATABASE_URL must name an empty database');
await migrate(url);
const db = openDatabase(url, { max: 4 });
const now = new Date();
await seedActivation(db, now);
await db.query(
  `insert into health_people (citizen_id, subject, declared_at, level_ever)
   select gen_random_uuid(), sha256(n::text::bytea), $2, 'basic' from generate_series(1, $1) n`,
  [people, now],
);
await db.query(
  `insert into health_evidence (subject, id, type, source, reference, at, purpose, received_at)
   select subject, gen_random_uuid(), case when random() < 0.5 then 'CLOSE_CONTACT' else 'CO_TRAVELLER' end, 'cdc',
     citizen_id::text, $1::timestamptz - random() * interval '20 days', 'epidemic_prevention', $1
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
await seedRuleSet(db, ruleSets, now);

async function pass(what: string): Promise<void> {
  const start = performance.now();
  let done = 0;
  for (;;) {
    const step = await stepRuns(db, { now, batch: 2_000 });
    if (step === undefined) break;
    done += step;
    if (done % 100_000 === 0) process.stderr.write(`  ${what}: ${done}\n`);
  }
  const seconds = (performance.now() - start) / 1_000;
  const rate = Math.round(done / seconds).toLocaleString('en');
  process.stdout.write(`${what}: ${done} citizens in ${seconds.toFixed(1)} s, ${rate} a second\n`);
}

await pass('first decisions');
await db.query(
  `insert into health_runs (id, kind, version, total, started_at)
   select gen_random_uuid(), 'live', $1, count(*), $2 from health_people`,
  [ruleSets.at(-1)?.version, now],
);
await pass('decided anew, nothing changed');
await db.close();
