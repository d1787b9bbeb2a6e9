import test from 'ava';
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
