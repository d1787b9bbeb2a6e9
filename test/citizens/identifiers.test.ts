import test from 'ava';
import fc from 'fast-check';
import { residentCheckDigit } from '../../src/citizens/check-digits.ts';
import {
  type DocumentType,
  documentTypeOf,
  e164,
  parseBankCard,
  parseDocument,
  parseMobile,
  parseOrganisationCode,
  parseUscc,
} from '../../src/citizens/identifiers.ts';
import { parseName, parseUsername, sameName } from '../../src/citizens/names.ts';
import { type Holder, isSamePerson } from '../../src/citizens/same-person.ts';

const now = new Date('2026-11-23T00:00:00Z');
const rules = { now };
const verdict = (parsed: { ok: true; value: string } | { ok: false; reason: string }) =>
  parsed.ok ? parsed.value : parsed.reason;

const documents: [DocumentType, string, string][] = [
  ['resident_id', '11010519491231002X', '11010519491231002X'],
  ['resident_id', ' 110105 19491231 002x ', '11010519491231002X'],
  ['resident_id', '１１０１０５１９４９１２３１００２Ｘ', '11010519491231002X'],
  ['resident_id', '110101200002290018', '110101200002290018'],
  ['resident_id', '440308199901101512', '440308199901101512'],
  ['resident_id', '110105491231002', '11010519491231002X'],
  ['resident_id', '110101190002290011', 'date'],
  ['resident_id', '110105194912310021', 'check_digit'],
  ['resident_id', '11010519491231002', 'length'],
  ['resident_id', '1101051949123100X2', 'characters'],
  ['resident_id', '990105194912310020', 'province'],
  ['resident_id', '', 'empty'],
  ['resident_id', '810000199408230021', 'wrong_type'],
  ['resident_id', '911124198108030024', 'wrong_type'],
  ['resident_id', 'USA110077123456', 'wrong_type'],
  ['residence_permit', '810000199408230021', '810000199408230021'],
  ['residence_permit', '820000199408230023', '820000199408230023'],
  ['residence_permit', '830000199201300022', '830000199201300022'],
  ['residence_permit', '830000199201300023', 'check_digit'],
  ['residence_permit', '110101200002290018', 'wrong_type'],
  ['foreign_permanent_resident', '911124198108030024', '911124198108030024'],
  ['foreign_permanent_resident', 'usa110077123456', 'USA110077123456'],
  ['foreign_permanent_resident', '440308199901101512', 'wrong_type'],
  ['passport', 'e1234 5678', 'E12345678'],
  ['passport', 'ABCDEF', 'characters'],
  ['passport', 'E12', 'length'],
];

for (const [type, raw, expected] of documents) {
  test(`${type} “${raw}” gives ${expected}`, (t) => {
    t.is(verdict(parseDocument(type, raw, rules)), expected);
  });
}

const residentId = (province: string, date: string, serial: string) => {
  const body = `${province}0100${date.replaceAll('-', '')}${serial}`;
  return body + residentCheckDigit(body);
};

test('a resident ID tells date of birth and sex', (t) => {
  t.like(parseDocument('resident_id', '11010519491231002X', rules), {
    birthDate: '1949-12-31',
    sex: 'female',
  });
  t.like(parseDocument('resident_id', '440308199901101512', rules), { birthDate: '1999-01-10', sex: 'male' });
});

test('province 39 is known only where it is added', (t) => {
  const id = residentId('39', '1990-01-02', '123');
  t.is(verdict(parseDocument('resident_id', id, rules)), 'province');
  t.is(verdict(parseDocument('resident_id', id, { now, extraProvinces: ['39'] })), id);
});

test('a county that was abolished is accepted', (t) => {
  const body = '11999919900102123';
  t.true(parseDocument('resident_id', body + residentCheckDigit(body), rules).ok);
});

test('somebody born today in Beijing is born, somebody born tomorrow is not', (t) => {
  const evening = { now: new Date('2026-11-22T16:00:00Z') };
  t.true(parseDocument('resident_id', residentId('11', '2026-11-23', '123'), evening).ok);
  t.is(verdict(parseDocument('resident_id', residentId('11', '2026-11-24', '123'), evening)), 'date');
});

test('the old numbers of centenarians belong to the nineteenth century', (t) => {
  t.like(parseDocument('resident_id', '110105991231996', rules), { birthDate: '1899-12-31' });
  t.like(parseDocument('resident_id', '110105491231995', rules), { birthDate: '1949-12-31' });
});

