import test from 'ava';
import { sessionStanding } from '../../../src/assurance/ladder.ts';
import {
  completeProofing,
  continueProofing,
  decideLater,
  proofingStatus,
  startProofing,
  type TellLate,
} from '../../../src/assurance/proofing/flow.ts';
import type { ProofingMethodId } from '../../../src/assurance/proofing/policy.ts';
import { purgeProofings } from '../../../src/assurance/proofing/store.ts';
import { loadStanding } from '../../../src/assurance/standing.ts';
import { claimProofs, readEvidence } from '../../../src/assurance/store.ts';
import { Problem } from '../../../src/platform/problem.ts';
import { freshDatabase, type TestDatabase } from '../../support/database.ts';
import { officerDecides } from '../../support/recovery.ts';
import { BROWSER, INTERACTION, OTHER_BROWSER, personOf, press, SESSION, startWorld } from './world.ts';

let db: TestDatabase;
let world: Awaited<ReturnType<typeof startWorld>>;
test.before(async (t) => {
  db = await freshDatabase(t);
  world = await startWorld(db);
});
test.after.always(async () => {
  await world.authorities.close();
  await db.close();
});

const origin = { interactionUid: INTERACTION, sessionUid: SESSION };
const setOut = (citizenId: string, method: ProofingMethodId, form?: Record<string, string>) =>
  startProofing(world.deps, {
    ...origin,
    citizenId,
    method,
    browserHash: BROWSER,
    ...(form === undefined ? {} : { form }),
  });
/** Sets out, presses a button at the authority, and returns what the browser brings back. */
async function goAndComeBack(
  citizenId: string,
  method: ProofingMethodId,
  action: Parameters<typeof press>[1] = 'pass',
) {
  const started = await setOut(citizenId, method);
  if (started.kind !== 'redirect') throw new Error(`${method} did not redirect`);
  return { ...(await press(started.redirectTo, action)), browserHash: BROWSER };
}
const standingOf = async (citizenId: string, at = new Date()) =>
  sessionStanding({ ...(await loadStanding(db, { citizenId, sessionUid: SESSION })), at });
const resume = (citizenId: string) =>
  claimProofs(db, { interactionUid: INTERACTION, sessionUid: SESSION, citizenId });

test('a passed face comparison raises account and session to intermediate', async (t) => {
  const citizenId = await world.citizen('wang_xiulan');
  const brought = await goAndComeBack(citizenId, 'face');
  t.like(await completeProofing(world.deps, brought), { outcome: 'accepted', sameBrowser: true });
  const standing = await standingOf(citizenId);
  t.is(standing.accountLevel, 'intermediate');
  t.is(standing.level, 'intermediate');
  t.deepEqual(standing.amr, ['pwd', 'sms', 'mfa']);
});

for (const [method, amr] of [
  ['live_face', 'face'],
  ['voiceprint', 'vbm'],
  ['video', 'x-video'],
] as const) {
  test(`a passed ${method} check is evidence and proof at once, counting from the resume`, async (t) => {
    const citizenId = await world.citizen('gao_xiuyun', 'intermediate');
    const brought = await goAndComeBack(citizenId, method);
    t.like(await completeProofing(world.deps, brought), { outcome: 'accepted' });
    t.is((await standingOf(citizenId)).accountLevel, 'advanced');
    t.is((await standingOf(citizenId)).level, 'intermediate');
    await resume(citizenId);
    const standing = await standingOf(citizenId);
    t.is(standing.level, 'advanced');
    t.true(standing.amr.includes(amr));
  });
}

test('both cards are asked by a form and answered at once', async (t) => {
  const person = personOf('li_jianzhong');
  for (const [method, form] of [
    ['social_security_card', { card_number: person.cards.social_security_card ?? '' }],
    ['bank_card', { card_number: person.cards.bank_card ?? '', phone: ` ${person.phone} ` }],
  ] as const) {
    const citizenId = await world.citizen('li_jianzhong');
    t.deepEqual(await setOut(citizenId, method, form), { kind: 'result', outcome: 'accepted' });
    t.is((await standingOf(citizenId)).level, 'intermediate');
  }
});

