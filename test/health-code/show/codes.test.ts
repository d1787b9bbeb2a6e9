import test from 'ava';
import { endGuardianship, recordGuardianship } from '../../../src/citizens/guardianship.ts';
import { checkCode } from '../../../src/health-code/door/check.ts';
import { purgeDoor } from '../../../src/health-code/door/purge.ts';
import {
  approveReidentification,
  listReidentifications,
  readVisits,
  requestReidentification,
} from '../../../src/health-code/door/reidentify.ts';
import {
  addDevice,
  authenticateDevice,
  disableDevice,
  listVenues,
  registerVenue,
} from '../../../src/health-code/door/venues.ts';
import { attest, withdrawAttestations } from '../../../src/health-code/show/attest.ts';
import { openHealthKeys, tendHealthKeys } from '../../../src/health-code/show/keys.ts';
import { issueOnline, redeemOnline } from '../../../src/health-code/show/online-code.ts';
import {
  findPaper,
  issuePaper,
  listPapers,
  PAPERS_MAX,
  readPaper,
  revokePaper,
  revokePapersBy,
} from '../../../src/health-code/show/paper.ts';
import { purgeShown } from '../../../src/health-code/show/purge.ts';
import { liveLists, statusList } from '../../../src/health-code/show/status-lists.ts';
import { exportPoint, newDeviceKey } from '../../../src/health-code/wire/cose.js';
import { writeOfflineCode } from '../../../src/health-code/wire/offline-code.js';
import type { Database } from '../../../src/platform/database.ts';
import { newId } from '../../../src/platform/id.ts';
import { createLimits } from '../../../src/platform/limits.ts';
import { cipher, NOW, residentIdOf } from '../../support/citizens.ts';
import { freshDatabase, type TestDatabase } from '../../support/database.ts';
import { recordStatements, unindexedScans } from '../../support/explain.ts';
import { daysLater, givenDeclared, givenHealthCode } from '../../support/health.ts';
import { OFFICERS } from '../../support/health-door.ts';

const secondsLater = (seconds: number) => new Date(NOW.getTime() + seconds * 1_000);
const [citizenId, venueId] = [newId(), newId()];

/** For tests that ask about codes of their own. */
let shared: TestDatabase;
test.before(async (t) => {
  shared = await freshDatabase(t, { max: 20 });
});
test.after.always(() => shared?.close());

test('a code is the beginning HK1: and 32 random bytes; the database knows only their hash', async (t) => {
  const db = await freshDatabase(t);
  const { code, expiresAt } = await issueOnline(db, { citizenId, now: NOW });
  t.regex(code, /^HK1:[0-9A-Z $%*+\-./:]{48}$/);
  t.deepEqual(expiresAt, secondsLater(60));
  const [row] = await db.query<{ hash: Buffer; all: string }>(
    'select hash, c::text as all from health_codes c',
  );
  t.is(row?.hash.length, 32);
  t.false(row?.all.includes(code.slice(4)));
  t.not((await issueOnline(db, { citizenId, now: NOW })).code, code);
});

test('a code is redeemed once and is shown before from then on', async (t) => {
  const { code } = await issueOnline(shared, { citizenId, now: NOW });
  t.deepEqual(await redeemOnline(shared, { code, venueId, now: NOW }), { outcome: 'redeemed', citizenId });
  for (const now of [NOW, secondsLater(300)]) {
    const again = await redeemOnline(shared, { code, venueId: newId(), now });
    t.deepEqual(again, { outcome: 'shown_before', citizenId });
  }
});

test('a code works for 60 seconds and not a millisecond longer', async (t) => {
  const { code: late } = await issueOnline(shared, { citizenId, now: NOW });
  const { code: intime } = await issueOnline(shared, { citizenId, now: NOW });
  t.is((await redeemOnline(shared, { code: late, venueId, now: secondsLater(60) })).outcome, 'expired');
  const lastMoment = new Date(secondsLater(60).getTime() - 1);
  t.is((await redeemOnline(shared, { code: intime, venueId, now: lastMoment })).outcome, 'redeemed');
});

test('of 20 redeemers at once exactly one wins, the others hear that it was shown before', async (t) => {
  for (let round = 0; round < 5; round += 1) {
    const { code } = await issueOnline(shared, { citizenId, now: NOW });
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, () =>
        shared.transaction((tx) => redeemOnline(tx, { code, venueId: newId(), now: NOW })),
      ),
    );
    const won = outcomes.filter(({ outcome }) => outcome === 'redeemed');
    t.is(won.length, 1);
    t.is(outcomes.filter(({ outcome }) => outcome === 'shown_before').length, 19);
  }
});

