import test from 'ava';
import { decodeCbor, encodeCbor, tagSign1 } from '../../../src/health-code/wire/cbor.js';
import {
  importPoint,
  newDeviceKey,
  readSign1,
  verifySign1,
  writeSign1,
} from '../../../src/health-code/wire/cose.js';

const hex = (text: string) => new Uint8Array(Buffer.from(text, 'hex'));

test('the signature of RFC 9052 appendix C.2.1 verifies', async (t) => {
  const key = await importPoint({
    x: hex('bac5b11cad8f99f9c72b05cf4b9e26d244dc189f745228255a219a86d6a09eff'),
    y: hex('20138bf82dc1b6d562be0fa54ab7804a3a64b6d72ccfed6b6fb6ed28bbfc117e'),
  });
  const payload = new TextEncoder().encode('This is the content.');
  const signature = hex(
    '8eb33e4ca31d1c465ab05aac34cc6b23d58fef5c083106c4d25a91aef0b0117e2af9a291aa32e14ab834dc56ed2a223444547e01f11d3b0916e5a4c345cacb36',
  );
  const sign1 = readSign1(encodeCbor(tagSign1([hex('a10126'), new Map(), payload, signature])));
  t.true(await verifySign1(sign1!, key!));
});

test('what one key signed is read, and verifies with that key only', async (t) => {
  const [mine, other] = [await newDeviceKey(), await newDeviceKey()];
  const kid = new Uint8Array(8).fill(7);
  const written = await writeSign1(new Uint8Array([1, 2, 3]), mine.privateKey, kid);
  const sign1 = readSign1(written)!;
  t.deepEqual([sign1.kid, sign1.payload], [kid, new Uint8Array([1, 2, 3])]);
  t.true(await verifySign1(sign1, mine.publicKey));
  t.false(await verifySign1(sign1, other.publicKey));
});

const head = encodeCbor(new Map([[1, -7]]));
const payload = new Uint8Array([1]);
const signature = new Uint8Array(64);
for (const [what, value] of [
  ['no tag', [head, new Map(), payload, signature]],
  ['something unsigned beside the signature', tagSign1([head, new Map([[4, payload]]), payload, signature])],
  ['another algorithm', tagSign1([encodeCbor(new Map([[1, -37]])), new Map(), payload, signature])],
  ['no algorithm', tagSign1([encodeCbor(new Map()), new Map(), payload, signature])],
  [
    'a header that we do not know',
    tagSign1([
      encodeCbor(
        new Map([
          [1, -7],
          [2, 1],
        ]),
      ),
      new Map(),
      payload,
      signature,
    ]),
  ],
  ['a detached payload', tagSign1([head, new Map(), null, signature])],
  ['a short signature', tagSign1([head, new Map(), payload, signature.slice(1)])],
  ['a fifth part', tagSign1([head, new Map(), payload, signature, payload])],
] as const) {
  test(`a signed message with ${what} is not read`, (t) => t.is(readSign1(encodeCbor(value)), undefined));
}

for (const [what, bytes] of [
  ['a number that is longer than it must be', '1817'.replace('17', '05')],
  ['an array without its length', '9f01ff'],
  ['a map whose keys are not in order', 'a2020101f5'],
  ['a key twice', 'a201010102'],
  ['something after the end', '0101'],
  ['nothing', ''],
  ['an end in the middle', '8201'],
] as const) {
  test(`CBOR with ${what} is not read`, (t) => t.is(decodeCbor(hex(bytes)), undefined));
}

test('a point beside the curve is no key', async (t) => {
  t.is(await importPoint({ x: new Uint8Array(32).fill(1), y: new Uint8Array(32).fill(1) }), undefined);
});
