import test from 'ava';
import fc from 'fast-check';
import { SignJWT } from 'jose';
import { decodeBase45, encodeBase45 } from '../../../src/health-code/wire/base45.js';
import { decodeCbor, encodeCbor, tagSign1 } from '../../../src/health-code/wire/cbor.js';
import {
  importPoint,
  newDeviceKey,
  readSign1,
  verifySign1,
  writeSign1,
} from '../../../src/health-code/wire/cose.js';
import { toBase64Url } from '../../../src/health-code/wire/jws.js';
import {
  isRevoked,
  LIST_SIZE,
  packStatusList,
  readStatusList,
} from '../../../src/health-code/wire/status-list.js';

const bytes = (text: string) => new TextEncoder().encode(text);

// RFC 9285 §4.3 and §4.4.
for (const [plain, coded] of [
  ['AB', 'BB8'],
  ['Hello!!', '%69 VD92EX0'],
  ['base-45', 'UJCLQE7W581'],
  ['ietf!', 'QED8WEX0'],
  ['', ''],
] as const) {
  test(`"${plain}" is "${coded}" in Base45, there and back`, (t) => {
    t.is(encodeBase45(bytes(plain)), coded);
    t.deepEqual(decodeBase45(coded), bytes(plain));
  });
}

for (const [what, text] of [
  ['a letter left over', 'BB8A'],
  ['one letter alone', 'A'],
  ['a group of three above 65535', 'GGW'],
  ['the largest group of three', ':::'],
  ['a group of two above 255', '::'],
  ['the smallest group of two above 255', 'V5'],
  ['a small letter', 'bb8'],
  ['a character outside the alphabet', 'B#8'],
  ['a line break', 'BB8\n'],
  ['a full-width letter', 'ＢB8'],
] as const) {
  test(`${what} is refused`, (t) => t.is(decodeBase45(text), undefined));
}

test('the largest groups are taken', (t) => {
  t.deepEqual(decodeBase45('FGW'), new Uint8Array([255, 255]));
  t.deepEqual(decodeBase45('U5'), new Uint8Array([255]));
});

test('any bytes come back, in characters of the alphanumeric mode only', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (given) => {
      const coded = encodeBase45(given);
      t.regex(coded, /^[0-9A-Z $%*+\-./:]*$/);
      t.deepEqual(decodeBase45(coded), new Uint8Array(given));
    }),
  );
  t.pass();
});

test('no two texts mean the same bytes', (t) => {
  fc.assert(
    fc.property(fc.stringMatching(/^[0-9A-Z $%*+\-./:]{0,12}$/), (text) => {
      const decoded = decodeBase45(text);
      if (decoded) t.is(encodeBase45(decoded), text);
    }),
  );
  t.pass();
});

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

async function signed({
  typ = 'statuslist+jwt',
  sub = 'https://p.example/health/status-lists/3',
  revoked = [1],
} = {}) {
  const pair = await newDeviceKey();
  const token = await new SignJWT({ status_list: await packStatusList(revoked) })
    .setProtectedHeader({ alg: 'ES256', typ, kid: 'one' })
    .setSubject(sub)
    .setIssuedAt(1_000)
    .sign(pair.privateKey);
  return { token, keys: new Map([['one', pair.publicKey]]) };
}

test('a status list comes back with exactly the places that were revoked', async (t) => {
  const revoked = [0, 7, 8, 4_711, LIST_SIZE - 1];
  const { token, keys } = await signed({ revoked });
  const list = (await readStatusList(token, keys))!;
  t.like(list, { list: 3, at: 1_000 });
  const first = 3 * LIST_SIZE;
  for (const place of revoked) t.true(isRevoked([list], first + place), String(place));
  for (const place of [1, 6, 9, 4_712, LIST_SIZE - 2])
    t.false(isRevoked([list], first + place), String(place));
  t.false(isRevoked([list], 0), 'another list’s places are not its business');
});

// "Test vectors for Status List encoding" of the draft: bits 1 0 0 1 1 1 0 1 1 1 0 0 0 1 0 1 are b9 a3.
test('bits lie as the draft lays them: the least significant of a byte first', async (t) => {
  const bits = [1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1];
  const { token, keys } = await signed({ revoked: bits.flatMap((bit, place) => (bit ? [place] : [])) });
  const list = (await readStatusList(token, keys))!;
  t.deepEqual([...list.bytes.slice(0, 2)], [0xb9, 0xa3]);
});

test('a list that is not the province’s, was changed, or is something else is not read', async (t) => {
  const { token, keys } = await signed();
  const other = (await newDeviceKey()).publicKey;
  t.is(await readStatusList(token, new Map([['one', other]])), undefined);
  t.is(await readStatusList(token, new Map()), undefined);
  const [head, , signature] = token.split('.');
  const body = toBase64Url(new TextEncoder().encode('{"sub":"x/status-lists/3","iat":1}'));
  t.is(await readStatusList(`${head}.${body}.${signature}`, keys), undefined);
  t.is(await readStatusList(`${token}.x`, keys), undefined);
  t.is(await readStatusList('rubbish', keys), undefined);
  const wrongType = await signed({ typ: 'JWT' });
  t.is(await readStatusList(wrongType.token, wrongType.keys), undefined);
  const noNumber = await signed({ sub: 'https://p.example/else' });
  t.is(await readStatusList(noNumber.token, noNumber.keys), undefined);
});
