import test from 'ava';
import fc from 'fast-check';
import { parseName, parseUsername, sameName } from '../../src/citizens/names.ts';

const verdict = (parsed: { ok: true; value: string } | { ok: false; reason: string }) =>
  parsed.ok ? parsed.value : parsed.reason;

const names: [string, string][] = [
  ['张三', '张三'],
  [' 张　三 ', '张三'],
  ['买买提•艾力', '买买提·艾力'],
  ['买买提．艾力', '买买提·艾力'],
  ['买买提 ・ 艾力', '买买提·艾力'],
  ['高〇', '高〇'],
  ['𠮷田', '𠮷田'],
  ['Ｊｏｈｎ   Smith', 'John Smith'],
  ['O’Neil Anne‐Marie', "O'Neil Anne-Marie"],
  ['张\u200b三', '张三'],
  ['', 'empty'],
  ['\u200b', 'empty'],
  ['张3', 'characters'],
  ['·张', 'characters'],
  ['<script>', 'characters'],
  ['张'.repeat(100), '张'.repeat(100)],
  ['张'.repeat(101), 'too_long'],
  ['𠮷'.repeat(100), '𠮷'.repeat(100)],
];

for (const [raw, expected] of names) {
  test(`name “${raw.slice(0, 20)}” gives ${expected.slice(0, 20)}`, (t) => {
    t.is(verdict(parseName(raw)), expected);
  });
}

test('a name that was normalised stays as it is', (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (raw) => {
      const once = parseName(raw);
      if (!once.ok) return true;
      const twice = parseName(once.value);
      return twice.ok && twice.value === once.value;
    }),
  );
  t.pass();
});

test('names are one whatever dot, space or letter case they are written with', (t) => {
  t.true(sameName('买买提·艾力', '买买提•艾力'));
  t.true(sameName('JOHN SMITH', 'John  Smith'));
  t.false(sameName('张三', '张四'));
  t.false(sameName('', ''));
});

const usernames: [string, string][] = [
  ['ZhangSan', 'zhangsan'],
  ['张三丰李四', '张三丰李四'],
  ['zhang.san_2024', 'zhang.san_2024'],
  ['abc', 'too_short'],
  ['a'.repeat(33), 'too_long'],
  ['13900000001', 'characters'],
  ['zhang san', 'characters'],
  ['е12345', 'characters'],
  ['e12345678', 'like_document'],
  ['usa110077123456', 'like_document'],
  ['Admin', 'reserved'],
  ['', 'empty'],
];

for (const [raw, expected] of usernames) {
  test(`user name “${raw}” gives ${expected}`, (t) => {
    t.is(verdict(parseUsername(raw)), expected);
  });
}