test('a redemption is one statement', async (t) => {
  const db = await freshDatabase(t);
  const { code } = await issueOnline(db, { citizenId, now: NOW });
  const before = db.statements.length;
  await redeemOnline(db, { code, venueId, now: NOW });
  t.is(db.statements.length - before, 1);
});

for (const code of ['', 'HK1:', 'HK1:ABC', `HK1:${'0'.repeat(48)}`, `HK1:${':'.repeat(48)}`, 'rubbish']) {
  test(`"${code.slice(0, 9)}" (${code.length} letters) is unknown`, async (t) => {
    t.deepEqual(await redeemOnline(shared, { code, venueId, now: NOW }), { outcome: 'unknown' });
  });
}

test('codes that are over are deleted a while later', async (t) => {
  const db = await freshDatabase(t);
  await issueOnline(db, { citizenId, now: NOW });
  t.is(await purgeShown(db, { now: secondsLater(600) }), 0);
  t.is(await purgeShown(db, { now: secondsLater(661) }), 1);
  t.is(await purgeShown(db, { now: secondsLater(661) }), 0);
});

test('a paper code can be printed again and found by what is on it, and is kept sealed', async (t) => {
  const db = await freshDatabase(t);
  const id = await issuePaper(db, cipher, { citizenId, now: NOW });
  const paper = (await readPaper(db, cipher, { citizenId, id, now: NOW }))!;
  t.regex(paper.code, /^HK3:/);
  t.like(await findPaper(db, paper.code, NOW), { citizenId, state: 'good' });
  t.like(await findPaper(db, paper.code, daysLater(89)), { citizenId, state: 'good' }, 'more than once');
  const [row] = await db.query<{ all: string }>('select p::text as all from health_papers p');
  t.false(row!.all.includes(paper.code.slice(4)));
  t.is(await readPaper(db, cipher, { citizenId: newId(), id, now: NOW }), undefined, 'by its citizen only');
});

test('a paper code is worthless once revoked or ninety days old, and stays in the list for a while', async (t) => {
  const db = await freshDatabase(t);
  const id = await issuePaper(db, cipher, { citizenId, now: NOW });
  const old = await issuePaper(db, cipher, { citizenId, now: NOW });
  const codes = await Promise.all(
    [id, old].map((each) => readPaper(db, cipher, { citizenId, id: each, now: NOW })),
  );
  t.false(await revokePaper(db, { citizenId: newId(), id, now: NOW }), 'by its citizen only');
  t.true(await revokePaper(db, { citizenId, id, now: NOW }));
  t.false(await revokePaper(db, { citizenId, id, now: NOW }));
  t.is((await findPaper(db, codes[0]!.code, NOW))?.state, 'revoked');
  t.is((await findPaper(db, codes[1]!.code, daysLater(90)))?.state, 'expired');
  t.is(await readPaper(db, cipher, { citizenId, id, now: NOW }), undefined);
  t.deepEqual(
    (await listPapers(db, citizenId)).map(({ id: each, revokedAt }) => [each, revokedAt]),
    [
      [old, undefined],
      [id, NOW],
    ],
  );
  t.is(await purgeShown(db, { now: daysLater(269) }), 0);
  t.is(await purgeShown(db, { now: daysLater(271) }), 2);
});

test('nobody has more than a handful of good papers', async (t) => {
  const db = await freshDatabase(t);
  const ids = [];
  for (let i = 0; i < PAPERS_MAX; i += 1) ids.push(await issuePaper(db, cipher, { citizenId, now: NOW }));
  await t.throwsAsync(issuePaper(db, cipher, { citizenId, now: NOW }), { message: 'health_papers_many' });
  await revokePaper(db, { citizenId, id: ids[0]!, now: NOW });
  await t.notThrowsAsync(issuePaper(db, cipher, { citizenId, now: NOW }));

  await givenHealthCode(db);
  const { citizenId: declared } = await givenDeclared(db, 1);
  const make = () => db.transaction((tx) => issuePaper(tx, cipher, { citizenId: declared, now: NOW }));
  await Promise.allSettled(Array.from({ length: PAPERS_MAX + 3 }, make));
  t.is((await listPapers(db, declared)).length, PAPERS_MAX, 'nor when they are asked for at the same moment');
});

