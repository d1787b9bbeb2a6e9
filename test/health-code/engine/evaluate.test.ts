import { existsSync, readFileSync } from 'node:fs';
import test from 'ava';
import { evaluateCase, parseCases } from '../../../src/health-code/engine/case.ts';
import { loadRuleSets } from '../../../src/health-code/engine/rule-set.ts';
import { inputOf, readTable, time } from './case-table.ts';

const sets = loadRuleSets();
const rules = sets[0]!;
const run = (asOf: string, words: string) => {
  const [one] = parseCases(JSON.stringify([{ no: 1, asOf: time(asOf), input: inputOf(words, rules) }]));
  return evaluateCase(one!, sets);
};

for (const set of sets) {
  for (const { title, case: given, colour, reasons, earliestExit } of readTable(set)) {
    test(`${set.version}, ${title}`, (t) => {
      const [one] = parseCases(JSON.stringify([given]));
      const result = evaluateCase(one!, [set]);
      t.deepEqual([result.colour, result.reasons], [colour, reasons], JSON.stringify(result.trace));
      if (earliestExit !== undefined) t.is(result.earliestExit, earliestExit);
    });
  }
}

/** [what, evidence, the first reason that applies] */
const refusals: [string, string, string][] = [
  ['purpose before source', 'TELECOM_PROXIMITY@1/police{purpose=other}', 'D910'],
  ['source before revocation', 'TELECOM_PROXIMITY@1/police{status=revoked}', 'D911'],
  ['revocation before the phone', 'TELECOM_PROXIMITY@1{status=revoked,phoneOwnerVerified=false}', 'D912'],
  ['the phone before the withdrawal', 'TELECOM_PROXIMITY@1{phoneOwnerVerified=,supersededBy=2}', 'D903'],
  ['the withdrawal before the appeal', 'TELECOM_PROXIMITY@1{supersededBy=2,appealAt=2}', 'D913'],
  ['the appeal last', 'TELECOM_PROXIMITY@1{appealAt=2}', 'D920'],
];
for (const [what, words, code] of refusals) {
  test(`of several reasons not to count evidence the first is traced: ${what}`, (t) => {
    const result = run('9', words);
    t.deepEqual(result.trace, [{ code, id: 'e0' }]);
    t.is(result.colour, 'GREEN');
  });
}

test('the trace names what was absorbed, how far the run is and until when the clock goes', (t) => {
  t.deepEqual(run('16', 'MEDIUM_RISK_STAY@1 CLOSE_CONTACT@2 well@2-16').trace, [
    { code: 'absorbed', id: 'e0' },
    { code: 'clock', until: time('16+00:00') },
    { code: 'run', days: 14 },
  ]);
});

test('the trace names an order that does not hold', (t) => {
  t.deepEqual(run('5', 'order@1-11=RED{orgType=other}').trace, [{ code: 'D930', id: 'o0' }]);
});

const vectors = new URL('../../../../shared/vectors/health-code.json', import.meta.url);
if (existsSync(vectors)) {
  test('all given vectors hold', (t) => {
    const text = readFileSync(vectors, 'utf8');
    const given = JSON.parse(text) as { no: number; name: string; expect: Record<string, unknown> }[];
    const results = parseCases(text).map((each) => evaluateCase(each, sets));
    for (const [index, { no, name, expect }] of given.entries()) {
      const { colour, reasons } = results[index]!;
      t.deepEqual({ colour, reasons } as Record<string, unknown>, expect, `${no} ${name}`);
    }
  });
}
