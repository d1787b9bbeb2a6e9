import test from 'ava';
import type { Level } from '../../../src/assurance/level.ts';
import { adjudicate, type RefusalReason } from '../../../src/assurance/proofing/adjudicate.ts';
import type { Answer } from '../../../src/assurance/proofing/answer.ts';
import {
  type NextNeed,
  nextNeed,
  offeredMethods,
  reachableLevel,
  type WhereFrom,
} from '../../../src/assurance/proofing/offer.ts';
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

const from = (level: Level, rest: Partial<WhereFrom> = {}): WhereFrom => ({
  level,
  loginLevel: 'advanced',
  accountLevel: level,
  ...rest,
});

const needs: Array<[string, Level, WhereFrom, NextNeed]> = [
  ['basic is enough', 'basic', from('basic'), 'nothing'],
  ['there is more than enough', 'basic', from('advanced'), 'nothing'],
  ['nobody is logged in', 'basic', from('anonymous', { loginLevel: 'anonymous' }), 'login'],
  ['the login is too old', 'intermediate', from('basic', { loginLevel: 'basic' }), 'login'],
  ['register or carrier must confirm again', 'basic', from('anonymous'), 'basics'],
  ['intermediate evidence is missing', 'intermediate', from('basic'), 'intermediate_check'],
  ['intermediate comes before advanced', 'advanced', from('basic'), 'intermediate_check'],
  ['only the live check is missing', 'advanced', from('intermediate'), 'live_check'],
  ['the live check is too old', 'advanced', from('intermediate', { accountLevel: 'advanced' }), 'live_check'],
  [
    'the credentials were enrolled at basic',
    'intermediate',
    from('basic', { accountLevel: 'advanced' }),
    'intermediate_check',
  ],
];
for (const [when, target, standing, need] of needs) {
  test(`when ${when}, ${target} needs ${need}`, (t) => {
    t.is(nextNeed(target, standing), need);
  });
}

const names = (...args: Parameters<typeof offeredMethods>) =>
  offeredMethods(...args).map(({ method }) => method);

test('face leads the ways to intermediate and is never the only one', (t) => {
  const offers = offeredMethods({ target: 'intermediate', standing: from('basic') });
  t.deepEqual(
    offers.map(({ method, way, leads }) => [method, way, leads]),
    [
      ['face', 'redirect', true],
      ['alipay', 'redirect', false],
      ['social_security_card', 'form', false],
      ['bank_card', 'form', false],
    ],
  );
});

test('after two failures of the face the other ways lead, and the face stays possible', (t) => {
  const input = { target: 'intermediate', standing: from('basic') } as const;
  t.is(names({ ...input, failures: { face: 1 } })[0], 'face');
  t.deepEqual(names({ ...input, failures: { face: 2 } }), [
    'alipay',
    'social_security_card',
    'bank_card',
    'face',
  ]);
  t.deepEqual(names({ target: 'advanced', standing: from('intermediate'), failures: { live_face: 2 } }), [
    'voiceprint',
    'video',
    'live_face',
  ]);
});

test('nothing is offered where no method would help', (t) => {
  t.deepEqual(names({ target: 'basic', standing: from('basic') }), []);
  t.deepEqual(names({ target: 'advanced', standing: from('basic', { loginLevel: 'basic' }) }), []);
});

test('everybody can reach advanced, except while a recovery holds the account down', (t) => {
  const at = new Date('2026-03-02T08:00:00.000Z');
  t.is(reachableLevel({ evidence: [], at }), 'advanced');
  t.is(
    reachableLevel({ evidence: [], at, cap: { level: 'basic', until: new Date(at.getTime() + 1) } }),
    'basic',
  );
  t.is(reachableLevel({ evidence: [], at, cap: { level: 'basic', until: at } }), 'advanced');
});

test('where the carrier does not confirm the phone, an officer or a counter can', (t) => {
  t.deepEqual(names({ target: 'basic', standing: from('anonymous') }), ['officer', 'counter']);
});

test('nothing is offered that cannot be compared with the document', (t) => {
  const passport = { documentType: 'passport', standing: from('basic') } as const;
  t.deepEqual(names({ ...passport, target: 'intermediate' }), ['alipay', 'bank_card']);
  t.deepEqual(names({ ...passport, standing: from('intermediate'), target: 'advanced' }), [
    'voiceprint',
    'video',
  ]);
});
