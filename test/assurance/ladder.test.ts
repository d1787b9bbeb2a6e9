import test from 'ava';
import {
  accountLevel,
  type Evidence,
  evidenceExpiry,
  type Proof,
  sessionStanding,
} from '../../src/assurance/ladder.ts';
import type { Level } from '../../src/assurance/level.ts';
import type { EvidenceMethod, ProofMethod } from '../../src/assurance/policy.ts';

const NOW = new Date('2026-03-02T08:00:00.000Z');
const after = (seconds: number, from = NOW): Date => new Date(from.getTime() + seconds * 1000);
const HOUR = 3600;
const MINUTE = 60;

const evidence = (...methods: EvidenceMethod[]): Evidence[] =>
  methods.map((method) => ({
    method,
    source: 'test',
    transactionId: method,
    at: after(-HOUR),
    expiresAt: evidenceExpiry(method, after(-HOUR)),
  }));
const proof = (method: ProofMethod, at: Date, rest: Partial<Proof> = {}): Proof => ({
  id: `${method}@${at.toISOString()}`,
  method,
  at,
  boundLevel: 'advanced',
  interactionUid: 'one',
  ...rest,
});
const passkey = (at: Date, rest: Partial<Proof> = {}) =>
  proof('passkey', at, { userVerified: true, ...rest });
const login = (at: Date, rest: Partial<Proof> = {}) => [proof('password', at, rest), proof('sms', at, rest)];
const FULL = evidence('register', 'carrier', 'face', 'live_face');

const accounts: Array<[EvidenceMethod[], Level]> = [
  [[], 'anonymous'],
  [['register'], 'anonymous'],
  [['carrier'], 'anonymous'],
  [['face'], 'anonymous'],
  [['register', 'carrier'], 'basic'],
  [['register', 'in_person'], 'basic'],
  [['carrier', 'in_person'], 'anonymous'],
  [['register', 'carrier', 'face'], 'intermediate'],
  [['register', 'carrier', 'alipay'], 'intermediate'],
  [['register', 'carrier', 'social_security_card'], 'intermediate'],
  [['register', 'in_person', 'bank_card'], 'intermediate'],
  [['register', 'carrier', 'live_face'], 'basic'],
  [['register', 'face', 'live_face'], 'anonymous'],
  [['register', 'carrier', 'face', 'live_face'], 'advanced'],
  [['register', 'carrier', 'bank_card', 'voiceprint'], 'advanced'],
  [['register', 'carrier', 'alipay', 'video'], 'advanced'],
];
for (const [methods, level] of accounts) {
  test(`an account with ${methods.join(', ') || 'nothing'} is ${level}`, (t) => {
    t.is(accountLevel(evidence(...methods), NOW).level, level);
  });
}

const lifetimes: Array<[EvidenceMethod, string]> = [
  ['carrier', '2026-08-29T08:00:00.000Z'],
  ['face', '2028-03-01T08:00:00.000Z'],
  ['bank_card', '2028-03-01T08:00:00.000Z'],
  ['live_face', '2027-03-02T08:00:00.000Z'],
];
for (const [method, expected] of lifetimes) {
  test(`evidence by ${method} made on 2 March 2026 lasts until ${expected}`, (t) => {
    t.is(evidenceExpiry(method, NOW).toISOString(), expected);
  });
}

test('evidence that ended or expired no longer counts, from that very instant', (t) => {
  const [register, carrier] = evidence('register', 'carrier');
  const ended = [register!, { ...carrier!, endedAt: NOW }];
  t.is(accountLevel(ended, after(-0.001)).level, 'basic');
  t.is(accountLevel(ended, NOW).level, 'anonymous');
  const expiring = [register!, { ...carrier!, expiresAt: NOW }];
  t.deepEqual(accountLevel(expiring, after(-0.001)), { level: 'basic', endsAt: NOW });
  t.is(accountLevel(expiring, NOW).level, 'anonymous');
});

test('the longest-lasting of several pieces of evidence decides when the level ends', (t) => {
  const list = [
    ...evidence('register'),
    { ...evidence('carrier')[0]!, expiresAt: after(10) },
    { ...evidence('carrier')[0]!, expiresAt: after(30) },
  ];
  t.deepEqual(accountLevel(list, NOW), { level: 'basic', endsAt: after(30) });
});

