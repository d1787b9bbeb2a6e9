import test from 'ava';
import fc from 'fast-check';
import { days, startOf } from '../../../src/health-code/engine/civil-day.ts';
import { evaluate } from '../../../src/health-code/engine/evaluate.ts';
import { NOTHING_KNOWN } from '../../../src/health-code/engine/nothing-known.ts';
import { loadRuleSets } from '../../../src/health-code/engine/rule-set.ts';
import type {
  Checkin,
  Colour,
  Evidence,
  HealthInput,
  Override,
  Release,
} from '../../../src/health-code/engine/types.ts';

const rules = loadRuleSets()[0]!;
const FIRST = 18_000;
const LENGTH = 60;
const SEVERITY: Record<Colour, number> = { GREY: -1, GREEN: 0, YELLOW: 1, RED: 2 };

const instant = fc
  .tuple(fc.integer({ min: 0, max: LENGTH }), fc.constantFrom(0, 8, 12, 23))
  .map(([day, hour]) => startOf(FIRST + day) + hour * 3_600_000);
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const pairs = Object.entries(rules.types).flatMap(([type, { sources, kind }]) =>
  sources.map((source) => ({ type, source, kind })),
);
const anySource = [...new Set(pairs.map((pair) => pair.source)), 'transit', 'venue', 'community', 'police'];

const evidenceOf = (allowed: typeof pairs): fc.Arbitrary<Evidence> =>
  fc
    .record({
      id: fc.uuid(),
      pair: fc.constantFrom(...allowed),
      at: instant,
      purpose: fc.constantFrom(...Array(8).fill('epidemic_prevention'), 'social_stability'),
      status: fc.constantFrom('active' as const, 'active' as const, 'active' as const, 'revoked' as const),
      dischargedAt: maybe(instant),
      phoneOwnerVerified: fc.constantFrom(true, true, false),
      appealAt: maybe(instant),
      appealDecision: maybe(fc.constantFrom('rejected' as const, 'upheld' as const)),
      supersededBy: maybe(instant),
    })
    .map(({ pair, ...rest }) => ({ ...rest, type: pair.type, source: pair.source }));
const evidence = evidenceOf(pairs);
const redEvidence = evidenceOf(pairs.filter(({ kind }) => kind !== 'yellow'));

const checkin: fc.Arbitrary<Checkin> = fc.record({
  at: instant,
  temp: fc.constantFrom(36.5, 36.6, 36.7, 37.2, 37.3, undefined),
  symptoms: fc.constantFrom([], [], [], ['cough']),
  forDay: fc.constant(undefined),
});
/** Long healthy stretches, so that runs are finished as well as broken. */
const stretch = fc
  .tuple(fc.integer({ min: 0, max: LENGTH }), fc.integer({ min: 0, max: 30 }))
  .map(([from, length]) =>
    Array.from(
      { length },
      (_, i): Checkin => ({ at: startOf(FIRST + from + i) + 9 * 3_600_000, temp: 36.4, symptoms: [] }),
    ),
  );
const release: fc.Arbitrary<Release> = fc.record({ at: instant, source: fc.constantFrom('cdc', 'hospital') });
const override: fc.Arbitrary<Override> = fc.record({
  id: fc.uuid(),
  colour: fc.constantFrom('GREEN' as const, 'YELLOW' as const, 'RED' as const),
  purpose: fc.constantFrom('epidemic_prevention', 'epidemic_prevention', 'other'),
  approver1: fc.constant('a'),
  approver2: fc.constantFrom('b', 'b', 'a'),
  orgType: fc.constantFrom('health', 'health', 'other'),
  evidenceId: fc.constant('x'),
  from: instant,
  to: instant,
});
const input: fc.Arbitrary<HealthInput> = fc
  .record({
    level: fc.constant('basic' as const),
    declaration: fc.constant(true),
    evidence: fc.array(evidence, { maxLength: 5 }),
    single: fc.array(checkin, { maxLength: 6 }),
    stretches: fc.array(stretch, { maxLength: 2 }),
    release: fc.array(release, { maxLength: 1 }),
    overrides: fc.array(override, { maxLength: 2 }),
    staleSources: fc.constant([]),
    outageDays: fc.array(fc.integer({ min: FIRST, max: FIRST + LENGTH }), { maxLength: 3 }),
  })
  .map(({ single, stretches, ...rest }) => ({ ...rest, checkins: [...single, ...stretches.flat()] }));
