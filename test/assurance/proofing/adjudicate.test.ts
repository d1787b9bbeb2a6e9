import test from 'ava';
import { adjudicate, type RefusalReason } from '../../../src/assurance/proofing/adjudicate.ts';
import type { Answer } from '../../../src/assurance/proofing/answer.ts';
import type { ProofingMethodId } from '../../../src/assurance/proofing/policy.ts';

const START = new Date('2026-03-02T08:00:00.000Z');
const after = (seconds: number) => new Date(START.getTime() + seconds * 1000);
const NOW = after(120);
const citizen = { name: '阿依古丽·买买提', idNumber: '39010019931102010X' };
const passed: Answer = {
  outcome: 'passed',
  ...citizen,
  decidedAt: after(60),
  live: true,
  reference: 'R1',
  source: 'live_face',
};
const judge = (method: ProofingMethodId, answer: Partial<Answer>, now = NOW) =>
  adjudicate({ method, answer: { ...passed, ...answer }, citizen, startedAt: START, now });

const refusals: Array<[string, Partial<Answer>, RefusalReason]> = [
  ['the authority says no', { outcome: 'failed' }, 'authority_failed'],
  ['the person turned back', { outcome: 'cancelled' }, 'cancelled'],
  ['the card is blocked', { outcome: 'blocked' }, 'blocked'],
  ['it is about somebody of another name', { name: '马他人' }, 'name_mismatch'],
  ['it is about another ID number', { idNumber: '390100197001010013' }, 'id_mismatch'],
  ['it names nobody', { name: '', idNumber: '' }, 'id_mismatch'],
  ['it was decided before the check began', { decidedAt: after(-61) }, 'stale'],
  ['it has no time', { decidedAt: undefined }, 'stale'],
  ['it comes from a source that is not listed', { source: 'enrolled_here' }, 'untrusted_source'],
  ['the person was not there', { live: false }, 'not_live'],
];
for (const [when, answer, reason] of refusals) {
  test(`a live check is refused when ${when}`, (t) => {
    t.deepEqual(judge('live_face', answer), { accepted: false, pending: false, reason });
  });
}

test('a live check gives evidence and a proof of the time it was decided', (t) => {
  t.deepEqual(judge('live_face', {}), {
    accepted: true,
    evidence: { method: 'live_face', source: 'live_face', transactionId: 'R1', at: after(60) },
    proofAt: after(60),
  });
});

test('a face comparison gives evidence and no proof, even when the person was there', (t) => {
  t.deepEqual(judge('face', { source: 'face' }), {
    accepted: true,
    evidence: { method: 'face', source: 'face', transactionId: 'R1', at: after(60) },
  });
});

test('names and numbers are compared whatever their spelling', (t) => {
  t.true(judge('live_face', { name: '阿依古丽 • 买买提', idNumber: '39010019931102010x' }).accepted);
});

test('an undecided check is neither accepted nor refused', (t) => {
  t.deepEqual(judge('live_face', { outcome: 'pending' }), { accepted: false, pending: true });
  t.deepEqual(judge('live_face', { decidedAt: after(999) }), { accepted: false, pending: true });
});

test('an authority whose clock is ahead makes no proof that lasts longer', (t) => {
  t.like(judge('live_face', { decidedAt: after(150) }), { accepted: true, proofAt: NOW });
  t.like(judge('live_face', { decidedAt: after(-30) }), { accepted: true, proofAt: START });
});

test('a video decided after the call proves the session only within thirty minutes, from its beginning', (t) => {
  const decided = (seconds: number) =>
    judge('video', { source: 'video', live: false, decidedAt: after(seconds) }, after(seconds));
  t.like(decided(1800), { accepted: true, proofAt: START });
  const late = decided(1801);
  t.true(late.accepted);
  t.false('proofAt' in late);
  t.like(judge('video', { source: 'video' }), { proofAt: after(60) });
});
