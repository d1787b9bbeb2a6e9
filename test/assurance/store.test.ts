import { randomUUID } from 'node:crypto';
import test from 'ava';
import { sessionStanding } from '../../src/assurance/ladder.ts';
import {
  decideProofing,
  findProofing,
  holdProofing,
  insertProofing,
  listProofings,
  purgeProofings,
  redeemReference,
  takeAwaited,
} from '../../src/assurance/proofing/store.ts';
import { purgeProofs } from '../../src/assurance/purge.ts';
import { loadStanding } from '../../src/assurance/standing.ts';
import {
  claimProofs,
  endAllEvidence,
  endEvidence,
  lastReference,
  raiseProofs,
  readEvidence,
  recordEvidence,
  recordProof,
} from '../../src/assurance/store.ts';
import type { Queryable } from '../../src/platform/database.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { recordStatements, unindexedScans } from '../support/explain.ts';

let db: TestDatabase;
test.before(async (t) => {
  db = await freshDatabase(t);
});
test.after.always(() => db.close());

const NOW = new Date('2026-03-02T08:00:00.000Z');
const later = (seconds: number) => new Date(NOW.getTime() + seconds * 1000);

test('evidence and proofs come back in one round trip and give a level', async (t) => {
  const citizenId = randomUUID();
  for (const method of ['register', 'carrier', 'face'] as const) {
    await recordEvidence(db, { citizenId, method, source: 'police', transactionId: method, at: NOW });
  }
  const proof = { citizenId, interactionUid: 'i1', at: NOW, boundLevel: 'intermediate' } as const;
  await recordProof(db, { ...proof, method: 'password' });
  await recordProof(db, { ...proof, method: 'sms' });
  t.is(await claimProofs(db, { interactionUid: 'i1', sessionUid: 's1', citizenId }), 2);
  let statements = 0;
  const counting: Queryable = {
    query(text, values) {
      statements += 1;
      return db.query(text, values);
    },
  };
  const loaded = await loadStanding(counting, { citizenId, sessionUid: 's1' });
  t.is(statements, 1);
  const standing = sessionStanding({ ...loaded, at: later(1) });
  t.is(standing.level, 'intermediate');
  t.deepEqual(standing.authTime, NOW);
  t.is(loaded.accountState, undefined);
});

test('a stranger to the database stands nowhere', async (t) => {
  const loaded = await loadStanding(db, { citizenId: randomUUID(), sessionUid: 's' });
  t.deepEqual(loaded, { accountState: undefined, evidence: [], proofs: [] });
});

test('the same answer of the same authority counts once', async (t) => {
  const evidence = {
    citizenId: randomUUID(),
    method: 'face',
    source: 'face',
    transactionId: 'T1',
    at: NOW,
  } as const;
  const ids = await Promise.all(Array.from({ length: 20 }, () => recordEvidence(db, evidence)));
  t.is(ids.filter((id) => id !== undefined).length, 1);
  t.is((await readEvidence(db, evidence.citizenId)).length, 1);
});

test('of many rechecks only the longest-lasting evidence of a method is loaded', async (t) => {
  const citizenId = randomUUID();
  for (const month of [3, 1, 2]) {
    await recordEvidence(db, {
      citizenId,
      method: 'carrier',
      source: 'carrier',
      transactionId: `T${month}`,
      at: later(month),
    });
  }
  const { evidence } = await loadStanding(db, { citizenId, sessionUid: 's' });
  t.deepEqual(
    evidence.map((item) => item.transactionId),
    ['T3'],
  );
  t.deepEqual(
    (await readEvidence(db, citizenId)).map((item) => item.transactionId),
    ['T3', 'T2', 'T1'],
  );
});

test('ended evidence no longer counts and is still there to be read', async (t) => {
  const citizenId = randomUUID();
  for (const transactionId of ['T1', 'T2']) {
    await recordEvidence(db, { citizenId, method: 'carrier', source: 'carrier', transactionId, at: NOW });
  }
  const ending = { citizenId, method: 'carrier', reason: 'new_owner', at: later(5) } as const;
  t.is(await endEvidence(db, ending), 2);
  t.is(await endEvidence(db, ending), 0);
  t.deepEqual((await loadStanding(db, { citizenId, sessionUid: 's' })).evidence, []);
  t.deepEqual(
    (await readEvidence(db, citizenId)).map((item) => item.endedAt),
    [later(5), later(5)],
  );
});

for (const statement of [
  'update evidence set expires_at = null',
  'delete from evidence',
  'truncate evidence',
  'update evidence_endings set reason = null',
  'delete from evidence_endings',
]) {
  test(`the database refuses: ${statement}`, async (t) => {
    const citizenId = randomUUID();
    await recordEvidence(db, { citizenId, method: 'face', source: 'face', transactionId: 'T', at: NOW });
    await endEvidence(db, { citizenId, method: 'face', reason: 'administrator', at: NOW });
    await t.throwsAsync(db.query(statement), { message: /append-only/ });
  });
}

test('a session claims the proofs of its own citizen and interaction only, and no one claims them again', async (t) => {
  const citizenId = randomUUID();
  const proof = { citizenId, at: NOW, boundLevel: 'basic', method: 'password' } as const;
  await recordProof(db, { ...proof, interactionUid: 'i1' });
  await recordProof(db, { ...proof, interactionUid: 'i2' });
  await recordProof(db, { ...proof, citizenId: randomUUID(), interactionUid: 'i1' });
  const claims = await Promise.all(
    ['s1', 's2', 's3'].map((sessionUid) => claimProofs(db, { interactionUid: 'i1', sessionUid, citizenId })),
  );
  t.is(
    claims.reduce((sum, count) => sum + count, 0),
    1,
  );
});

