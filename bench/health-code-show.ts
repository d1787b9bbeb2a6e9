import { createHash } from 'node:crypto';
import { startTemporaryPostgres } from '../sandbox/postgres/temporary.ts';
import { createCitizen } from '../src/citizens/store.ts';
import { seedActivation } from '../src/health-code/activation.ts';
import { checkCode } from '../src/health-code/door/check.ts';
import { addDevice, registerVenue } from '../src/health-code/door/venues.ts';
import { ruleSets } from '../src/health-code/engine/rule-set.ts';
import { subjectOf } from '../src/health-code/people.ts';
import { seedRuleSet } from '../src/health-code/rule-set-store.ts';
import { openHealthKeys } from '../src/health-code/show/keys.ts';
import { issueOnline, redeemOnline } from '../src/health-code/show/online-code.ts';
import { type Database, openDatabase } from '../src/platform/database.ts';
import { createCipher } from '../src/platform/field-encryption.ts';
import { newId } from '../src/platform/id.ts';
import { createLimits } from '../src/platform/limits.ts';
import { migrate } from '../src/platform/migrations.ts';
import { measure, median } from './load.ts';

/*
 * How fast codes are shown and checked, on one process and one database: `npm run bench -- codes`.
 */

export interface MeasuredCodes {
  what: string;
  perSecond: number;
}

const WORKERS = 16;
const PEOPLE = 200;
const NOW = new Date('2026-11-23T02:00:00Z');
const key = (name: string) => createHash('sha256').update(name).digest();
const cipher = createCipher({
  current: 'bench',
  keys: { bench: key('master') },
  indexKey: key('index'),
});

/** People who have declared and been decided green. */
async function fill(db: Database): Promise<string[]> {
  const ids: string[] = [];
  for (let n = 0; n < PEOPLE; n += 1) {
    const idNumber = `3901001990010${String(n).padStart(5, '0')}`;
    const citizenId = await db.transaction((tx) =>
      createCitizen(tx, cipher, {
        name: '示例',
        documentType: 'passport',
        idNumber,
        birthDate: '1990-01-01',
        now: NOW,
      }),
    );
    await db.query(
      `insert into health_people (citizen_id, subject, declared_at, level_ever) values ($1, $2, $3, 'basic')`,
      [citizenId, subjectOf(cipher, idNumber), NOW],
    );
    ids.push(citizenId);
  }
  return ids;
}

/**
 * Rates of one process: a code alone, its redemption alone, and the whole check of a door, which decides the colour
 * anew and leaves a trace. Each is the median of three runs.
 *
 * @param url an empty database.
 */
export async function measureCodes(url: string, milliseconds = 1_500): Promise<MeasuredCodes[]> {
  await migrate(url);
  const db = openDatabase(url, { max: WORKERS });
  try {
    await seedActivation(db, NOW);
    await seedRuleSet(db, ruleSets, NOW);
    const people = await fill(db);
    const by = 'system';
    const venueId = await db.transaction((tx) =>
      registerVenue(tx, { name: 'bench', region: '390100', by, now: NOW }),
    );
    await db.transaction((tx) => addDevice(tx, { venueId, label: 'bench', by, now: NOW }));
    const deps = { db, cipher, keys: openHealthKeys(db, cipher), limits: createLimits(db) };

    let turn = 0;
    const issue = () => issueOnline(db, { citizenId: people[turn++ % PEOPLE]!, now: NOW });
    const rate = async (operation: () => Promise<void>) => {
      const runs: number[] = [];
      for (let run = 0; run < 3; run += 1)
        runs.push(await measure(operation, { workers: WORKERS, milliseconds }));
      return Math.round(median(runs));
    };
    const redeem = async () => {
      const { code } = await issue();
      const { outcome } = await redeemOnline(db, { code, venueId: newId(), now: NOW });
      if (outcome !== 'redeemed') throw new Error(outcome);
    };
    const check = async () => {
      const { code } = await issue();
      const { verdict } = await checkCode(deps, { venue: { id: venueId }, code, now: NOW });
      if (verdict !== 'valid') throw new Error(verdict);
    };
    return [
      { what: 'codes issued', perSecond: await rate(async () => void (await issue())) },
      { what: 'codes issued and redeemed, nothing else', perSecond: await rate(redeem) },
      {
        what: 'codes issued and checked at a door: redeemed, colour decided, trace left',
        perSecond: await rate(check),
      },
    ];
  } finally {
    await db.close();
  }
}

/** Prints them, on a throw-away database. */
export async function benchCodes(print: (line: string) => void): Promise<void> {
  const postgres = await startTemporaryPostgres();
  try {
    for (const { what, perSecond } of await measureCodes(postgres.url))
      print(`${perSecond.toLocaleString('en').padStart(12)} /s  ${what}`);
  } finally {
    await postgres.stop();
  }
}
