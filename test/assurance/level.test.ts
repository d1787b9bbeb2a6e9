import test from 'ava';
import { isFreshSim } from '../../src/assurance/fresh-sim.ts';
import { acrOf, LEVELS, levelOf, maxLevel, minLevel, reaches } from '../../src/assurance/level.ts';

test('the acr values are these four, for ever', (t) => {
  t.deepEqual(LEVELS.map(acrOf), [
    'urn:ymt:acr:anonymous',
    'urn:ymt:acr:basic',
    'urn:ymt:acr:intermediate',
    'urn:ymt:acr:advanced',
  ]);
});

test('a level is found by its acr value and by nothing else', (t) => {
  for (const level of LEVELS) t.is(levelOf(acrOf(level)), level);
  for (const other of [
    'basic',
    'urn:ymt:acr:',
    'urn:ymt:acr:Basic',
    '',
    undefined,
    null,
    3,
    {},
    ['urn:ymt:acr:basic'],
  ]) {
    t.is(levelOf(other), undefined);
  }
});

test('levels are ordered from anonymous to advanced', (t) => {
  t.is(minLevel('advanced', 'basic', 'intermediate'), 'basic');
  t.is(maxLevel('anonymous', 'intermediate', 'basic'), 'intermediate');
  t.true(reaches('basic', 'basic'));
  t.false(reaches('basic', 'intermediate'));
});

test('a SIM is fresh until its time is over, to the second', (t) => {
  const now = new Date('2026-11-23T02:00:00Z');
  t.false(isFreshSim(undefined, now, 10));
  t.true(isFreshSim(new Date(now.getTime() - 9_999), now, 10));
  t.false(isFreshSim(new Date(now.getTime() - 10_000), now, 10));
});
