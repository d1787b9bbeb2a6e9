import test from 'ava';
import { accountLevel } from '../../../src/assurance/ladder.ts';
import { loadStanding } from '../../../src/assurance/standing.ts';
import { recordEvidence } from '../../../src/assurance/store.ts';
import { closeAccount } from '../../../src/citizens/account-state.ts';
import { findByIdentifier } from '../../../src/citizens/store.ts';
import { consentGiven, giveConsents } from '../../../src/consents/store.ts';
import { cipher, ending } from '../../support/citizens.ts';
import {
  entriesOf,
  errorOf,
  givenAccountOf,
  personNamed,
  startFrontDoor,
  submit,
  type TestFrontDoor,
} from '../../support/front-door.ts';
import type { Jar } from '../../support/http-client.ts';
import { atAuthority, officerDecides } from '../../support/recovery.ts';

/** The registration up to the answer of the registers. */
async function upToTheRegisters(
  door: TestFrontDoor,
  jar: Jar,
  username: string,
  change: Record<string, string> = {},
) {
  const person = personNamed(username);
  const entries = entriesOf(person, change);
  await submit(jar, '/register', entries);
  return submit(jar, '/register/code', { sms_code: await door.code(entries.phone!) });
}

const levelOf = async (door: TestFrontDoor, citizenId: string) =>
  accountLevel((await loadStanding(door.db, { citizenId })).evidence, door.now()).level;

for (const how of ['officer', 'counter'] as const) {
  test(`whose phone is in another name is vouched for by ${how === 'officer' ? 'a video officer' : 'a counter'}, and has an account at basic`, async (t) => {
    const door = await startFrontDoor(t);
    const jar = door.jar();
    const person = personNamed('ding_guiying');
    const stopped = await upToTheRegisters(door, jar, 'ding_guiying');
    t.is(errorOf(stopped), 'phone_not_yours');
    t.regex(stopped.text, /href="\/register\/prove"/);
    const ways = await jar.get('/register/prove');
    t.regex(ways.text, /value="officer"[\s\S]*value="counter"/);
    t.notRegex(ways.text, /value="(face|bank_card)"/, 'only who sees documents can vouch');

    t.regex((await atAuthority(door, jar, how, 'later', '/register')).text, /我已完成/);
    await officerDecides(door, person, 'accept');
    const done = await submit(jar, '/register/waiting', { action: 'continue' });
    t.regex(done.text, /注册成功/);
    const { citizenId } = (await findByIdentifier(door.db, cipher, person.phone))!;
    const { evidence } = await loadStanding(door.db, { citizenId });
    t.deepEqual(evidence.map(({ method }) => method).sort(), ['in_person', 'register']);
    t.is(await levelOf(door, citizenId), 'basic');
    t.deepEqual(door.errors, []);
  });
}

test('an officer who refuses leaves no account, and everything that was typed', async (t) => {
  const door = await startFrontDoor(t);
  const jar = door.jar();
  const person = personNamed('ding_guiying');
  await upToTheRegisters(door, jar, 'ding_guiying');
  await atAuthority(door, jar, 'counter', 'later', '/register');
  await officerDecides(door, person, 'refuse');
  const refused = await submit(jar, '/register/waiting', { action: 'continue' });
  t.is(refused.status, 422);
  t.regex(refused.text, /value="officer"/);
  t.is(await findByIdentifier(door.db, cipher, person.id_number), undefined);
});

test('an officer’s word takes no phone from anybody', async (t) => {
  const door = await startFrontDoor(t);
  const daughter = personNamed('deng_yutong');
  const citizenId = await givenAccountOf(door, daughter);
  const jar = door.jar();
  await upToTheRegisters(door, jar, 'ding_guiying', { phone: daughter.phone });
  await atAuthority(door, jar, 'counter', 'later', '/register');
  await officerDecides(door, personNamed('ding_guiying'), 'accept');
  t.is(errorOf(await submit(jar, '/register/waiting', { action: 'continue' })), 'phone_already_registered');
  t.is((await findByIdentifier(door.db, cipher, daughter.phone))?.citizenId, citizenId);
});

test('the carrier’s refusal cannot be passed by going to the next page, nor by another browser', async (t) => {
  const door = await startFrontDoor(t);
  const jar = door.jar();
  await upToTheRegisters(door, jar, 'ding_guiying');
  t.is(errorOf(await submit(jar, '/register/check', { action: 'continue' })), 'phone_not_yours');
  const { location = '' } = await jar.post('/register/prove', new URLSearchParams({ method: 'counter' }));
  t.true(location.startsWith(door.world.url));
  await officerDecides(door, personNamed('ding_guiying'), 'accept');
  t.regex((await door.jar().get('/register/callback?state=guessed')).text, /请回到开始办理的地方/);
  t.is(await findByIdentifier(door.db, cipher, personNamed('ding_guiying').id_number), undefined);
});

test('with a SIM changed yesterday another proof is asked for, and then the account is there', async (t) => {
  const door = await startFrontDoor(t);
  const jar = door.jar();
  const person = personNamed('yu_xinka');
  const page = await upToTheRegisters(door, jar, 'yu_xinka');
  t.regex(page.text, /还需要一种核验[\s\S]*72 小时/);
  t.is(await findByIdentifier(door.db, cipher, person.id_number), undefined);
  const form = { method: 'bank_card', card_number: person.cards.bank_card!, phone: person.phone };
  t.regex((await submit(jar, '/register/prove', form)).text, /注册成功/);
});

test('a child with a passport is not older for typing another birthday', async (t) => {
  const door = await startFrontDoor(t);
  const adult = personNamed('john_smith');
  const jar = door.jar();
  const change = { document_type: 'passport', birth_date: '2001-01-01' };
  t.is(errorOf(await upToTheRegisters(door, jar, 'john_smith', change)), 'identity_mismatch');
  const right = { ...change, birth_date: adult.birth_date };
  door.advance(120);
  t.regex((await upToTheRegisters(door, door.jar(), 'john_smith', right)).text, /注册成功/);
});

test('who closed an account and registers again begins at basic, and has agreed to nothing', async (t) => {
  const door = await startFrontDoor(t);
  const { db } = door;
  const person = personNamed('deng_yutong');
  const citizenId = await givenAccountOf(door, person);
  for (const method of ['register', 'carrier', 'face'] as const) {
    const source = method === 'register' ? 'police' : method;
    await recordEvidence(db, { citizenId, method, source, transactionId: 'before', at: door.now() });
  }
  const consent = {
    citizenId,
    clientId: 'city-a',
    claimSets: [{ id: 'profile' as const, claims: ['name'], separate: false }],
  };
  await giveConsents(db, { ...consent, now: door.now() });
  t.is(await levelOf(door, citizenId), 'intermediate');
  await db.transaction((tx) => closeAccount(tx, ending, { citizenId, reason: 'requested', now: door.now() }));
  t.regex((await upToTheRegisters(door, door.jar(), 'deng_yutong')).text, /注册成功/);
  t.is((await findByIdentifier(db, cipher, person.phone))?.citizenId, citizenId);
  t.is(await levelOf(door, citizenId), 'basic');
  t.false(await consentGiven(db, consent));
});