test('after a recovery the account is held at basic until the exact end of the cap', (t) => {
  const cap = { level: 'basic', until: after(10) } as const;
  t.is(accountLevel(FULL, NOW, cap).level, 'basic');
  t.is(accountLevel(FULL, after(9.999), cap).level, 'basic');
  t.is(accountLevel(FULL, after(10), cap).level, 'advanced');
});

const sessions: Array<[string, Proof[], Level, string[]]> = [
  ['no proof', [], 'anonymous', []],
  ['a password alone', [proof('password', NOW)], 'anonymous', []],
  ['a code by SMS alone', [proof('sms', NOW)], 'anonymous', []],
  ['a live check alone', [proof('live_face', NOW)], 'anonymous', []],
  ['password and SMS', login(NOW), 'intermediate', ['pwd', 'sms', 'mfa']],
  ['password and TOTP', [proof('password', NOW), proof('totp', NOW)], 'intermediate', ['pwd', 'otp', 'mfa']],
  [
    'password and SMS of two interactions',
    [proof('password', NOW), proof('sms', NOW, { interactionUid: 'two' })],
    'anonymous',
    [],
  ],
  [
    'password and SMS of no interaction',
    [proof('password', NOW), proof('sms', NOW)].map(({ interactionUid: _, ...rest }) => rest),
    'anonymous',
    [],
  ],
  ['a passkey with verification', [passkey(NOW)], 'intermediate', ['pop', 'user', 'mfa']],
  [
    'a passkey on its own device',
    [passkey(NOW, { hardware: true })],
    'intermediate',
    ['hwk', 'pop', 'user', 'mfa'],
  ],
  [
    'a synchronised passkey',
    [passkey(NOW, { hardware: false })],
    'intermediate',
    ['swk', 'pop', 'user', 'mfa'],
  ],
  ['a passkey without verification', [proof('passkey', NOW)], 'anonymous', []],
  [
    'password and passkey without verification',
    [proof('password', NOW), proof('passkey', NOW)],
    'anonymous',
    [],
  ],
  [
    'password, SMS and live face',
    [...login(NOW), proof('live_face', NOW)],
    'advanced',
    ['pwd', 'sms', 'face', 'mfa'],
  ],
  [
    'passkey and voiceprint',
    [passkey(NOW), proof('voiceprint', NOW)],
    'advanced',
    ['pop', 'user', 'mfa', 'vbm'],
  ],
  ['passkey and video', [passkey(NOW), proof('video', NOW)], 'advanced', ['pop', 'user', 'mfa', 'x-video']],
];
for (const [name, proofs, level, amr] of sessions) {
  test(`with an advanced account, ${name} gives ${level}`, (t) => {
    const standing = sessionStanding({ evidence: FULL, proofs, at: NOW });
    t.is(standing.level, level);
    t.is(standing.acr, `urn:ymt:acr:${level}`);
    t.deepEqual(standing.amr, amr);
    t.is(standing.accountLevel, 'advanced');
  });
}

test('the achieved level is never above the account, whatever was proved', (t) => {
  const proofs = [...login(NOW), proof('live_face', NOW)];
  t.is(sessionStanding({ evidence: evidence('register', 'carrier'), proofs, at: NOW }).level, 'basic');
  t.is(
    sessionStanding({ evidence: evidence('register', 'carrier', 'face'), proofs, at: NOW }).level,
    'intermediate',
  );
  t.is(sessionStanding({ evidence: [], proofs, at: NOW }).level, 'anonymous');
});

test('a live check that does not count is not in amr and does not move auth_time', (t) => {
  const standing = sessionStanding({
    evidence: evidence('register', 'carrier', 'face'),
    proofs: [...login(after(-60)), proof('live_face', NOW)],
    at: NOW,
  });
  t.deepEqual(standing.amr, ['pwd', 'sms', 'mfa']);
  t.deepEqual(standing.authTime, after(-60));
});

test('a login is as late as its last part', (t) => {
  const proofs = [proof('password', after(-90)), proof('sms', after(-30))];
  t.deepEqual(sessionStanding({ evidence: FULL, proofs, at: NOW }).authTime, after(-30));
});