test('proofs that no session has claimed are seen from inside their interaction only', async (t) => {
  const citizenId = randomUUID();
  const proof = { citizenId, at: NOW, boundLevel: 'basic', method: 'passkey' } as const;
  await recordProof(db, {
    ...proof,
    interactionUid: 'i1',
    userVerified: true,
    hardware: false,
    credentialId: 'c',
  });
  t.is((await loadStanding(db, { citizenId, sessionUid: 's1' })).proofs.length, 0);
  const { proofs } = await loadStanding(db, { citizenId, sessionUid: 's1', interactionUid: 'i1' });
  t.like(proofs[0], { interactionUid: 'i1', userVerified: true, hardware: false, credentialId: 'c' });
});

test('proofs are raised, never lowered, and only the citizen’s own', async (t) => {
  const citizenId = randomUUID();
  const proof = { citizenId, sessionUid: 's', at: NOW, method: 'sms' } as const;
  const low = await recordProof(db, { ...proof, boundLevel: 'basic' });
  const high = await recordProof(db, { ...proof, boundLevel: 'advanced' });
  const other = await recordProof(db, { ...proof, citizenId: randomUUID(), boundLevel: 'basic' });
  await raiseProofs(db, { citizenId, proofIds: [low, high, other], level: 'intermediate' });
  const rows = await db.query<{ id: string; bound_level: string }>('select id, bound_level from proofs');
  const level = (id: string) => rows.find((row) => row.id === id)?.bound_level;
  t.is(level(low), 'intermediate');
  t.is(level(high), 'advanced');
  t.is(level(other), 'basic');
});

test('old proofs are purged in batches', async (t) => {
  const proof = { citizenId: randomUUID(), sessionUid: 's', boundLevel: 'basic', method: 'sms' } as const;
  const old = (day: number) => new Date(Date.UTC(2020, 0, day));
  for (const day of [1, 2, 3, 4]) await recordProof(db, { ...proof, at: old(day) });
  t.is(await purgeProofs(db, { before: old(4), limit: 2 }), 2);
  t.is(await purgeProofs(db, { before: old(4), limit: 2 }), 1);
  t.is((await loadStanding(db, { citizenId: proof.citizenId, sessionUid: 's' })).proofs.length, 1);
});

test('the state of the account and the cap of a recovery come with the standing', async (t) => {
  const citizenId = randomUUID();
  await db.query(
    `insert into accounts (citizen_id, state, state_at, level_cap_until, created_at)
     values ($1, 'locked', $2, $3, $2)`,
    [citizenId, NOW, later(60)],
  );
  t.like(await loadStanding(db, { citizenId, sessionUid: 's' }), {
    accountState: 'locked',
    cap: { level: 'basic', until: later(60) },
  });
});

test('every piece of evidence and every ending is in the audit log', async (t) => {
  const citizenId = randomUUID();
  await recordEvidence(db, { citizenId, method: 'face', source: 'face', transactionId: 'T', at: NOW });
  await endEvidence(db, { citizenId, method: 'face', reason: 'administrator', at: later(1) });
  const rows = await db.query<{ type: string }>(
    'select type from audit_events where citizen_id = $1 order by at',
    [citizenId],
  );
  t.deepEqual(
    rows.map(({ type }) => type),
    ['evidence.recorded', 'evidence.ended'],
  );
});

test('every statement of the room finds its rows by an index', async (t) => {
  const db = await freshDatabase(t);
  const sent = recordStatements(db);
  const [citizenId, at] = [randomUUID(), new Date()];
  const [interactionUid, sessionUid] = ['interaction-1', 'session-00001'];

  await recordEvidence(sent, { citizenId, method: 'carrier', source: 'carrier', transactionId: 'T', at });
  await endEvidence(sent, { citizenId, method: 'carrier', reason: 'new_owner', at });
  await readEvidence(sent, citizenId);
  await lastReference(sent, { citizenId, method: 'carrier' });
  await endAllEvidence(sent, { citizenId, reason: 'account_closed', at });
  const id = await recordProof(sent, { citizenId, interactionUid, method: 'sms', at, boundLevel: 'basic' });
  await claimProofs(sent, { interactionUid, sessionUid, citizenId });
  await raiseProofs(sent, { citizenId, proofIds: [id], level: 'intermediate' });
  await loadStanding(sent, { citizenId, sessionUid });
  await loadStanding(sent, { citizenId, sessionUid, interactionUid });
  await purgeProofs(sent, { before: at, limit: 10 });

  const [stateHash, browserHash] = [Buffer.from('state'), Buffer.from('browser')];
  const origin = { interactionUid, sessionUid };
  await insertProofing(sent, {
    ...origin,
    stateHash,
    id: randomUUID(),
    citizenId,
    method: 'face',
    browserHash,
    reference: 'R',
    startedAt: at,
  });
  await findProofing(sent, stateHash);
  await holdProofing(sent, stateHash);
  await decideProofing(sent, stateHash, { status: 'accepted', at });
  await redeemReference(sent, { source: 'face', reference: 'R', at });
  await listProofings(sent, origin, { citizenId, browserHash });
  await listProofings(sent, { sessionUid }, { citizenId, browserHash });
  await takeAwaited(sent, { now: at, again: at, limit: 10 });
  await purgeProofings(sent, { before: at, limit: 10 });

  t.deepEqual(await unindexedScans(db, sent.statements), []);
});
