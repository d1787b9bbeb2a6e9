import { randomBytes } from 'node:crypto';
import test from 'ava';
import fc from 'fast-check';
import { createCipher } from '../../src/platform/field-encryption.ts';

const [first, second, indexKey] = [randomBytes(32), randomBytes(32), randomBytes(32)];
const cipher = createCipher({ current: 'k1', keys: { k1: first }, indexKey });

test('what is sealed under a person’s key is what comes out', (t) => {
  const person = cipher.open(cipher.newPersonKey('a').wrapped, 'a');
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme' }),
      (text) => person.unseal('name', person.seal('name', text)) === text,
    ),
  );
  t.pass();
});

test('a value moved to another column, person or row is refused', (t) => {
  const { wrapped } = cipher.newPersonKey('a');
  const person = cipher.open(wrapped, 'a');
  const sealed = person.seal('name', '张三');
  t.throws(() => person.unseal('phone', sealed));
  t.throws(() => cipher.open(wrapped, 'b'));
  t.throws(() => cipher.open(cipher.newPersonKey('a').wrapped, 'a').unseal('name', sealed));
  const shared = cipher.sealShared('outbox', '1', 'text');
  t.is(cipher.unsealShared('outbox', '1', shared), 'text');
  t.throws(() => cipher.unsealShared('outbox', '2', shared));
  t.throws(() => cipher.unsealShared('draft', '1', shared));
});

test('a purpose cannot be made to look like purpose and owner together', (t) => {
  const sealed = cipher.sealShared('a","b', 'c', 'text');
  t.throws(() => cipher.unsealShared('a', 'b","c', sealed));
});

test('any changed byte is noticed', (t) => {
  const person = cipher.open(cipher.newPersonKey('a').wrapped, 'a');
  const sealed = person.seal('name', '张三');
  for (let i = 0; i < sealed.length; i++) {
    const changed = Buffer.from(sealed);
    changed[i] = (changed[i] ?? 0) ^ 1;
    t.throws(() => person.unseal('name', changed));
  }
});

test('after a rotation old values open, new ones use the new key, and rewrapping frees the old', (t) => {
  const { wrapped } = cipher.newPersonKey('a');
  const sealed = cipher.open(wrapped, 'a').seal('name', '张三');
  const shared = cipher.sealShared('outbox', '1', 'text');

  const both = createCipher({ current: 'k2', keys: { k1: first, k2: second }, indexKey });
  t.is(both.open(wrapped, 'a').unseal('name', sealed), '张三');
  t.is(both.unsealShared('outbox', '1', shared), 'text');
  const rewrapped = both.rewrap(wrapped, 'a');
  t.truthy(rewrapped);
  t.is(both.rewrap(rewrapped!, 'a'), undefined);

  const later = createCipher({ current: 'k2', keys: { k2: second }, indexKey });
  t.is(later.open(rewrapped!, 'a').unseal('name', sealed), '张三');
  t.throws(() => later.open(wrapped, 'a'), { message: /master key k1 is needed/ });
});

test('a blind index finds equal values of one kind only', (t) => {
  t.deepEqual(cipher.blindIndex('phone', '13900000001'), cipher.blindIndex('phone', '13900000001'));
  t.notDeepEqual(cipher.blindIndex('phone', '13900000001'), cipher.blindIndex('username', '13900000001'));
  t.notDeepEqual(cipher.blindIndex('phone', '13900000001'), cipher.blindIndex('phone', '13900000002'));
});

test('keys that cannot be used are refused at once', (t) => {
  t.throws(() => createCipher({ current: 'k1', keys: { k1: Buffer.alloc(16) }, indexKey }), {
    message: /32 bytes/,
  });
  t.throws(() => createCipher({ current: 'k9', keys: { k1: first }, indexKey }), { message: /k9/ });
});