const asOf = instant;
const RUNS = { numRuns: 1_500 };
const NOBODY: HealthInput = { ...NOTHING_KNOWN, level: 'basic', declaration: true };
const severity = (given: HealthInput, at: number) => SEVERITY[evaluate(given, at, rules).colour];

test('two orders of different colours leave one trace, whichever comes first', (t) => {
  const at = Date.parse('2026-11-23T04:00:00Z');
  const order = (colour: Override['colour'], daysLeft: number): Override => ({
    id: colour,
    colour,
    purpose: 'epidemic_prevention',
    approver1: 'a',
    approver2: 'b',
    orgType: 'health',
    evidenceId: 'x',
    from: at,
    to: at + daysLeft * 86_400_000,
  });
  const overrides = [order('YELLOW', 2), order('GREEN', 1)];
  const { trace } = evaluate({ ...NOBODY, overrides }, at, rules);
  t.is(trace.length, 2);
  t.deepEqual(evaluate({ ...NOBODY, overrides: overrides.toReversed() }, at, rules).trace, trace);
});

test('the order of rows changes nothing, not even the trace', (t) => {
  fc.assert(
    fc.property(input, asOf, fc.infiniteStream(fc.nat()), (given, at, random) => {
      const shuffle = <T>(rows: readonly T[]) =>
        rows
          .map((row) => ({ row, key: random.next().value as number }))
          .sort((a, b) => a.key - b.key)
          .map(({ row }) => row);
      const other = {
        ...given,
        evidence: shuffle(given.evidence),
        checkins: shuffle(given.checkins),
        release: shuffle(given.release),
        overrides: shuffle(given.overrides),
        outageDays: shuffle(given.outageDays),
      };
      t.deepEqual(evaluate(other, at, rules), evaluate(given, at, rules));
    }),
    RUNS,
  );
  t.pass();
});

test('what is dated later than the question changes nothing', (t) => {
  fc.assert(
    fc.property(input, asOf, (given, at) => {
      const known = {
        ...given,
        evidence: given.evidence
          .filter((row) => row.at <= at)
          .map((row) => ({
            ...row,
            dischargedAt:
              row.dischargedAt !== undefined && row.dischargedAt > at ? undefined : row.dischargedAt,
            supersededBy:
              row.supersededBy !== undefined && row.supersededBy > at ? undefined : row.supersededBy,
            ...(row.appealAt !== undefined &&
              row.appealAt > at && { appealAt: undefined, appealDecision: undefined }),
          })),
        checkins: given.checkins.filter((row) => row.at <= at),
        release: given.release.filter((row) => row.at <= at),
        overrides: given.overrides.filter((row) => row.from! <= at),
      };
      t.deepEqual(evaluate(known, at, rules), evaluate(given, at, rules));
    }),
    RUNS,
  );
  t.pass();
});

test('telecom and insurance never give red, whatever they assert', (t) => {
  const weak = fc
    .tuple(
      evidenceOf(anySource.flatMap((source) => pairs.map((pair) => ({ ...pair, source })))),
      fc.constantFrom('telecom', 'insurance'),
    )
    .map(([row, source]) => ({ ...row, source }));
  fc.assert(
    fc.property(
      fc.array(weak, { minLength: 1, maxLength: 6 }),
      fc.array(checkin, { maxLength: 5 }),
      asOf,
      (rows, checkins, at) => {
        const given = {
          level: 'basic',
          declaration: true,
          evidence: rows,
          checkins,
          release: [],
          overrides: [],
          staleSources: [],
          outageDays: [],
        } as const;
        t.not(evaluate(given, at, rules).colour, 'RED');
      },
    ),
    RUNS,
  );
  t.pass();
});