for (const code of ['HK3:', 'HK1:ABC', `HK3:${'0'.repeat(48)}`]) {
  test(`"${code.slice(0, 9)}" (${code.length} letters) is nobody’s paper`, async (t) => {
    t.is(await findPaper(shared, code, NOW), undefined);
  });
}

test('a paper that a guardian makes while the guardianship ends is not made', async (t) => {
  const db = await freshDatabase(t);
  const guardianId = newId();
  const asked = { guardianId, dependantId: citizenId, kind: 'elder', reference: 'test', now: NOW } as const;
  const id = await recordGuardianship(db, asked);
  const make = () =>
    db.transaction((tx) => issuePaper(tx, cipher, { citizenId, issuedBy: guardianId, now: NOW }));
  await t.notThrowsAsync(make());
  let made: Promise<unknown> = Promise.resolve();
  await db.transaction(async (tx) => {
    await endGuardianship(tx, { id, party: { guardianId }, now: NOW });
    made = t.throwsAsync(make(), { message: 'health_no_dependant' });
    t.is(await revokePapersBy(tx, { citizenId, issuedBy: guardianId, now: NOW }), 1);
  });
  await made;
  t.is(await revokePapersBy(db, { citizenId, issuedBy: guardianId, now: NOW }), 0, 'none is left');
});

/** Short for ever, or read whole on purpose: one row for each key, source, day of outage, province, venue. */
const SHORT =
  /^(health_keys|health_sources|health_outage_days|health_rule_sets|health_activations|health_venues)\b/;

test('every statement of showing and checking uses an index', async (t) => {
  const db = await freshDatabase(t);
  await givenHealthCode(db);
  const holder = await givenDeclared(db, 1);
  const { citizenId } = holder;
  const recorder = recordStatements(db);
  const recorded: Database = { ...db, ...recorder, transaction: (work) => work(recorder, async () => {}) };
  await tendHealthKeys(db, cipher, NOW);
  const keys = openHealthKeys(recorded, cipher);
  const [by, officer] = OFFICERS;
  const now = NOW;
  const venueId = await registerVenue(recorder, { name: '甲市图书馆', region: '390100', by, now });
  const credential = await addDevice(recorder, { venueId, label: '正门', by, now });
  await authenticateDevice(recorder, credential);
  await listVenues(recorder);
  const deps = { db: recorded, cipher, keys, limits: createLimits(db) };
  const check = (code: string, document?: string) =>
    checkCode(deps, { venue: { id: venueId }, code, document, now });

  t.like(await check((await issueOnline(recorder, { citizenId, now })).code), { verdict: 'valid' });
  const { privateKey, publicKey } = await newDeviceKey();
  const device = await exportPoint(publicKey);
  const { attestation } = await attest(recorded, keys, { holder, shownBy: citizenId, device, now });
  const time = now.getTime() / 1_000;
  t.like(await check(await writeOfflineCode({ attestation, time }, privateKey)), { verdict: 'valid' });
  const id = await issuePaper(recorder, cipher, { citizenId, now });
  const { code } = (await readPaper(recorder, cipher, { citizenId, id, now }))!;
  t.like(await check(code, residentIdOf(1).slice(-4)), { verdict: 'valid' });
  await listPapers(recorder, citizenId);
  await revokePaper(recorder, { citizenId, id, now });
  await withdrawAttestations(recorder, { citizenId, shownBy: citizenId });
  for (const list of await liveLists(recorder))
    await statusList(recorder, keys, { list, issuer: 'https://id.example', now });

  const later = new Date(now.getTime() + 60_000);
  const asked = { venueId, from: now, to: later, grounds: '流行病学调查', officer: by, now: later };
  const request = await requestReidentification(recorder, asked);
  await listReidentifications(recorder, { waiting: true });
  t.is((await approveReidentification(recorded, cipher, { id: request, officer, now: later })).length, 1);
  await readVisits(recorder, request);
  await disableDevice(recorder, { deviceId: credential.replaceAll('-', '').slice(0, 8), by, now });
  await purgeShown(recorded, { now: daysLater(400) });
  await purgeDoor(recorded, { now: daysLater(400) });
  const scans = await unindexedScans(db, recorder.statements);
  t.deepEqual(
    scans.filter((scan) => !SHORT.test(scan)),
    [],
  );
});
