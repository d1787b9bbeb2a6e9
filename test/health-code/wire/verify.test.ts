import test from 'ava';
import fc from 'fast-check';
import { verdictAtDoor } from '../../../src/health-code/wire/at-door.js';
import { decodeBase45, encodeBase45 } from '../../../src/health-code/wire/base45.js';
import { newDeviceKey } from '../../../src/health-code/wire/cose.js';
import { newNonce, readNonce, writeOfflineCode } from '../../../src/health-code/wire/offline-code.js';
import { AT, offlineWorld } from '../../support/offline-code.ts';

const verdictOf = async (checked: Promise<{ verdict: string }>) => (await checked).verdict;

test('a fresh code is valid and tells whom to compare it with', async (t) => {
  const { show, check } = await offlineWorld();
  const { verdict, holder } = await check(await show());
  t.is(verdict, 'valid');
  t.like(holder, { colour: 'GREEN', name: '张**', lastTwo: '4X', region: '390000' });
});

test('a code shown twice to one verifier is refused the second time', async (t) => {
  const { show, check } = await offlineWorld();
  const code = await show();
  t.is(await verdictOf(check(code)), 'valid');
  t.is(await verdictOf(check(code)), 'shown_before');
  t.is(await verdictOf(check(await show(AT + 1))), 'valid', 'the phone’s next code is another showing');
});

test('signing the same showing again does not make it another one', async (t) => {
  const { show, check } = await offlineWorld();
  const [one, two] = [await show(), await show()];
  t.not(one, two);
  t.is(await verdictOf(check(one)), 'valid');
  t.is(await verdictOf(check(two)), 'shown_before');
});

for (const [offset, verdict] of [
  [-61, 'expired'],
  [-60, 'valid'],
  [0, 'valid'],
  [30, 'valid'],
  [31, 'early'],
] as const) {
  test(`a code made ${offset} s from the verifier’s time is ${verdict}`, async (t) => {
    const { show, check } = await offlineWorld();
    t.is(await verdictOf(check(await show(AT + offset))), verdict);
  });
}

test('a code is refused once its attestation has ended, however new its time', async (t) => {
  const { show, check } = await offlineWorld({ exp: AT + 10 });
  t.is(await verdictOf(check(await show(AT + 9), { now: AT + 9 })), 'valid');
  t.is(await verdictOf(check(await show(AT + 10), { now: AT + 10 })), 'expired');
});

for (const colour of ['YELLOW', 'RED'] as const) {
  test(`a ${colour} code is genuine but of the wrong colour`, async (t) => {
    const { show, check } = await offlineWorld({ colour });
    const { verdict, holder } = await check(await show());
    t.is(verdict, 'wrong_colour');
    t.is(holder?.colour, colour);
  });
}

test('a code whose attestation was taken back is refused', async (t) => {
  const { show, check, list } = await offlineWorld({ status: 5 });
  list.bytes[0] = 0b0010_0000;
  t.is(await verdictOf(check(await show())), 'withdrawn');
  list.bytes[0] = 0b1101_1111;
  t.is(await verdictOf(check(await show())), 'valid', 'the neighbours are no matter');
});

test('without a list of what was taken back, or with one of yesterday, nothing is called valid', async (t) => {
  const { show, check } = await offlineWorld();
  t.is(await verdictOf(check(await show(), { revokedAge: undefined })), 'unchecked');
  t.is(await verdictOf(check(await show(), { revokedAge: 86_401 })), 'unchecked');
});

test('a gate that asks takes only the answer to its own question', async (t) => {
  const { show, check } = await offlineWorld();
  const nonce = newNonce();
  t.is(await verdictOf(check(await show(AT, nonce), { nonce })), 'valid');
  t.is(await verdictOf(check(await show(AT + 1), { nonce })), 'wrong_nonce', 'no answer');
  t.is(await verdictOf(check(await show(AT + 2, '00000000'), { nonce: '00000001' })), 'wrong_nonce');
  t.is(await verdictOf(check(await show(AT + 3, nonce))), 'wrong_nonce', 'an answer to somebody else');
});

