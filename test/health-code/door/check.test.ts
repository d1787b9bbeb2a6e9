import test from 'ava';
import { recordGuardianship } from '../../../src/citizens/guardianship.ts';
import { activate, liveActivation } from '../../../src/health-code/activation.ts';
import { issuePaper, readPaper, revokePaper } from '../../../src/health-code/show/paper.ts';
import { cipher, NOW, residentIdOf } from '../../support/citizens.ts';
import { daysLater, givenDeclared, givenEvidence } from '../../support/health.ts';
import { type Door, givenVenue, openDoor } from '../../support/health-door.ts';

const secondsLater = (seconds: number) => new Date(NOW.getTime() + seconds * 1_000);
const scans = ({ db }: Door) =>
  db.query<{ kind: string; pseudonym: Buffer }>('select kind, pseudonym from health_scans order by id');

test('an online code is valid once, with the masked name and the last two digits', async (t) => {
  const door = await openDoor(t);
  const code = await door.online();
  t.deepEqual(await door.check(code), {
    verdict: 'valid',
    kind: 'online',
    colour: 'GREEN',
    name: '示**',
    lastTwo: door.holder.lastTwo,
  });
  t.like(await door.check(code), { verdict: 'shown_before', name: '示**' });
  t.is((await scans(door)).length, 1);
});

test('a door whose answer was lost asks the same question again and is answered; no other question is', async (t) => {
  const door = await openDoor(t, { max: 6 });
  const other = await givenVenue(door.db, '乙市体育馆');
  const code = await door.online();
  const request = 'a'.repeat(22);
  // The first may still be under way when the door has given up waiting for it.
  const answers = await Promise.all([1, 2, 3].map(() => door.check(code, { request })));
  t.deepEqual(
    answers.map(({ verdict }) => verdict),
    ['valid', 'valid', 'valid'],
  );
  t.deepEqual(await door.check(code, { request, now: secondsLater(20) }), answers[0]);
  t.is((await scans(door)).length, 1, 'one showing, one trace');
  for (const more of [
    {},
    { request: 'b'.repeat(22) },
    { request, venue: other },
    { request, now: secondsLater(21) },
  ]) {
    t.is((await door.check(code, more)).verdict, 'shown_before');
  }
  const next = await door.online();
  t.is((await door.check(next)).verdict, 'valid');
  t.is(
    (await door.check(next, { request })).verdict,
    'shown_before',
    'a name does not make a question the first',
  );
});

test('an online code is shown before for every other venue too', async (t) => {
  const door = await openDoor(t);
  const other = await givenVenue(door.db, '乙市体育馆');
  const code = await door.online();
  t.is((await door.check(code)).verdict, 'valid');
  t.is((await door.check(code, { venue: other })).verdict, 'shown_before');
});

test('a gate that asks takes no online code, and does not use it up', async (t) => {
  const door = await openDoor(t);
  const code = await door.online();
  t.deepEqual(await door.check(code, { nonce: '12345678' }), { verdict: 'wrong_nonce', kind: 'online' });
  t.is((await door.check(code)).verdict, 'valid');
});

test('an online code is expired after a minute', async (t) => {
  const door = await openDoor(t);
  t.like(await door.check(await door.online(), { now: secondsLater(60) }), { verdict: 'expired' });
  t.deepEqual(await scans(door), []);
});

test('an offline code is valid once at a venue; each of its gates counts as that venue', async (t) => {
  const door = await openDoor(t, { max: 10 });
  const show = await door.phone();
  const code = await show();
  const verdicts = await Promise.all(Array.from({ length: 10 }, () => door.check(code)));
  t.is(verdicts.filter(({ verdict }) => verdict === 'valid').length, 1);
  t.is(verdicts.filter(({ verdict }) => verdict === 'shown_before').length, 9);
  t.is((await door.check(await show(secondsLater(1)))).verdict, 'valid', 'the next showing');
});

test('an activation for a city of the province leaves codes as they are, old and new ones', async (t) => {
  const door = await openDoor(t);
  const before = await door.phone();
  const city = { legalBasis: '预案', region: '390100', approver1: 'a', approver2: 'b' };
  await activate(door.db, { ...city, from: NOW, to: daysLater(9_000) }, NOW);
  t.is((await liveActivation(door.db, NOW))?.region, '390100', 'it is the one in force');
  t.is((await door.check(await before())).verdict, 'valid');
  const after = await door.phone();
  t.is((await door.check(await after())).verdict, 'valid');
});

/** For codes of which each is checked once, and no code at all. */
let shared: Door;
test.before(async (t) => {
  shared = await openDoor(t);
});
test.after.always(() => shared?.db.close());

for (const [offset, verdict] of [
  [-61, 'expired'],
  [-60, 'valid'],
  [30, 'valid'],
  [31, 'early'],
] as const) {
  test(`an offline code made ${offset} s from now is ${verdict}`, async (t) => {
    const show = await shared.phone();
    t.is((await shared.check(await show(secondsLater(offset)))).verdict, verdict);
  });
}

test('a gate with a screen takes only the answer to its question', async (t) => {
  const door = await openDoor(t);
  const show = await door.phone();
  t.is((await door.check(await show(), { nonce: '12345678' })).verdict, 'wrong_nonce');
  t.is((await door.check(await show(NOW, '12345678'), { nonce: '12345678' })).verdict, 'valid');
  t.is((await door.check(await show(NOW, '12345678'), { nonce: '12345678' })).verdict, 'shown_before');
});

