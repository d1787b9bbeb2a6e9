import test from 'ava';
import { browserHashOf, startProofing } from '../src/assurance/proofing/flow.ts';
import { proofingDeps } from '../src/front-door/proofing/proofing.ts';
import { activate, deactivate, liveActivation } from '../src/health-code/activation.ts';
import { decideFor } from '../src/health-code/decide.ts';
import { startRun } from '../src/health-code/runs.ts';
import { declareTrip } from '../src/health-code/travel/trip.ts';
import { defineSchedule, type ScheduleDeps } from '../src/schedule.ts';
import { press } from './assurance/proofing/world.ts';
import { cipher, NOW } from './support/citizens.ts';
import { freshDatabase } from './support/database.ts';
import { givenAccountOf, personNamed, startFrontDoor } from './support/front-door.ts';
import { daysLater, givenDeclared, givenEvidence, givenHealthCode } from './support/health.ts';
import { officerDecides } from './support/recovery.ts';

/** What the schedule defines, to be run by hand; what is not given is not there to be asked. */
async function scheduled(deps: Partial<ScheduleDeps>): Promise<Map<string, () => Promise<void>>> {
  const found = new Map<string, () => Promise<void>>();
  const jobs = {
    define: async (name: string, handler: (payload: object) => Promise<void>) =>
      void found.set(name, () => handler({})),
  };
  await defineSchedule({ ...deps, jobs } as unknown as ScheduleDeps);
  return found;
}

test('nothing of the health code runs while the module is off, except deletion; on again it catches up', async (t) => {
  const db = await freshDatabase(t);
  await givenHealthCode(db);
  const holder = await givenDeclared(db, 1);
  const { citizenId, subject } = holder;
  const trip = {
    province: '41',
    city: '郑州市',
    from: 20_775,
    to: 20_777,
    way: 'train',
    number: 'G1',
    signature: '示例',
  } as const;
  await db.transaction((tx) => declareTrip(tx, cipher, { holder, trip, ask: true, now: NOW }));
  await givenEvidence(db, subject, { type: 'CLOSE_CONTACT', source: 'cdc', at: NOW });
  await decideFor(db, citizenId, NOW);
  await startRun(db, { kind: 'live', version: '2020-1', from: NOW });
  const off = (await liveActivation(db, NOW))!;
  await deactivate(db, off.id, NOW);

  const now = daysLater(20);
  const asked: string[] = [];
  const exchange = {
    db,
    cipher,
    clock: () => now,
    async peers() {
      asked.push('peers');
      return undefined;
    },
  };
  const jobs = await scheduled({
    db,
    cipher,
    clock: () => now,
    origin: 'https://id.example',
    translator: () => (key) => key,
    exchange: exchange as unknown as ScheduleDeps['exchange'],
    stayCarrier: {
      async wasIn() {
        asked.push('carrier');
        return { outcome: 'yes', reference: 'r', source: 'carrier' };
      },
    },
  });
  const health = [...jobs.keys()].filter((name) => name.startsWith('health-'));
  t.deepEqual(health.sort(), [
    'health-exchange',
    'health-feeds',
    'health-file',
    'health-keys',
    'health-notices',
    'health-outages',
    'health-pids',
    'health-runs',
    'health-transitions',
    'health-travel',
  ]);
  for (const name of health) {
    const before = db.statements.length;
    await jobs.get(name)!();
    const statements = db.statements.slice(before);
    t.is(statements.length, 1, name);
    t.regex(statements[0]!, /from health_activations/, name);
  }
  t.deepEqual(asked, []);
  t.deepEqual(await db.query('select 1 from outbox'), []);
  await db.query('update health_checkins set at = $1', [daysLater(-400)]);
  await jobs.get('purge')!();
  t.deepEqual(await db.query('select 1 from health_checkins'), []);

  await activate(db, { ...off, from: daysLater(19), to: daysLater(30) }, now);
  for (const name of health) await jobs.get(name)!();
  t.true(asked.includes('carrier') && asked.includes('peers'));
  t.is((await db.query('select 1 from outbox')).length, 1);
  t.deepEqual(await db.query('select 1 from health_runs where finished_at is null'), []);
});

for (const [action, expected] of [
  ['accept', '您的“视频人工核验”已通过，现在可以登录继续办理'],
  ['refuse', '您的“视频人工核验”没有通过。您可以登录后重新核验，或换一种方式'],
  [undefined, '您的“视频人工核验”没有得出结果，已经结束'],
] as const) {
  test(`whom an officer ${action ?? 'forget'}s after they have left the page is told once by SMS`, async (t) => {
    const door = await startFrontDoor(t);
    const person = personNamed('gao_xiuyun');
    const citizenId = await givenAccountOf(door, person);
    const visit = { interactionUid: 'interaction', browserHash: browserHashOf('browser') };
    const deps = proofingDeps(door.deps);
    const started = await startProofing(deps, { ...visit, citizenId, method: 'video' });
    await press(started.kind === 'redirect' ? started.redirectTo : '', 'later');
    const { texts } = door.deps.pages;
    const jobs = await scheduled({ ...door.deps, translator: (locale) => texts.translator(locale) });
    const ask = jobs.get('proofings-awaited')!;
    door.advance(3_600);
    await ask();
    t.deepEqual(await door.sms(person.phone), [], 'nothing is decided yet');
    if (action) await officerDecides(door, person, action);
    door.advance(action ? 3_600 : 8 * 86_400);
    await ask();
    await ask();
    const sent = await door.sms(person.phone);
    t.is(sent.length, 1);
    t.true(sent[0]?.includes(expected), sent[0]);
    t.false(sent[0]?.includes(person.name));
  });
}
