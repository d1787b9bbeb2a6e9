import test from 'ava';
import { isFreshSim } from '../../src/assurance/fresh-sim.ts';
import {
  acrOf,
  LEVELS,
  type Level,
  levelOf,
  maxLevel,
  minLevel,
  rank,
  reaches,
} from '../../src/assurance/level.ts';
import { decide, type RequestInput, readRequest, reportedAcr } from '../../src/assurance/request.ts';

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

const essential = (value: object) => ({ id_token: { acr: { essential: true, ...value } } });
const acr = (...levels: Level[]) => levels.map(acrOf);

const floors: Array<[string, RequestInput, Level]> = [
  ['nothing at all', {}, 'basic'],
  ['a client that wants intermediate', { clientMinAcr: 'intermediate' }, 'intermediate'],
  [
    'a resource that wants advanced',
    { clientMinAcr: 'intermediate', resourceFloors: ['advanced'] },
    'advanced',
  ],
  ['two resources', { resourceFloors: ['intermediate', 'basic'] }, 'intermediate'],
  ['an essential value', { claims: essential({ value: acrOf('advanced') }) }, 'advanced'],
  ['essential values', { claims: essential({ values: acr('advanced', 'intermediate') }) }, 'intermediate'],
  [
    'essential values with an unknown one',
    { claims: essential({ values: ['urn:other', acrOf('advanced')] }) },
    'advanced',
  ],
  [
    'an essential value below the client’s floor',
    { claims: essential({ value: acrOf('basic') }), clientMinAcr: 'intermediate' },
    'intermediate',
  ],
  ['essential without a value', { claims: essential({}) }, 'basic'],
  ['claims as text', { claims: JSON.stringify(essential({ value: acrOf('advanced') })) }, 'advanced'],
  ['acr_values', { acrValues: acrOf('advanced') }, 'basic'],
  ['a voluntary claim', { claims: { id_token: { acr: { value: acrOf('advanced') } } } }, 'basic'],
  [
    'essential that is not true',
    { claims: { id_token: { acr: { essential: 'true', value: acrOf('advanced') } } } },
    'basic',
  ],
  [
    'essential under userinfo',
    { claims: { userinfo: { acr: { essential: true, value: acrOf('advanced') } } } },
    'basic',
  ],
  [
    'anonymous alone, for a client that may',
    { acrValues: acrOf('anonymous'), allowAnonymous: true },
    'anonymous',
  ],
  ['anonymous alone, for a client that may not', { acrValues: acrOf('anonymous') }, 'basic'],
  [
    'anonymous with another level',
    { acrValues: acr('anonymous', 'basic').join(' '), allowAnonymous: true },
    'basic',
  ],
  [
    'anonymous for a resource with a floor',
    { acrValues: acrOf('anonymous'), allowAnonymous: true, resourceFloors: ['basic'] },
    'basic',
  ],
];
for (const [name, input, floor] of floors) {
  test(`the floor of a request with ${name} is ${floor}`, (t) => {
    const request = readRequest(input);
    t.is(request.floor, floor);
    t.false(request.unmeetable);
  });
}

const malformed: Array<[string, unknown]> = [
  ['text that is not JSON', '{"id_token":'],
  ['a number', 7],
  ['null', null],
  ['an array', [{ id_token: { acr: { essential: true } } }]],
  ['id_token as text', { id_token: 'acr' }],
  ['acr as text', { id_token: { acr: acrOf('advanced') } }],
  ['acr as null', { id_token: { acr: null } }],
  ['acr as an array', { id_token: { acr: [acrOf('advanced')] } }],
  ['a prototype', '{"__proto__":{"id_token":{"acr":{"essential":true,"value":"x"}}}}'],
  ['voluntary junk', { id_token: { acr: { value: { a: [] }, values: 'junk' } } }],
];
for (const [name, claims] of malformed) {
  test(`claims that are ${name} ask for nothing`, (t) => {
    t.deepEqual(readRequest({ claims }), {
      floor: 'basic',
      preferences: [],
      unmeetable: false,
      anonymous: false,
    });
  });
}

const unmeetable: Array<[string, object]> = [
  ['an unknown value', { value: 'urn:other' }],
  ['unknown values', { values: ['urn:other', 3, null] }],
  ['no values in the list', { values: [] }],
  ['values that are no list', { values: acrOf('basic') }],
  ['a value that is no text', { value: { acr: acrOf('basic') } }],
];
for (const [name, value] of unmeetable) {
  test(`an essential request with ${name} cannot be met`, (t) => {
    const request = readRequest({ claims: essential(value) });
    t.true(request.unmeetable);
    t.like(
      decide({ request, standing: { level: 'advanced', loginLevel: 'advanced' }, accountCan: 'advanced' }),
      {
        kind: 'unmet',
        reason: 'no_known_value',
      },
    );
  });
}