test('a question can be typed with spaces, in full width, or come from its QR code', (t) => {
  for (const text of ['12345678', '1234 5678', '１２３４５６７８', 'HKN:12345678'])
    t.is(readNonce(text), '12345678');
  for (const text of ['1234567', '123456789', 'abcdefgh', '']) t.is(readNonce(text), undefined);
  t.regex(newNonce(), /^\d{8}$/);
});

test('a code of another province, another phone or another region is unknown', async (t) => {
  const [here, elsewhere] = [await offlineWorld(), await offlineWorld()];
  t.is(await verdictOf(here.check(await elsewhere.show())), 'unknown');
  const { privateKey } = await newDeviceKey();
  const stolen = await writeOfflineCode({ attestation: here.attestation, time: AT }, privateKey);
  t.is(await verdictOf(here.check(stolen)), 'unknown');
  t.is(await verdictOf(here.check(await here.show(), { region: '310000' })), 'unknown');
});

test('a refused code is not remembered as shown', async (t) => {
  const { show, check } = await offlineWorld();
  const code = await show();
  t.is(await verdictOf(check(code, { revokedAge: undefined })), 'unchecked');
  t.is(await verdictOf(check(code)), 'valid');
});

for (const text of ['', 'HK2:', 'HK1:ABC', 'HK2:ABC', 'HK2:::::', 'hk2:ABC', `HK2:${'0'.repeat(9_999)}`]) {
  test(`"${text.slice(0, 12)}" (${text.length} letters) is unknown`, async (t) => {
    t.is(await verdictOf((await offlineWorld()).check(text)), 'unknown');
  });
}

test('bytes that were changed never verify', async (t) => {
  const { show, check } = await offlineWorld();
  const bytes = decodeBase45((await show()).slice(4))!;
  const mutation = fc.record({ at: fc.nat(bytes.length - 1), by: fc.integer({ min: 1, max: 255 }) });
  await fc.assert(
    fc.asyncProperty(fc.array(mutation, { minLength: 1, maxLength: 3 }), async (mutations) => {
      const changed = bytes.slice();
      for (const { at, by } of mutations) changed[at] = changed[at]! ^ by;
      fc.pre(changed.some((byte, i) => byte !== bytes[i]));
      t.is(await verdictOf(check(`HK2:${encodeBase45(changed)}`)), 'unknown');
    }),
    { numRuns: 400 },
  );
  for (let at = 0; at < bytes.length; at += 1) {
    const changed = bytes.slice();
    changed[at] = changed[at]! ^ (1 << (at % 8));
    t.is(await verdictOf(check(`HK2:${encodeBase45(changed)}`)), 'unknown', `byte ${at}`);
  }
});

test('letters that were changed, cut off or added never verify', async (t) => {
  const { show, check } = await offlineWorld();
  const code = await show();
  const letter = fc.constantFrom(...'0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:');
  await fc.assert(
    fc.asyncProperty(fc.nat(code.length - 1), letter, async (at, other) => {
      fc.pre(code[at] !== other);
      t.is(await verdictOf(check(code.slice(0, at) + other + code.slice(at + 1))), 'unknown');
      t.is(await verdictOf(check(code.slice(0, at))), 'unknown');
      t.is(await verdictOf(check(code + other)), 'unknown');
    }),
    { numRuns: 150 },
  );
});

test('no rubbish makes the verifier throw', async (t) => {
  const { check } = await offlineWorld();
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (rubbish) => {
      t.is(await verdictOf(check(`HK2:${encodeBase45(rubbish)}`)), 'unknown');
    }),
  );
});

test('a code fits a QR code that phones read from a screen', async (t) => {
  const { show } = await offlineWorld({ name: '欧阳***', exp: 4_000_000_000, status: 4_000_000_000 });
  const code = await show(AT, newNonce());
  // Version 13 with medium error correction holds 483 letters (ISO/IEC 18004, alphanumeric mode).
  t.true(code.length <= 483, String(code.length));
});

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
