import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { BadCase, evaluateCase, parseCases } from '../../../src/health-code/engine/case.ts';
import {
  loadRuleSets,
  parseRuleSet,
  RULE_SETS_DIR,
  ruleSetAt,
} from '../../../src/health-code/engine/rule-set.ts';
import { inputOf, readTable, time } from './case-table.ts';

const one = (input: Record<string, unknown>, asOf = '2020-04-10T12:00:00+08:00') =>
  JSON.stringify([{ no: 7, asOf, input: { level: 'basic', declaration: true, ...input } }]);
const at = '2020-04-09T08:00:00+08:00';

const bad: [string, string, RegExp][] = [
  ['text that is no JSON', '{', /not JSON/],
  ['something other than a list', '{}', /must be a list/],
  ['an entry without a number', '[{}]', /at place 1/],
  ['a date that does not exist', one({}, '2020-02-30T08:00:00+08:00'), /no\. 7[\s\S]*asOf/],
  ['a time without an offset', one({}, '2020-04-10T12:00:00'), /asOf/],
  ['an unknown level', one({ level: 'gold' }), /level/],
  ['a temperature of 85', one({ checkins: [{ at, temp: 85 }] }), /checkins\[0\]\.temp/],
  ['a temperature as text', one({ checkins: [{ at, temp: '36.5' }] }), /temp/],
  [
    'evidence without a time',
    one({ evidence: [{ id: 'a', type: 'FEVER_CLINIC', source: 'hospital' }] }),
    /evidence\[0\]\.at/,
  ],
  ['an outage day that does not exist', one({ outageDays: ['2020-04-31'] }), /outageDays\[0\]/],
  ['an order for a colour that does not exist', one({ overrides: [{ id: 'o', colour: 'BLUE' }] }), /colour/],
];
for (const [what, text, message] of bad) {
  test(`refused with a clear message: ${what}`, (t) => {
    t.throws(() => parseCases(text), { instanceOf: BadCase, message });
  });
}

const cli = (input: string) =>
  spawnSync(
    process.execPath,
    [fileURLToPath(new URL('../../../src/health-code/engine/evaluate-cli.ts', import.meta.url))],
    {
      input,
      encoding: 'utf8',
    },
  );

test('health:evaluate prints one result a case, and null for no exit', (t) => {
  const { status, stdout } = cli(one({ evidence: null }));
  t.is(status, 0);
  t.deepEqual(JSON.parse(stdout), [
    { no: 7, colour: 'GREEN', reasons: ['G301'], earliestExit: null, trace: [] },
  ]);
});

test('health:evaluate says what is wrong on stderr, prints nothing and ends with 1', (t) => {
  const { status, stdout, stderr } = cli(one({ checkins: [{ at, temp: 85 }] }));
  t.is(status, 1);
  t.is(stdout, '');
  t.regex(stderr, /no body temperature/);
});

test('a time before every rule set is a clear error', (t) => {
  const { status, stderr } = cli(one({}, '2019-12-31T23:59:59+08:00'));
  t.is(status, 1);
  t.regex(stderr, /no rule set is valid/);
});

const json = JSON.parse(readFileSync(new URL('rules-2020-1.json', RULE_SETS_DIR), 'utf8'));

test('a rule set in which a weak source gives red is refused', (t) => {
  const types = { ...json.types, CLOSE_CONTACT: { kind: 'red', code: 'R104', sources: ['cdc', 'telecom'] } };
  t.throws(() => parseRuleSet({ ...json, types }, 'x'), { message: /telecom.*red/ });
});

test('a rule set whose code and colour disagree is refused', (t) => {
  const types = { ...json.types, FEVER_DRUG: { kind: 'yellow', code: 'R107', sources: ['insurance'] } };
  t.throws(() => parseRuleSet({ ...json, types }, 'x'), { message: /disagree/ });
});

test('the newest rule set that is valid at an instant is taken', (t) => {
  const [first] = loadRuleSets();
  const later = { ...first!, version: '2021-1', validFrom: first!.validFrom + 1_000 };
  t.is(ruleSetAt([first!, later], first!.validFrom + 999)?.version, first!.version);
  t.is(ruleSetAt([first!, later], first!.validFrom + 1_000)?.version, '2021-1');
  t.is(ruleSetAt([first!], first!.validFrom - 1), undefined);
  t.is(ruleSetAt([{ ...first!, validTo: 0 }], first!.validFrom), undefined);
});

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
