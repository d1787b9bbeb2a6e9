import test from 'ava';
import { ageAt } from '../../../src/citizens/age.ts';
import { type Draft, isFresh, nextStep, revise } from '../../../src/front-door/registration/draft.ts';
import { checkEntries, tooYoung } from '../../../src/front-door/registration/form.ts';
import { residentIdOf } from '../../support/citizens.ts';

const now = new Date('2026-11-23T02:00:00Z');
const rules = { now, extraProvinces: ['39'] };
const good = {
  name: ' 张 三 ',
  id_number: residentIdOf(1),
  phone: '+86 139 0000 0001',
  username: 'Zhang.San',
  password: 'paper lantern over the river',
};

test('entries come back in normal form, the document recognised by its number', (t) => {
  const checked = checkEntries({ ...good, document_type: 'resident_id' }, rules);
  t.deepEqual(checked.ok && checked.entries, {
    name: '张三',
    documentType: 'resident_id',
    idNumber: residentIdOf(1),
    birthDate: '1990-01-02',
    phone: '13900000001',
    username: 'zhang.san',
    password: good.password,
  });
  const permit = checkEntries({ ...good, id_number: '810000199408230021' }, rules);
  t.is(permit.ok && permit.entries.documentType, 'residence_permit');
});

for (const [field, value, key] of [
  ['name', '', 'name.empty'],
  ['name', '<b>', 'name.characters'],
  ['id_number', residentIdOf(1).slice(0, 17), 'document.length'],
  [
    'id_number',
    `${residentIdOf(1).slice(0, 17)}${residentIdOf(1).endsWith('1') ? '2' : '1'}`,
    'document.check_digit',
  ],
  ['phone', '12345', 'phone.length'],
  ['username', '13900000001', 'username.characters'],
  ['password', 'short', 'password.too_short'],
  ['password', '', 'password.empty'],
] as const) {
  test(`${field} “${value}” is refused with the sentence ${key}`, (t) => {
    const checked = checkEntries({ ...good, [field]: value }, rules);
    t.deepEqual(!checked.ok && checked.errors, { [field]: `frontDoor.entry.${key}` });
  });
}

test('every field is checked at once', (t) => {
  const checked = checkEntries({}, rules);
  t.deepEqual(!checked.ok && Object.keys(checked.errors).sort(), [
    'id_number',
    'name',
    'password',
    'phone',
    'username',
  ]);
});

test('a passport needs a date of birth that exists', (t) => {
  const passport = { ...good, document_type: 'passport', id_number: 'E12345678' };
  for (const [birth_date, key] of [
    ['', 'empty'],
    ['1990-02-30', 'wrong'],
    ['2027-01-01', 'wrong'],
  ] as const) {
    const checked = checkEntries({ ...passport, birth_date }, rules);
    t.deepEqual(!checked.ok && checked.errors, { birth_date: `frontDoor.entry.birthDate.${key}` });
    t.true(!checked.ok && checked.needsBirthDate);
  }
  t.true(checkEntries({ ...passport, birth_date: '1990-02-28' }, rules).ok);
});

for (const [birth, at, age] of [
  ['2012-11-23', '2026-11-22T15:59:59Z', 13],
  ['2012-11-23', '2026-11-22T16:00:00Z', 14],
  ['2012-02-29', '2026-02-28T15:59:59Z', 13],
  ['2012-02-29', '2026-02-28T16:00:00Z', 14],
] as const) {
  test(`somebody born on ${birth} is ${age} at ${at}, by Beijing's calendar`, (t) => {
    t.is(ageAt(birth, new Date(at)), age);
    t.is(tooYoung(birth, new Date(at)), age < 14);
  });
}

const confirmed = { reference: 'r', source: 'police', at: now.toISOString() } as const;
const draft: Draft = {
  name: '张三',
  documentType: 'resident_id',
  idNumber: residentIdOf(1),
  birthDate: '1990-01-02',
  phone: '13900000001',
  username: 'zhang.san',
  passwordHash: 'hash',
  phoneConfirmedAt: now.toISOString(),
  register: confirmed,
  carrier: { ...confirmed, source: 'carrier' },
};

test('the order is code, register, carrier, end', (t) => {
  t.is(nextStep({ ...draft, phoneConfirmedAt: undefined }), 'code');
  t.is(nextStep({ ...draft, register: undefined }), 'register');
  t.is(nextStep({ ...draft, carrier: undefined }), 'carrier');
  t.is(nextStep(draft), 'finish');
});

for (const [what, change, step, register, carrier] of [
  ['another name', { name: '张四' }, 'register', false, false],
  ['another number', { idNumber: residentIdOf(2) }, 'register', false, false],
  ['another phone', { phone: '13900000002' }, 'code', true, false],
  ['another user name', { username: 'other' }, 'finish', true, true],
  ['the same again', { ...draft, register: undefined, carrier: undefined }, 'register', false, false],
] as const) {
  test(`${what} keeps exactly what is still confirmed`, (t) => {
    const revised = revise(draft, change as Partial<Draft>);
    t.is(nextStep(revised), step);
    t.is(revised.register !== undefined, register);
    t.is(revised.carrier !== undefined, carrier);
  });
}

test('a code answered long ago is no login', (t) => {
  t.true(isFresh(draft, new Date(now.getTime() + 30 * 60_000)));
  t.false(isFresh(draft, new Date(now.getTime() + 30 * 60_000 + 1)));
});
