import test from 'ava';
import fc from 'fast-check';
import { type Evidence, type Facts, type Proof, sessionStanding } from '../../src/assurance/ladder.ts';
import { LEVELS, rank } from '../../src/assurance/level.ts';
import { EVIDENCE_METHODS, PROOF_METHODS } from '../../src/assurance/policy.ts';

const NOW = Date.parse('2026-03-02T08:00:00.000Z');
const minutes = (min: number, max: number) =>
  fc.integer({ min, max }).map((count) => new Date(NOW + count * 60_000));
const past = minutes(-14 * 60, 0);
const ahead = minutes(-60, 14 * 60);

const evidence: fc.Arbitrary<Evidence> = fc
  .record({
    method: fc.constantFrom(...EVIDENCE_METHODS),
    at: past,
    expiresAt: fc.option(ahead, { nil: undefined }),
  })
  .map(({ expiresAt, ...rest }) => ({
    source: 's',
    transactionId: 't',
    ...rest,
    ...(expiresAt ? { expiresAt } : {}),
  }));
const proof: fc.Arbitrary<Proof> = fc.record({
  id: fc.uuid(),
  method: fc.constantFrom(...PROOF_METHODS),
  at: past,
  boundLevel: fc.constantFrom(...LEVELS, 'advanced' as const, 'advanced' as const),
  interactionUid: fc.constantFrom('one', 'two'),
  userVerified: fc.boolean(),
});
/** Most random facts reach nothing, so half of them begin with a full account and a login. */
const full: Evidence[] = (['register', 'carrier', 'face', 'live_face'] as const).map((method) => ({
  method,
  source: 's',
  transactionId: 'full',
  at: new Date(NOW),
  expiresAt: new Date(NOW + 6 * 3_600_000),
}));
const facts: fc.Arbitrary<Facts> = fc
  .record({
    evidence: fc.array(evidence, { maxLength: 12 }),
    proofs: fc.array(proof, { maxLength: 12 }),
    cap: fc.option(fc.record({ level: fc.constantFrom(...LEVELS), until: ahead }), {
      nil: undefined,
      freq: 3,
    }),
    rich: fc.boolean(),
  })
  .map(({ rich, ...rest }) => ({
    ...rest,
    evidence: rich ? [...full, ...rest.evidence] : rest.evidence,
    at: new Date(NOW),
  }));

const holds = <T>(arbitrary: fc.Arbitrary<T>, predicate: (value: T) => void) =>
  fc.assert(fc.property(arbitrary, predicate), { numRuns: 1000 });

test('the achieved level is never above the account or above the credentials that were used', (t) => {
  holds(facts, (given) => {
    const standing = sessionStanding(given);
    t.true(rank(standing.level) <= rank(standing.accountLevel));
    const used = given.proofs.filter((one) => standing.proofIds.includes(one.id));
    for (const one of used.filter(({ method }) => ['password', 'sms', 'totp', 'passkey'].includes(method))) {
      t.true(rank(one.boundLevel) >= rank(standing.level));
    }
  });
});

test('more evidence or more proofs never lower a level', (t) => {
  holds(fc.tuple(facts, facts), ([one, two]) => {
    const merged = {
      ...one,
      evidence: [...one.evidence, ...two.evidence],
      proofs: [...one.proofs, ...two.proofs],
    };
    t.true(rank(sessionStanding(merged).level) >= rank(sessionStanding(one).level));
    t.true(rank(sessionStanding(merged).accountLevel) >= rank(sessionStanding(one).accountLevel));
  });
});

test('the order of evidence and proofs means nothing', (t) => {
  const shuffled = facts.chain((given) =>
    fc.record({
      given: fc.constant(given),
      evidence: fc.shuffledSubarray([...given.evidence], { minLength: given.evidence.length }),
      proofs: fc.shuffledSubarray([...given.proofs], { minLength: given.proofs.length }),
    }),
  );
  holds(shuffled, ({ given, ...rest }) => {
    t.deepEqual(sessionStanding({ ...given, ...rest }), sessionStanding(given));
  });
});

test('without new proofs a level holds until the instant it says it ends, and not at that instant', (t) => {
  holds(fc.tuple(facts, fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true })), ([given, part]) => {
    const standing = sessionStanding(given);
    const end = standing.endsAt?.getTime() ?? NOW + 48 * 3_600_000;
    t.true(end > NOW);
    const before = new Date(Math.min(end - 1, Math.floor(NOW + part * (end - NOW))));
    t.true(rank(sessionStanding({ ...given, at: before }).level) >= rank(standing.level));
    if (standing.endsAt && given.cap === undefined) {
      t.true(rank(sessionStanding({ ...given, at: standing.endsAt }).level) < rank(standing.level));
    }
  });
});

test('only proofs inside the window count, and auth_time is the time of one of them', (t) => {
  const window = fc.record(
    { since: past, interactionUid: fc.constantFrom('one', 'two') },
    { requiredKeys: [] },
  );
  holds(fc.tuple(facts, window), ([given, limits]) => {
    const standing = sessionStanding({ ...given, window: limits });
    const used = given.proofs.filter((one) => standing.proofIds.includes(one.id));
    for (const one of used) {
      if (limits.since) t.true(one.at >= limits.since);
      if (limits.interactionUid) t.is(one.interactionUid, limits.interactionUid);
    }
    t.is(standing.authTime === undefined, used.length === 0);
    if (standing.authTime) t.true(used.some((one) => one.at.getTime() === standing.authTime?.getTime()));
    t.true(rank(standing.level) <= rank(sessionStanding(given).level));
  });
});

test('login and credentials reach at least the level that the session reaches', (t) => {
  holds(facts, (given) => {
    const standing = sessionStanding(given);
    t.true(rank(standing.loginLevel) >= rank(standing.level));
    t.true(rank(standing.boundLevel) >= rank(standing.level));
  });
});
