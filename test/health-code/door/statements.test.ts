import test from 'ava';
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
import { issueOnline } from '../../../src/health-code/show/online-code.ts';
import { issuePaper, listPapers, readPaper, revokePaper } from '../../../src/health-code/show/paper.ts';
import { purgeShown } from '../../../src/health-code/show/purge.ts';
import { liveLists, statusList } from '../../../src/health-code/show/status-lists.ts';
import { exportPoint, newDeviceKey } from '../../../src/health-code/wire/cose.js';
import { writeOfflineCode } from '../../../src/health-code/wire/offline-code.js';
import type { Database } from '../../../src/platform/database.ts';
import { createLimits } from '../../../src/platform/limits.ts';
import { cipher, NOW, residentIdOf } from '../../support/citizens.ts';
import { freshDatabase } from '../../support/database.ts';
import { recordStatements, unindexedScans } from '../../support/explain.ts';
import { daysLater, givenDeclared, givenHealthCode } from '../../support/health.ts';
import { OFFICERS } from '../../support/health-door.ts';

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
