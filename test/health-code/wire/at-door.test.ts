import test from 'ava';
import { verdictAtDoor } from '../../../src/health-code/wire/at-door.js';

type Asking = Parameters<typeof verdictAtDoor>[0];
type Own = Awaited<ReturnType<Asking['here']>>;

/** A door that holds `own` of an offline code and hears `answer`; undefined is a line that is dead. */
async function atDoor(own: Own, answer: { status: number; body?: unknown } | undefined, code = 'hk2:abc') {
  const forgotten: string[] = [];
  let asked = 0;
  const found = await verdictAtDoor({
    code,
    nonce: undefined,
    here: async () => own,
    async there() {
      asked += 1;
      if (!answer) throw new TypeError('no network');
      return { body: undefined, ...answer };
    },
    forget: async (digest) => forgotten.push(digest),
  });
  return { ...found, forgotten, asked };
}
const GOOD = { verdict: 'valid', name: '张**', last_two: '4X', digest: 'of this showing' };
const OFF = { status: 404, body: { error: 'health_off' } };

for (const answer of [
  undefined,
  { status: 500, body: { error: 'internal' } },
  { status: 503, body: { error: 'health_unavailable' } },
  { status: 429, body: { error: 'too_many_attempts' } },
  { status: 404, body: { error: 'not_found' } },
  { status: 200, body: '<title>Log in to this WLAN</title>' },
]) {
  const what = answer ? JSON.stringify(answer) : 'no answer at all';
  test(`${what} is not a verdict: a door goes by its own, and never calls the code unknown`, async (t) => {
    const { said, answered, forgotten } = await atDoor(GOOD, answer);
    t.is(said, GOOD);
    t.false(answered);
    t.deepEqual(forgotten, [], 'the verdict was given, so a second showing is one');
    for (const [own, code] of [
      [undefined, 'HK2:ABC'],
      [undefined, 'HK1:ABC'],
      [GOOD, 'HK3:ABC'],
    ] as const) {
      const expected = answer?.status === 429 ? 'too_many' : 'needs_network';
      t.is((await atDoor(own, answer, code)).said?.verdict, expected);
    }
  });
}

test('a door that is told that the module is off says so, and the showing may be made again', async (t) => {
  t.like(await atDoor(GOOD, OFF), { said: { verdict: 'off' }, forgotten: [GOOD.digest] });
  t.is((await atDoor(undefined, OFF, 'HK1:ABC')).said?.verdict, 'off');
});

test('a device that was taken out says nothing, and the showing may be made again', async (t) => {
  t.like(await atDoor(GOOD, { status: 401 }), { said: undefined, signedOut: true, forgotten: [GOOD.digest] });
});

test('what the device refuses by itself the platform is not asked; else its word counts', async (t) => {
  const refused = { verdict: 'withdrawn' };
  t.like(await atDoor(refused, { status: 200, body: { verdict: 'valid' } }), { said: refused, asked: 0 });
  const there = { verdict: 'wrong_colour', colour: 'RED' };
  t.like(await atDoor(GOOD, { status: 200, body: there }), { said: there, answered: true });
});
