import test from 'ava';
import fc from 'fast-check';
import { decodeBase45, encodeBase45 } from '../../../src/health-code/wire/base45.js';

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