test('a form with empty or malformed fields reaches no issuer and names the fields', async (t) => {
  const citizenId = await world.citizen('li_jianzhong');
  t.deepEqual(await setOut(citizenId, 'bank_card', { card_number: '6299390000000000019' }), {
    kind: 'invalid',
    fields: { card_number: 'format', phone: 'empty' },
  });
  t.is((await proofingStatus(db, { ...origin, citizenId, browserHash: BROWSER })).latest, undefined);
});

const refusedForms: Array<[string, ProofingMethodId, string, string]> = [
  ['a social security card that is not theirs', 'social_security_card', 'sun_haoran', 'authority_failed'],
  ['a blocked card', 'social_security_card', 'ma_yuzhen', 'blocked'],
  ['a bank card that is not theirs', 'bank_card', 'hu_binqing', 'authority_failed'],
];
for (const [what, method, username, reason] of refusedForms) {
  test(`${what} gives nothing`, async (t) => {
    const person = personOf(username);
    const citizenId = await world.citizen(username);
    const form = { card_number: person.cards[method as 'bank_card'] ?? '', phone: person.phone };
    t.deepEqual(await setOut(citizenId, method, form), { kind: 'result', outcome: 'refused', reason });
    t.is((await standingOf(citizenId)).accountLevel, 'basic');
  });
}

const refusedChecks: Array<[string, ProofingMethodId, string, string]> = [
  ['a face that is not alike', 'face', 'zhang_minran', 'authority_failed'],
  ['a person who turned back', 'face', 'chen_jingyi', 'cancelled'],
  ['an Alipay account of somebody else', 'alipay', 'huang_lichuan', 'id_mismatch'],
  ['a voice that is not alike', 'voiceprint', 'liang_hongwei', 'authority_failed'],
  ['an officer who refused', 'video', 'xie_junlan', 'authority_failed'],
];
for (const [what, method, username, reason] of refusedChecks) {
  test(`${what} gives nothing`, async (t) => {
    const citizenId = await world.citizen(username, 'intermediate');
    const action = reason === 'cancelled' ? 'cancel' : 'pass';
    const result = await completeProofing(world.deps, await goAndComeBack(citizenId, method, action));
    t.like(result, { outcome: 'refused', reason });
    t.is((await standingOf(citizenId)).accountLevel, 'intermediate');
  });
}

test('an authority that is down decides nothing', async (t) => {
  const citizenId = await world.citizen('yang_yizhou');
  t.deepEqual(await setOut(citizenId, 'face'), { kind: 'result', outcome: 'unavailable' });
  const card = { card_number: personOf('zhu_tingyu').cards.social_security_card ?? '' };
  t.deepEqual(await setOut(await world.citizen('zhu_tingyu'), 'social_security_card', card), {
    kind: 'result',
    outcome: 'unavailable',
  });
});

test('an undecided check stays open until the authority decides', async (t) => {
  const citizenId = await world.citizen('zhao_leishi');
  const brought = await goAndComeBack(citizenId, 'face');
  t.like(await completeProofing(world.deps, brought), { outcome: 'pending' });
  const later = { ...world.deps, now: () => new Date(Date.now() + 7_200_000) };
  t.like(await completeProofing(later, brought), { outcome: 'refused', reason: 'stale' });
});