test('any one digit changed makes a resident ID invalid', (t) => {
  const date = fc.date({ min: new Date('1900-01-01'), max: new Date('2020-12-31'), noInvalidDate: true });
  fc.assert(
    fc.property(date, fc.integer({ min: 0, max: 999 }), fc.nat(17), fc.nat(9), (birth, serial, at, digit) => {
      const id = residentId('44', birth.toISOString().slice(0, 10), String(serial).padStart(3, '0'));
      const changed = id.slice(0, at) + digit + id.slice(at + 1);
      return (
        parseDocument('resident_id', id, rules).ok &&
        parseDocument('resident_id', changed, rules).ok === (changed === id)
      );
    }),
  );
  t.pass();
});

test('nothing that is typed makes a parser throw', (t) => {
  const parsers = [parseMobile, parseUscc, parseOrganisationCode, parseBankCard, documentTypeOf];
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (raw) => {
      for (const parser of parsers) parser(raw);
      for (const [type] of documents) parseDocument(type, raw, rules);
    }),
  );
  t.pass();
});

test('the type of a document is told by its shape', (t) => {
  t.is(documentTypeOf('11010519491231002x'), 'resident_id');
  t.is(documentTypeOf('110105491231002'), 'resident_id');
  t.is(documentTypeOf('810000199408230021'), 'residence_permit');
  t.is(documentTypeOf('911124198108030024'), 'foreign_permanent_resident');
  t.is(documentTypeOf('USA110077123456'), 'foreign_permanent_resident');
  t.is(documentTypeOf('E12345678'), 'passport');
  t.is(documentTypeOf('张三'), undefined);
});

const mobiles: [string, string][] = [
  ['13900000001', '13900000001'],
  ['+86 139-0000-0001', '13900000001'],
  ['0086 13900000001', '13900000001'],
  ['8613900000001', '13900000001'],
  ['１３９００００００１１', '13900000011'],
  ['19200000001', '19200000001'],
  ['16700000001', '16700000001'],
  ['12900000001', 'characters'],
  ['1390000000', 'length'],
  ['+852 9123 4567', '+85291234567'],
  ['+86 1390000', 'length'],
  ['+1 22', 'length'],
  ['phone', 'characters'],
  ['', 'empty'],
];

for (const [raw, expected] of mobiles) {
  test(`mobile “${raw}” gives ${expected}`, (t) => {
    t.is(verdict(parseMobile(raw)), expected);
  });
}

test('a claim carries a phone number in E.164', (t) => {
  t.is(e164('13900000001'), '+8613900000001');
  t.is(e164('+85291234567'), '+85291234567');
});

test('unified social credit codes are checked exactly', (t) => {
  for (const code of ['91350100M000100Y43', '91330100799655058B', '9144030071526726XG']) {
    t.is(verdict(parseUscc(code.toLowerCase())), code);
  }
  for (const code of ['91350100M000100Y4Z', '91350100M000100Y4I'])
    t.is(verdict(parseUscc(code)), 'characters');
  t.is(verdict(parseUscc('91350100M000100Y44')), 'check_digit');
});

test('a wrong check character is a warning once the register confirms the code', (t) => {
  for (const code of ['91350211M0000XUF46', '91350100M0001TGQXM']) {
    t.is(verdict(parseUscc(code)), 'check_digit');
    t.deepEqual(parseUscc(code, { confirmedByRegister: true }), {
      ok: true,
      value: code,
      warning: 'check_digit',
    });
  }
});

test('organisation codes and bank cards are checked by their last digit', (t) => {
  t.is(verdict(parseOrganisationCode('79965505-8')), '799655058');
  t.is(verdict(parseOrganisationCode('799655059')), 'check_digit');
  t.is(verdict(parseBankCard('6228 4804 0256 4890 018')), '6228480402564890018');
  t.is(verdict(parseBankCard('6228480402564890019')), 'check_digit');
  t.is(verdict(parseBankCard('622848')), 'length');
});

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

const smith: Holder = { documentType: 'passport', name: 'John Smith', birthDate: '1979-02-14' };
const zhang: Holder = { documentType: 'resident_id', name: '张三', birthDate: '1990-01-02' };
const { birthDate: _, ...unborn } = smith;

for (const [what, one, other, same] of [
  ['a passport again, in capitals', smith, { ...smith, name: 'JOHN  SMITH' }, true],
  ['a passport whose holder’s birthday is not known', unborn, smith, true],
  ['a passport with another name', smith, { ...smith, name: 'Juan Herrero' }, false],
  ['a passport with another birthday', smith, { ...smith, birthDate: '1979-02-15' }, false],
  ['a passport numbered like an ID card', { ...zhang, documentType: 'passport' }, zhang, false],
  ['an ID card after a change of name', zhang, { ...zhang, name: '张三丰' }, true],
] as const) {
  test(`${what}: ${same ? 'the same person' : 'somebody else'}`, (t) => {
    t.is(isSamePerson(one, other), same);
    t.is(isSamePerson(other, one), same);
  });
}