test('whatever the phone holds, the colour is that of now', async (t) => {
  const door = await openDoor(t);
  const [before, show] = [await door.online(), await door.phone()];
  await givenEvidence(door.db, door.holder.subject, { type: 'CLOSE_CONTACT', source: 'cdc', at: NOW });
  t.like(await door.check(await show()), { verdict: 'wrong_colour', colour: 'RED' }, 'decided at the door');
  t.is((await door.check(await show(secondsLater(1)))).verdict, 'withdrawn', 'and taken back from then on');
  t.like(await door.check(before), { verdict: 'wrong_colour', colour: 'RED' });
});

test('a paper code needs the document, and may be shown again', async (t) => {
  const door = await openDoor(t);
  const { citizenId } = door.holder;
  const id = await issuePaper(door.db, cipher, { citizenId, now: NOW });
  const { code } = (await readPaper(door.db, cipher, { citizenId, id, now: NOW }))!;
  const document = residentIdOf(1).slice(-4);
  t.deepEqual(await door.check(code), { verdict: 'document_missing', kind: 'paper' });
  t.deepEqual(await door.check(code, { document: '0000' }), { verdict: 'document_mismatch', kind: 'paper' });
  for (let i = 0; i < 2; i += 1) {
    const lower = document.toLowerCase();
    t.like(await door.check(code, { document: lower }), { verdict: 'valid', kind: 'paper', name: '示**' });
  }
  t.is((await door.check(code, { document, now: daysLater(90) })).verdict, 'expired');
  await revokePaper(door.db, { citizenId, id, now: NOW });
  t.deepEqual(await door.check(code, { document }), { verdict: 'withdrawn', kind: 'paper' });
});

test('what a guardian made or keeps on a phone is worthless once the guardianship ended by itself', async (t) => {
  const door = await openDoor(t);
  const { db, holder } = door;
  const { citizenId } = holder;
  const { citizenId: guardianId } = await givenDeclared(db, 2);
  const asked = { guardianId, dependantId: citizenId, kind: 'elder', reference: 'test', now: NOW } as const;
  await recordGuardianship(db, asked);
  const show = await door.phone(NOW, guardianId);
  const id = await issuePaper(db, cipher, { citizenId, issuedBy: guardianId, now: NOW });
  const own = await issuePaper(db, cipher, { citizenId, now: NOW });
  const printed = async (paper: string) =>
    (await readPaper(db, cipher, { citizenId, id: paper, now: NOW }))!.code;
  const [code, ownCode] = [await printed(id), await printed(own)];
  const document = residentIdOf(1).slice(-4);
  t.is((await door.check(await show())).verdict, 'valid');
  t.is((await door.check(code, { document })).verdict, 'valid');
  // As if it were a child's: nobody acts for somebody of full age.
  await db.query(`update guardianships set kind = 'child'`);
  const now = secondsLater(5);
  t.is((await door.check(await show(now), { now })).verdict, 'withdrawn');
  t.is((await door.check(code, { document })).verdict, 'withdrawn');
  t.is((await door.check(ownCode, { document })).verdict, 'valid');
});

test('document after document cannot be tried with a paper that was found', async (t) => {
  const door = await openDoor(t);
  const { citizenId } = door.holder;
  const id = await issuePaper(door.db, cipher, { citizenId, now: NOW });
  const { code } = (await readPaper(door.db, cipher, { citizenId, id, now: NOW }))!;
  for (let i = 0; i < 5; i += 1) await door.check(code, { document: `000${i}` });
  await t.throwsAsync(door.check(code, { document: residentIdOf(1).slice(-4) }), {
    message: 'too_many_attempts',
  });
});

test('a paper with the right document is checked as often as its holder comes by', async (t) => {
  const door = await openDoor(t);
  const { citizenId } = door.holder;
  const id = await issuePaper(door.db, cipher, { citizenId, now: NOW });
  const { code } = (await readPaper(door.db, cipher, { citizenId, id, now: NOW }))!;
  const document = residentIdOf(1).slice(-4);
  for (let i = 0; i < 7; i += 1) t.is((await door.check(code, { document })).verdict, 'valid');
});

for (const rubbish of [
  '',
  ' ',
  'HK',
  'HK1:',
  'HK2:',
  'HK3:',
  'https://example.org',
  'HK4:ABC',
  '好',
  'x'.repeat(5_000),
]) {
  test(`"${rubbish.slice(0, 20)}" (${rubbish.length} letters) is unknown`, async (t) => {
    t.is((await shared.check(rubbish)).verdict, 'unknown');
  });
}

test('without a rule set nothing is decided and no code is used up', async (t) => {
  const door = await openDoor(t);
  const code = await door.online();
  await door.db.query('update health_rule_sets set live_from = null');
  await t.throwsAsync(door.check(code), { message: 'health_unavailable' });
  await door.db.query('update health_rule_sets set live_from = $1', [NOW]);
  t.is((await door.check(code)).verdict, 'valid');
});

test('a visit leaves one name for one venue and one day, and nothing of the person', async (t) => {
  const door = await openDoor(t);
  const other = await givenVenue(door.db, '乙市体育馆');
  await door.check(await door.online());
  await door.check(await door.online());
  await door.check(await door.online(), { venue: other });
  await door.check(await door.online(daysLater(1)), { now: daysLater(1) });
  const [morning, again, elsewhere, tomorrow] = (await scans(door)).map((row) =>
    row.pseudonym.toString('hex'),
  );
  t.is(morning, again);
  t.is(new Set([morning, elsewhere, tomorrow]).size, 3);
  const [{ all } = { all: '' }] = await door.db.query<{ all: string }>(
    `select string_agg(s::text, ' ') as all from health_scans s`,
  );
  t.false(all.includes(door.holder.citizenId));
  t.deepEqual(
    await door.db.query('select 1 from access_log'),
    [],
    'no list of places in the access log either',
  );
});