test.serial('what an officer decides after everybody has left is evidence all the same', async (t) => {
  const citizenId = await world.citizen('gao_xiuyun', 'intermediate');
  const brought = await goAndComeBack(citizenId, 'video', 'later');
  t.like(await completeProofing(world.deps, brought), { outcome: 'pending' });
  t.is(await decideLater(world.deps, { limit: 50 }), 0, 'not asked every minute');
  const told: string[] = [];
  const after = (hours: number) => ({
    ...world.deps,
    now: () => new Date(Date.now() + hours * 3_600_000),
    tellLate: (async (_tx, { method, outcome }) =>
      void told.push(`${method} ${outcome.outcome}`)) satisfies TellLate,
  });
  t.is(await decideLater(after(2), { limit: 50 }), 1);
  t.is((await standingOf(citizenId)).accountLevel, 'intermediate', 'not decided yet');
  t.deepEqual(told, []);
  await purgeProofings(db, { before: new Date(Date.now() + 4 * 86_400_000), limit: 500 });
  await officerDecides({ world: world.authorities }, personOf('gao_xiuyun'), 'accept');
  t.is(await decideLater(after(3), { limit: 50 }), 1);
  t.is((await standingOf(citizenId)).accountLevel, 'advanced');
  const three = new Date(Date.now() + 3 * 3_600_000);
  t.is((await standingOf(citizenId, three)).level, 'intermediate', 'nobody is there now');
  t.is(await decideLater(after(30), { limit: 50 }), 0);
  t.deepEqual(told, ['video accepted'], 'once');
});

test.serial('who comes back and sees the decision is not told of it as well', async (t) => {
  const citizenId = await world.citizen('gao_xiuyun', 'intermediate');
  const brought = await goAndComeBack(citizenId, 'video', 'later');
  await officerDecides({ world: world.authorities }, personOf('gao_xiuyun'), 'accept');
  const tellLate = () => Promise.reject(new Error('told'));
  t.like(await completeProofing({ ...world.deps, tellLate }, brought), { outcome: 'accepted' });
  const now = () => new Date(Date.now() + 7_200_000);
  t.is(await decideLater({ ...world.deps, tellLate, now }, { limit: 50 }), 0);
});

test.serial('a check that nobody decides, or whose citizen has gone, is given up', async (t) => {
  const [left, gone] = [
    await world.citizen('luo_yongnian', 'intermediate'),
    await world.citizen('song_zhiqiu'),
  ];
  for (const citizenId of [left, gone]) await goAndComeBack(citizenId, 'video', 'later');
  const days = (n: number) => () => new Date(Date.now() + n * 86_400_000);
  const readSubject = async (id: string) => (id === gone ? undefined : world.deps.readSubject(id));
  t.is(await decideLater({ ...world.deps, now: days(1), readSubject }, { limit: 50 }), 2);
  t.is(await decideLater({ ...world.deps, now: days(8), readSubject }, { limit: 50 }), 1);
  t.is(await decideLater({ ...world.deps, now: days(9), readSubject }, { limit: 50 }), 0);
  const rows = await db.query<{ reason: string }>(
    'select reason from proofings where citizen_id = any($1::uuid[])',
    [[left, gone]],
  );
  t.deepEqual(
    rows.map(({ reason }) => reason),
    ['stale', 'stale'],
  );
});

test('twenty callbacks at once make one piece of evidence and one proof', async (t) => {
  const citizenId = await world.citizen('gao_xiuyun', 'intermediate');
  const brought = await goAndComeBack(citizenId, 'live_face');
  const results = await Promise.all(Array.from({ length: 20 }, () => completeProofing(world.deps, brought)));
  t.true(results.every(({ outcome }) => outcome === 'accepted'));
  t.is((await readEvidence(db, citizenId)).filter(({ method }) => method === 'live_face').length, 1);
  t.is(await resume(citizenId), 1);
});

test('a reference that was used before is refused', async (t) => {
  const citizenId = await world.citizen('luo_yongnian', 'intermediate');
  const brought = await goAndComeBack(citizenId, 'voiceprint');
  await db.query('insert into redeemed_references (source, reference, redeemed_at) values ($1, $2, $3)', [
    'voiceprint',
    brought.reference,
    new Date(),
  ]);
  t.like(await completeProofing(world.deps, brought), { outcome: 'refused', reason: 'duplicate_reference' });
  t.is((await standingOf(citizenId)).accountLevel, 'intermediate');
});

