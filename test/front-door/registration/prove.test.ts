import test from 'ava';
import { accountLevel } from '../../../src/assurance/ladder.ts';
import { loadStanding } from '../../../src/assurance/standing.ts';
import { recordEvidence } from '../../../src/assurance/store.ts';
import { closeAccount } from '../../../src/citizens/account-state.ts';
import { findByIdentifier, readCitizen } from '../../../src/citizens/store.ts';
import { consentGiven, giveConsents } from '../../../src/consents/store.ts';
import { audited } from '../../support/audited.ts';
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
async function register(door: TestFrontDoor, jar: Jar, entries: Record<string, string>) {
  await submit(jar, '/register', entries);
  return submit(jar, '/register/code', { sms_code: await door.code(entries.phone!) });
}
const upToTheRegisters = (
  door: TestFrontDoor,
  jar: Jar,
  username: string,
  change: Record<string, string> = {},
) => register(door, jar, entriesOf(personNamed(username), change));

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

test('a check that was cancelled says so on a page that can be loaded again, and counts as no failure', async (t) => {
  const door = await startFrontDoor(t);
  const jar = door.jar();
  await upToTheRegisters(door, jar, 'yu_xinka');
  for (const _time of [1, 2]) {
    const page = await atAuthority(door, jar, 'alipay', 'cancel', '/register');
    t.regex(page.text, /您已取消“支付宝认证”/);
    t.notRegex(page.text, /没有通过|多次未通过/);
  }
  const sent = await jar.post('/register/prove', new URLSearchParams({ method: 'alipay' }));
  const pressed = await fetch(sent.location!, {
    method: 'POST',
    redirect: 'manual',
    body: new URLSearchParams({ action: 'cancel' }),
  });
  const back = pressed.headers.get('location')!;
  for (const _time of [1, 2]) t.true((await jar.get(back)).location?.endsWith('/register/prove'));
  t.regex((await jar.get('/register/prove')).text, /您已取消“支付宝认证”/);
  const reasons = `select distinct detail->>'reason' as reason from audit_events where type = 'registration.refused'
    and detail->>'reason' <> 'carrier_mismatch'`;
  t.deepEqual(await door.db.query(reasons), [{ reason: 'cancelled' }]);
  t.regex((await jar.get('/register/callback?state=old')).text, /href="\/register\/prove"/);
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

test('a passport is asked for the date of birth that its number does not tell', async (t) => {
  const door = await startFrontDoor(t);
  const jar = door.jar();
  const person = personNamed('john_smith');
  const asked = await submit(jar, '/register', entriesOf(person, { document_type: 'passport' }));
  t.is(asked.status, 422);
  t.regex(asked.text, /name="birth_date"/);
  const fields = entriesOf(person, { document_type: 'passport', birth_date: person.birth_date });
  t.regex((await register(door, jar, fields)).text, /注册成功/);
});

test('whose passport has the number of another country’s gets neither that account nor that record, but a way on', async (t) => {
  const door = await startFrontDoor(t);
  const john = personNamed('john_smith');
  const first = { ...john, name: 'MARIE EXEMPLE', username: 'marie_e', phone: '13939009999' };
  const citizenId = await givenAccountOf(door, first);
  const fields = entriesOf(john, { document_type: 'passport', birth_date: john.birth_date });
  const refused = async () => {
    const page = await register(door, door.jar(), fields);
    t.is(errorOf(page), 'document_shared');
    t.regex(page.text, /护照原件到就近的政务服务大厅/);
    t.regex(page.text, /button-primary/);
    const known = await readCitizen(door.db, cipher, citizenId);
    t.is(known?.name, first.name);
    t.is(await findByIdentifier(door.db, cipher, john.phone), undefined);
  };
  await refused();
  await door.db.transaction((tx) =>
    closeAccount(tx, ending, { citizenId, reason: 'requested', now: door.now() }),
  );
  door.advance(120);
  await refused();
  t.is((await audited(door.db, ['registration.refused'])).length, 2);
  door.advance(120);
  await door.db.query('delete from identifiers where citizen_id = $1', [citizenId]);
  t.regex((await register(door, door.jar(), fields)).text, /注册成功/, 'nothing else stood in the way');
});

test('a phone that the carrier gives to somebody else leaves the account that had it', async (t) => {
  const door = await startFrontDoor(t);
  const earlier = personNamed('deng_yutong');
  await register(door, door.jar(), entriesOf(earlier));
  const owner = await findByIdentifier(door.db, cipher, earlier.phone);
  const later = personNamed('xu_wenzhou');
  const carrier = { ...door.deps.carrier };
  door.deps.carrier.owner = async () => ({ outcome: 'match', reference: 'moved', source: 'carrier' });
  t.teardown(() => Object.assign(door.deps.carrier, carrier));
  door.advance(61);
  t.regex((await register(door, door.jar(), entriesOf(later, { phone: earlier.phone }))).text, /注册成功/);
  const now = await findByIdentifier(door.db, cipher, earlier.phone);
  t.not(now?.citizenId, owner?.citizenId);
  const facts = await loadStanding(door.db, { citizenId: owner!.citizenId });
  t.deepEqual(
    facts.evidence.map(({ method }) => method),
    ['register'],
  );
  t.deepEqual(await audited(door.db, ['evidence.ended', 'level.changed'], owner!.citizenId), [
    ['level.changed', { from: 'anonymous', to: 'basic' }],
    ['evidence.ended', { method: 'carrier', reason: 'new_owner' }],
    ['level.changed', { from: 'basic', to: 'anonymous' }],
  ]);
});

test('the carrier is asked again whose the phone is when the draft has waited', async (t) => {
  const door = await startFrontDoor(t);
  const person = personNamed('deng_yutong');
  const { username } = personNamed('xu_wenzhou');
  await givenAccountOf(door, personNamed('xu_wenzhou'));
  const jar = door.jar();
  await register(door, jar, entriesOf(person, { username }));
  t.is((await jar.get('/register/username')).status, 409);
  door.advance(11 * 60);
  door.world.outcomes(person.id_number, { carrier: 'other_owner' });
  const refused = await submit(jar, '/register/username', { username: 'deng_yutong_2' });
  t.is(errorOf(refused), 'phone_not_yours');
  t.is(await findByIdentifier(door.db, cipher, person.id_number), undefined);
});
