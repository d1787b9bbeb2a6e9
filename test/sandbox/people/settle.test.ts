import test from 'ava';
import { loadPeople } from '../../../sandbox/people/person.ts';
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
});