test('preferences keep their order, come once, and unknown ones are dropped', (t) => {
  const request = readRequest({
    acrValues: `urn:other ${acr('advanced', 'basic', 'advanced').join(' ')}  `,
    claims: { id_token: { acr: { values: [acrOf('intermediate'), 9] } } },
  });
  t.deepEqual(request.preferences, ['advanced', 'basic', 'intermediate']);
  t.is(request.essential, undefined);
});

interface Case {
  input: RequestInput;
  level: Level;
  can?: Level;
  loginLevel?: Level;
  continueWithout?: boolean;
}
const judge = ({ input, level, can = 'advanced', loginLevel = 'advanced', continueWithout }: Case) =>
  decide({
    request: readRequest(input),
    standing: { level, loginLevel },
    accountCan: can,
    ...(continueWithout === undefined ? {} : { continueWithout }),
  });

test('a preference is satisfied by reaching any one of those listed', (t) => {
  const input = { acrValues: acr('advanced', 'intermediate').join(' ') };
  t.like(judge({ input, level: 'intermediate' }), { kind: 'satisfied', acr: acrOf('intermediate') });
});

test('a missed preference aims for the first that the citizen can reach, and can be declined', (t) => {
  const input = { acrValues: acr('advanced', 'intermediate').join(' ') };
  t.like(judge({ input, level: 'basic' }), { kind: 'step_up', target: 'advanced', optional: true });
  t.like(judge({ input, level: 'basic', can: 'intermediate' }), { target: 'intermediate', optional: true });
  t.like(judge({ input, level: 'basic', can: 'basic' }), { kind: 'satisfied', achieved: 'basic' });
  t.like(judge({ input, level: 'basic', continueWithout: true }), { kind: 'satisfied', achieved: 'basic' });
});

test('a missed floor cannot be declined, and comes before any preference', (t) => {
  const input = { acrValues: acrOf('advanced'), clientMinAcr: 'intermediate' } as const;
  t.like(judge({ input, level: 'basic', continueWithout: true }), {
    kind: 'step_up',
    target: 'intermediate',
    optional: false,
    needs: 'proofing',
  });
});

test('a floor out of the citizen’s reach is unmet', (t) => {
  const input = { clientMinAcr: 'advanced' } as const;
  t.deepEqual(judge({ input, level: 'basic', can: 'intermediate' }), {
    kind: 'unmet',
    reason: 'out_of_reach',
    floor: 'advanced',
  });
});

test('a login that is missing or too old is asked for before anything is proofed', (t) => {
  t.like(judge({ input: {}, level: 'anonymous', loginLevel: 'anonymous' }), {
    kind: 'step_up',
    needs: 'login',
  });
  const input = { clientMinAcr: 'intermediate' } as const;
  t.like(judge({ input, level: 'basic', loginLevel: 'basic' }), { target: 'intermediate', needs: 'login' });
});

test('a higher level satisfies a lower floor', (t) => {
  t.like(judge({ input: { clientMinAcr: 'basic' }, level: 'advanced' }), {
    kind: 'satisfied',
    acr: acrOf('advanced'),
    achieved: 'advanced',
  });
});

test('an essential request is answered with the highest listed value not above the achieved level', (t) => {
  const input = { claims: essential({ values: acr('intermediate', 'basic') }) };
  t.like(judge({ input, level: 'advanced' }), { acr: acrOf('intermediate'), achieved: 'advanced' });
  t.like(judge({ input, level: 'basic' }), { acr: acrOf('basic'), achieved: 'basic' });
  const below = readRequest({ claims: essential({ value: acrOf('basic') }), clientMinAcr: 'intermediate' });
  t.is(reportedAcr(below, 'intermediate'), acrOf('basic'));
});

test('no combination of request and standing issues below the floor or reports above the achieved level', (t) => {
  const lists = [undefined, ...LEVELS.map((level) => [level]), [...LEVELS], [...LEVELS].reverse()];
  for (const preferences of lists) {
    for (const listed of lists) {
      for (const clientMinAcr of LEVELS) {
        for (const level of LEVELS) {
          for (const can of LEVELS.filter((one) => rank(one) >= rank(level))) {
            const input: RequestInput = {
              clientMinAcr,
              acrValues: preferences && acr(...preferences).join(' '),
              claims: listed && essential({ values: acr(...listed) }),
            };
            const request = readRequest(input);
            const decision = judge({ input, level, can, loginLevel: level });
            if (decision.kind === 'satisfied') {
              t.true(rank(decision.achieved) >= rank(request.floor));
              const reported = LEVELS.find((one) => acrOf(one) === decision.acr)!;
              t.true(rank(reported) <= rank(level));
              if (listed) t.true(listed.includes(reported));
            } else if (decision.kind === 'step_up') {
              t.true(rank(decision.target) > rank(level) && rank(decision.target) <= rank(can));
              t.is(decision.optional, rank(level) >= rank(request.floor));
            } else t.true(rank(can) < rank(request.floor));
          }
        }
      }
    }
  }
});
