import { readFileSync } from 'node:fs';
import test from 'ava';
import { z } from 'zod';
import { makePeople } from '../../../sandbox/people/make.ts';
import {
  checkPeople,
  loadPeople,
  type Outcomes,
  outcomesSchema,
  PEOPLE_FILE,
} from '../../../sandbox/people/person.ts';
import { settlePeople } from '../../../sandbox/people/settle.ts';
import { accountLevel } from '../../../src/assurance/ladder.ts';
import { readEvidence } from '../../../src/assurance/store.ts';
import {
  documentTypeOf,
  parseBankCard,
  parseDocument,
  parseMobile,
} from '../../../src/citizens/identifiers.ts';
import { parseName, parseUsername } from '../../../src/citizens/names.ts';
import { acceptable, verifyPassword } from '../../../src/citizens/password.ts';
import { findByIdentifier } from '../../../src/citizens/store.ts';
import { cipher, NOW } from '../../support/citizens.ts';
import { freshDatabase } from '../../support/database.ts';

const people = loadPeople();

test('the people file is what its maker makes', (t) => {
  t.deepEqual(JSON.parse(readFileSync(PEOPLE_FILE, 'utf8')), makePeople());
});

test('there are at least 36 people, and two registered ones with a fixed code at every level', (t) => {
  t.true(people.length >= 36);
  for (const level of ['anonymous', 'basic', 'intermediate', 'advanced']) {
    const registered = people.filter((person) => person.level === level && person.fixed_code);
    t.true(registered.length >= 2, level);
    t.true(
      registered.filter((person) => Object.keys(person.outcomes).length === 0).length >= 2,
      `${level}: two for whom everything works`,
    );
  }
});

test('every resident ID number has a right check digit, its date of birth, and the unassigned province', (t) => {
  const weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
  const numbers = people.flatMap((person) => [
    person,
    ...(person.outcomes.renumbered_to ? [{ ...person, id_number: person.outcomes.renumbered_to }] : []),
  ]);
  for (const { document_type, id_number, birth_date } of numbers) {
    if (document_type === 'passport') continue;
    const sum = weights.reduce((total, weight, i) => total + weight * Number(id_number[i]), 0);
    t.is(id_number[17], '10X98765432'[sum % 11], id_number);
    t.is(id_number.slice(6, 14), birth_date.replaceAll('-', ''));
    if (document_type === 'resident_id') t.regex(id_number, /^390[12]00/);
  }
});

test('every bank card has a right Luhn digit', (t) => {
  for (const { cards } of people) {
    const sum = [...(cards.bank_card ?? '')].reverse().reduce((total, digit, i) => {
      const value = Number(digit) * (i % 2 === 1 ? 2 : 1);
      return total + (value > 9 ? value - 9 : value);
    }, 0);
    t.is(sum % 10, 0);
  }
});

test('everything that the schema lets an authority do belongs to a person', (t) => {
  for (const [who, schema] of Object.entries(outcomesSchema.shape)) {
    const shown = people.map(({ outcomes }) => outcomes[who as keyof Outcomes]);
    const kind: z.ZodType = schema.unwrap();
    const any = shown.some((what) => what !== undefined);
    const missing =
      kind instanceof z.ZodEnum ? kind.options.filter((what) => !shown.some((one) => one === what)) : [];
    t.true(any, who);
    t.deepEqual(missing, [], who);
  }
});

test('two people with one phone are refused, by name', (t) => {
  const [first, second] = people;
  const error = t.throws(() => checkPeople([first, { ...second, phone: first!.phone }]));
  t.regex(error.message, new RegExp(`${first!.username} and ${second!.username} share ${first!.phone}`));
});

test('an unknown outcome is refused with its place', (t) => {
  const error = t.throws(() => checkPeople([{ ...people[0], outcomes: { face: 'maybe' } }]));
  t.regex(error.message, /outcomes\.face/);
});

const registered = people.filter(({ level }) => level !== null);

test('the platform accepts everything about everybody, once it knows province 39', (t) => {
  for (const person of people) {
    const { document_type: type, id_number: idNumber, name, username, phone, password, cards } = person;
    const rules = { extraProvinces: ['39'], now: NOW };
    t.true(parseDocument(type, idNumber, rules).ok, username);
    t.is(documentTypeOf(idNumber), type, username);
    for (const each of [phone, ...(person.other_phones ?? [])]) t.true(parseMobile(each).ok, each);
    t.true(parseName(name).ok, name);
    t.true(parseUsername(username).ok, username);
    if (cards.bank_card) t.true(parseBankCard(cards.bank_card).ok);
    if (password) t.is(acceptable(password, { username, phone, idNumber, name }), undefined);
  }
});

test('registered people have accounts at their level, and the others none', async (t) => {
  const db = await freshDatabase(t);
  t.is(await settlePeople(db, cipher, people, NOW), registered.length);
  for (const person of people) {
    const found = await findByIdentifier(db, cipher, person.username);
    t.is(found?.state, person.level === null ? undefined : 'active', person.username);
    if (!found) continue;
    const evidence = await readEvidence(db, found.citizenId);
    t.true(accountLevel(evidence, NOW).level === person.level, person.username);
  }
  const [somebody] = registered;
  const found = await findByIdentifier(db, cipher, somebody!.phone);
  t.true(Boolean(await verifyPassword(db, found?.citizenId, somebody!.password ?? '')));
});

test('a second start makes nothing and changes nothing', async (t) => {
  const db = await freshDatabase(t);
  await settlePeople(db, cipher, registered.slice(0, 3), NOW);
  const accounts = () => db.query<{ citizen_id: string }>('select * from accounts order by citizen_id');
  const before = await accounts();
  t.is(await settlePeople(db, cipher, registered.slice(0, 4), NOW), 1);
  const ids = before.map(({ citizen_id }) => citizen_id);
  t.deepEqual(
    (await accounts()).filter(({ citizen_id }) => ids.includes(citizen_id)),
    before,
  );
  const corrected = people.find(({ outcomes }) => outcomes.renumbered_to)!.outcomes.renumbered_to!;
  const [renumbered] = registered.map((person) => ({ ...person, id_number: corrected }));
  t.is(await settlePeople(db, cipher, [renumbered!], NOW), 0, 'whose number the register has corrected');
});
