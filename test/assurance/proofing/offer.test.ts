import test from 'ava';
import type { Level } from '../../../src/assurance/level.ts';
import {
  type NextNeed,
  nextNeed,
  offeredMethods,
  reachableLevel,
  type WhereFrom,
} from '../../../src/assurance/proofing/offer.ts';

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