test('another browser completes the check and gains nothing by it', async (t) => {
  const citizenId = await world.citizen('gao_xiuyun', 'intermediate');
  const brought = await goAndComeBack(citizenId, 'live_face');
  t.like(await completeProofing(world.deps, { ...brought, browserHash: OTHER_BROWSER }), {
    outcome: 'accepted',
    sameBrowser: false,
  });
  t.like(await completeProofing(world.deps, { ...brought, browserHash: undefined }), { sameBrowser: false });
  const elsewhere = { ...origin, citizenId, browserHash: OTHER_BROWSER };
  t.is(await continueProofing(world.deps, elsewhere), undefined);
  t.is((await proofingStatus(db, elsewhere)).latest, undefined);
  t.like(await continueProofing(world.deps, { ...elsewhere, browserHash: BROWSER }), { outcome: 'accepted' });
});

test('a browser that comes back with an unknown state or another check’s reference is told so', async (t) => {
  const citizenId = await world.citizen('wang_xiulan');
  const one = await goAndComeBack(citizenId, 'face');
  const two = await goAndComeBack(citizenId, 'face');
  for (const brought of [
    { ...one, state: 'unknown' },
    { ...one, reference: two.reference },
  ]) {
    const error = await t.throwsAsync(completeProofing(world.deps, brought), { instanceOf: Problem });
    t.is(error?.code, 'proofing_unknown');
  }
  t.like(await completeProofing(world.deps, { state: one.state, browserHash: BROWSER }), {
    outcome: 'accepted',
  });
});

test('two failures of the face are counted; turning back is not one', async (t) => {
  const citizenId = await world.citizen('zhang_minran');
  for (const action of ['pass', 'cancel', 'fail', 'cancel'] as const) {
    await completeProofing(world.deps, await goAndComeBack(citizenId, 'face', action));
  }
  const { failures } = await proofingStatus(db, { ...origin, citizenId, browserHash: BROWSER });
  t.is(failures.face, 2);
});

test('only the credentials of this login are raised, and never above what the check gives', async (t) => {
  const citizenId = await world.citizen('wang_xiulan', 'advanced', 'basic');
  t.is((await standingOf(citizenId)).level, 'basic');
  await db.query(
    `insert into passwords (citizen_id, hash, bound_level, changed_at) values ($1, 'x', 'basic', $2)`,
    [citizenId, new Date()],
  );
  await db.query(
    `insert into passkeys (citizen_id, id, public_key, counter, transports, synced, label, bound_level, created_at)
     values ($1, 'of a thief', '', 0, '{}', true, 'phone', 'basic', $2)`,
    [citizenId, new Date()],
  );
  await completeProofing(world.deps, await goAndComeBack(citizenId, 'face'));
  t.is((await standingOf(citizenId)).level, 'intermediate');
  const bound = (table: 'passwords' | 'passkeys') =>
    table === 'passwords'
      ? db.query('select bound_level from passwords where citizen_id = $1', [citizenId])
      : db.query('select bound_level from passkeys where citizen_id = $1', [citizenId]);
  t.deepEqual(await bound('passwords'), [{ bound_level: 'intermediate' }]);
  t.deepEqual(await bound('passkeys'), [{ bound_level: 'basic' }]);
});

test('from the citizen’s own pages a live check counts in that session at once', async (t) => {
  const citizenId = await world.citizen('gao_xiuyun', 'intermediate');
  const started = await startProofing(world.deps, {
    sessionUid: SESSION,
    citizenId,
    method: 'live_face',
    browserHash: BROWSER,
  });
  if (started.kind !== 'redirect') return t.fail();
  await completeProofing(world.deps, { ...(await press(started.redirectTo, 'pass')), browserHash: BROWSER });
  t.is((await standingOf(citizenId)).level, 'advanced');
});