test('a feed that fails changes no colour and adds one reason at the end', (t) => {
  fc.assert(
    fc.property(input, asOf, fc.constantFrom(...anySource), (given, at, source) => {
      const before = evaluate(given, at, rules);
      const after = evaluate({ ...given, staleSources: [source] }, at, rules);
      t.deepEqual(after, { ...before, reasons: [...before.reasons, 'D901'] });
    }),
    RUNS,
  );
  t.pass();
});

test('a day on which we took no check-ins never worsens a colour', (t) => {
  fc.assert(
    fc.property(input, asOf, fc.integer({ min: FIRST, max: FIRST + LENGTH }), (given, at, day) => {
      const start = startOf(day);
      const checkins = given.checkins.filter((row) => row.at < start || row.at >= start + days(1));
      const before = { ...given, checkins };
      t.true(severity({ ...before, outageDays: [...given.outageDays, day] }, at) <= severity(before, at));
    }),
    RUNS,
  );
  t.pass();
});

// A release ends the red that it is about together with the yellow which that red absorbed. Apart from that:
test('more red evidence never lowers severity', (t) => {
  fc.assert(
    fc.property(input, redEvidence, asOf, (given, row, at) => {
      const before = { ...given, release: [] };
      t.true(severity({ ...before, evidence: [...given.evidence, row] }, at) >= severity(before, at));
    }),
    RUNS,
  );
  t.pass();
});

test('nothing ends before its earliest exit without new facts', (t) => {
  fc.assert(
    fc.property(input, asOf, (given, at) => {
      const { colour, earliestExit } = evaluate({ ...given, overrides: [] }, at, rules);
      if (earliestExit === undefined) return;
      t.true(earliestExit > at - days(1));
      const facts = {
        ...given,
        overrides: [],
        evidence: given.evidence
          .filter((row) => row.at <= at && row.appealAt === undefined)
          .map((row) => ({ ...row, supersededBy: undefined })),
        checkins: given.checkins.filter((row) => row.at <= at),
        release: given.release.filter((row) => row.at <= at),
      };
      const now = evaluate(facts, at, rules);
      if (now.colour !== colour || now.earliestExit === undefined || now.earliestExit <= at) return;
      for (let day = at; day < now.earliestExit; day += days(1)) {
        facts.checkins.push({ at: day, temp: 36.5, symptoms: [] });
      }
      t.is(evaluate(facts, now.earliestExit - 1, rules).colour, colour);
    }),
    RUNS,
  );
  t.pass();
});

test('with a healthy check-in every day, red and yellow end on the day promised', (t) => {
  fc.assert(
    fc.property(input, asOf, (given, at) => {
      const facts = {
        ...given,
        overrides: [],
        evidence: given.evidence
          .filter((row) => row.at <= at && row.appealAt === undefined)
          .map((row) => ({
            ...row,
            supersededBy: undefined,
            ...(row.dischargedAt !== undefined && row.dischargedAt > at && { dischargedAt: undefined }),
          })),
        checkins: given.checkins.filter((row) => row.at <= at),
        release: given.release.filter((row) => row.at <= at),
        outageDays: given.outageDays.filter((day) => startOf(day) <= at),
      };
      const now = evaluate(facts, at, rules);
      if (now.earliestExit === undefined) return;
      const last = Math.max(now.earliestExit, at);
      for (let day = at; day < last + days(1); day += days(1))
        facts.checkins.push({ at: day, temp: 36.5, symptoms: [] });
      t.true(SEVERITY[evaluate(facts, last + days(1) - 1, rules).colour] < SEVERITY[now.colour]);
    }),
    RUNS,
  );
  t.pass();
});
