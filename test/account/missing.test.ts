import test from 'ava';
import { freshnessOf } from '../../src/account/gate.ts';
import { describeAgent, maskNumber, maskPhone } from '../../src/account/masked.ts';
import { levelViews } from '../../src/account/missing.ts';
import type { Evidence, Proof } from '../../src/assurance/ladder.ts';

const now = new Date('2026-11-23T00:00:00Z');
const at = (minutes: number) => new Date(now.getTime() + minutes * 60_000);
const evidence = (method: Evidence['method'], expiresAt?: Date): Evidence => ({
  method,
  source: 'x',
  transactionId: method,
  at: at(-1),
  ...(expiresAt && { expiresAt }),
});
const basic = [evidence('register'), evidence('carrier', at(1000))];

test('each level says until when it holds, or what it needs', (t) => {
  const [one, two, three] = levelViews(basic, now);
  t.like(one, { level: 'basic', reached: true, until: at(1000), missing: [], next: false });
  t.like(two, { level: 'intermediate', reached: false, next: true });
  t.deepEqual(two?.missing, [['face', 'alipay', 'social_security_card', 'bank_card']]);
  t.like(three, { level: 'advanced', reached: false, next: false });
});

test('a level is held until the last of several pieces of evidence ends', (t) => {
  const [one] = levelViews([...basic, evidence('in_person', at(5000))], now);
  t.deepEqual(one?.until, at(5000));
});

test('a cap takes levels away although nothing is missing', (t) => {
  const views = levelViews([...basic, evidence('face')], now, { level: 'basic', until: at(60) });
  t.deepEqual(
    views.map(({ reached, missing }) => [reached, missing.length]),
    [
      [true, 0],
      [false, 0],
      [false, 1],
    ],
  );
});

const proof = (
  method: Proof['method'],
  minutes: number,
  more: Partial<Proof> = {},
): Proof & { id: string } => ({
  id: `${method}${minutes}`,
  method,
  at: at(minutes),
  boundLevel: 'advanced',
  interactionUid: 'i',
  ...more,
});
const fresh = (proofs: Proof[], more: Evidence[] = []) =>
  freshnessOf(
    {
      evidence: [...basic, ...more].map((item, i) => ({ ...item, id: String(i) })),
      proofs,
      accountState: 'active',
    },
    now,
    300,
  );

test('a login counts for five minutes', (t) => {
  t.true(fresh([proof('password', -5), proof('sms', -5)]).fresh);
  t.false(fresh([proof('password', -5.1), proof('sms', -5)]).fresh);
  t.false(fresh([]).fresh);
});

test('the login must be at the level of the account, but never needs more than intermediate', (t) => {
  const weak = { boundLevel: 'basic' } as const;
  const login = [proof('password', -1), proof('sms', -1)];
  const weakLogin = [proof('password', -1, weak), proof('sms', -1, weak)];
  const higher = [evidence('face'), evidence('live_face')];
  t.like(fresh(weakLogin), { fresh: true, needed: 'basic' });
  t.like(fresh(weakLogin, [evidence('face')]), { fresh: false, needed: 'intermediate' });
  t.like(fresh(login, higher), { fresh: true, needed: 'intermediate', accountLevel: 'advanced' });
});

test('a live check is no login', (t) => {
  const old = [proof('password', -60), proof('sms', -60)];
  t.false(fresh([...old, proof('live_face', -1)], [evidence('face'), evidence('live_face')]).fresh);
});

test('an account whose evidence has ended still needs a login', (t) => {
  const ended = { evidence: [], proofs: [], accountState: 'active' as const };
  t.like(freshnessOf(ended, now, 300), { fresh: false, needed: 'anonymous' });
});

test('a login is known to have done without SMS', (t) => {
  t.false(fresh([proof('password', -1), proof('sms', -1)]).withoutSms);
  t.true(fresh([proof('password', -1), proof('totp', -1)]).withoutSms);
  t.true(fresh([proof('passkey', -1, { userVerified: true })]).withoutSms);
});

test('numbers are shown by their ends', (t) => {
  t.is(maskPhone('13900000001'), '139****0001');
  t.is(maskPhone('+85291234567'), '********4567');
  t.is(maskNumber('390100199001020014'), '**************0014');
  t.is(maskNumber('E1'), 'E1');
});

test('browsers and systems are told by name', (t) => {
  t.is(
    describeAgent(
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0',
    ),
    'Edge · Windows',
  );
  t.is(
    describeAgent('Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1'),
    'Safari · iPhone',
  );
  t.is(describeAgent('curl/8'), undefined);
  t.is(describeAgent(undefined), undefined);
});
