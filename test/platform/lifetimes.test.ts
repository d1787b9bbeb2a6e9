import test from 'ava';
import {
  LIFETIME_NAMES,
  lifetimes,
  meaningOf,
  readLifetimes,
  useLifetimes,
} from '../../src/platform/lifetimes.ts';

test('every lifetime says what it is of', (t) => {
  for (const name of LIFETIME_NAMES) t.not(meaningOf(name), name);
});

test('the defaults are those of the design', (t) => {
  t.like(readLifetimes(), {
    sessionIdle: 8 * 3_600,
    sessionAbsolute: 24 * 3_600,
    accessToken: 600,
    refreshToken: 8 * 3_600,
    smsCode: 300,
    smsResend: 60,
  });
});

test('a lifetime that makes no sense or is unsafe is refused by name', (t) => {
  t.throws(() => readLifetimes({ idToken: 0 }), { message: /idToken/ });
  t.throws(() => readLifetimes({ jwtAccessToken: 3_600 }), { message: /cannot be revoked/ });
});

test('a sandbox process goes by the lifetimes of its environment', (t) => {
  const before = { ...lifetimes };
  t.teardown(() => useLifetimes(before));
  useLifetimes(readLifetimes({ smsResend: 1 }));
  t.is(lifetimes.smsResend, 1);
});
