import { randomUUID } from 'node:crypto';
import test from 'ava';
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
import { freshDatabase } from '../support/database.ts';
import { recordStatements, unindexedScans } from '../support/explain.ts';

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