test('a login gives intermediate for exactly twelve hours, then basic', (t) => {
  const at = (seconds: number) => sessionStanding({ evidence: FULL, proofs: login(NOW), at: after(seconds) });
  t.is(at(12 * HOUR - 0.001).level, 'intermediate');
  t.deepEqual(at(0).endsAt, after(12 * HOUR));
  t.is(at(12 * HOUR).level, 'basic');
  t.is(at(12 * HOUR).loginLevel, 'basic');
});

test('a live check gives advanced for exactly thirty minutes, and its time is auth_time', (t) => {
  const proofs = [...login(after(-HOUR)), proof('live_face', NOW)];
  const at = (seconds: number) => sessionStanding({ evidence: FULL, proofs, at: after(seconds) });
  t.is(at(30 * MINUTE - 0.001).level, 'advanced');
  t.deepEqual(at(0).endsAt, after(30 * MINUTE));
  t.deepEqual(at(0).authTime, NOW);
  t.is(at(30 * MINUTE).level, 'intermediate');
  t.deepEqual(at(30 * MINUTE).authTime, after(-HOUR));
});

test('an old login ends advanced before the live check does', (t) => {
  const proofs = [...login(after(-12 * HOUR + 60)), proof('live_face', NOW)];
  t.deepEqual(sessionStanding({ evidence: FULL, proofs, at: NOW }).endsAt, after(60));
  t.is(sessionStanding({ evidence: FULL, proofs, at: after(60) }).level, 'basic');
});

test('a basic session ends with its phone evidence, not with the clock of the login', (t) => {
  const list = [evidence('register')[0]!, { ...evidence('carrier')[0]!, expiresAt: after(99) }];
  t.deepEqual(
    sessionStanding({ evidence: list, proofs: login(after(-40 * HOUR)), at: NOW }).endsAt,
    after(99),
  );
});

test('a passkey enrolled at basic stays at basic when the account rises', (t) => {
  const proofs = [passkey(NOW, { boundLevel: 'basic' }), proof('live_face', NOW)];
  const standing = sessionStanding({ evidence: FULL, proofs, at: NOW });
  t.is(standing.level, 'basic');
  t.is(standing.boundLevel, 'basic');
});

test('a login is bound by the weaker of its two credentials', (t) => {
  const proofs = [proof('password', NOW), proof('sms', NOW, { boundLevel: 'basic' })];
  t.is(sessionStanding({ evidence: FULL, proofs, at: NOW }).level, 'basic');
});

test('of several logins the one that gives most counts, and the latest among equals', (t) => {
  const weak = passkey(NOW, { boundLevel: 'basic' });
  const strong = login(after(-HOUR));
  const both = sessionStanding({ evidence: FULL, proofs: [weak, ...strong], at: NOW });
  t.is(both.level, 'intermediate');
  t.deepEqual(both.authTime, after(-HOUR));
  const equal = sessionStanding({ evidence: FULL, proofs: [...strong, passkey(NOW)], at: NOW });
  t.deepEqual(equal.authTime, NOW);
  t.deepEqual(equal.amr, ['pop', 'user', 'mfa']);
});

test('with a window only proofs inside it count', (t) => {
  const proofs = [...login(after(-600)), proof('live_face', after(-300), { interactionUid: 'two' })];
  const within = (since: Date) => sessionStanding({ evidence: FULL, proofs, at: NOW, window: { since } });
  t.is(within(after(-600)).level, 'advanced');
  t.is(within(after(-599.999)).level, 'anonymous');
  t.is(within(after(-599.999)).authTime, undefined);
  const only = (interactionUid: string | string[]) =>
    sessionStanding({ evidence: FULL, proofs, at: NOW, window: { interactionUid } }).level;
  t.is(only('one'), 'intermediate');
  t.is(only('two'), 'anonymous');
  t.is(only(['one', 'two']), 'advanced');
});

test('a refresh looks at the proofs that issued the grant, not at later ones', (t) => {
  const proofs = [...login(after(-600)), proof('live_face', after(-60))];
  const standing = sessionStanding({ evidence: FULL, proofs, at: NOW, window: { until: after(-120) } });
  t.is(standing.level, 'intermediate');
});
