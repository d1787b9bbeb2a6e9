import test from 'ava';
import { officerCommand } from '../../../src/health-code/officers/command.ts';
import { officersWith, rolesOf } from '../../../src/health-code/officers/store.ts';
import { cipher, givenAccount, NOW, phoneOf } from '../../support/citizens.ts';
import { freshDatabase } from '../../support/database.ts';

test('an officer is named by user name, phone or ID number, once, and taken back at once', async (t) => {
  const db = await freshDatabase(t);
  const citizenId = await givenAccount(db, 1);
  const say = (...args: string[]) => officerCommand(db, cipher, args, NOW);
  const office = ['甲市卫生健康委员会', 'health'];
  t.is(await say('list'), 'Nobody is an officer.');
  t.is(await say('grant', 'person.1', 'health_officer', ...office), 'health_officer granted.');
  t.regex(await say('grant', phoneOf(1), 'health_officer', ...office), /already/);
  t.is(await say('grant', phoneOf(1), 'rule_signer', ...office), 'rule_signer granted.');
  t.regex(await say('list'), /health_officer.*甲市卫生健康委员会 \(health\)\nrule_signer/);
  t.is(await say('end', 'person.1', 'health_officer'), 'health_officer ended.');
  t.regex(await say('end', 'person.1', 'health_officer'), /is not/);
  t.deepEqual(
    (await rolesOf(db, citizenId)).map(({ role }) => role),
    ['rule_signer'],
  );
  t.is((await officersWith(db, 'rule_signer')).length, 1);
  const events = await db.query<{ type: string }>(
    `select type from audit_events where citizen_id = $1 and type like 'health.officer%' order by id`,
    [citizenId],
  );
  t.deepEqual(
    events.map(({ type }) => type),
    ['health.officer_granted', 'health.officer_granted', 'health.officer_ended'],
  );
});

for (const [what, args, words] of [
  ['without a verb', [], /npm run officers -- list/],
  ['with an unknown role', ['grant', 'person.1', 'king', '甲市', 'health'], /The role must be one of/],
  [
    'with an unknown type',
    ['grant', 'person.1', 'health_officer', '甲市', 'royal'],
    /type of the organisation/,
  ],
  [
    'without an organisation',
    ['grant', 'person.1', 'health_officer', ' ', 'health'],
    /Name the organisation/,
  ],
  [
    'for a role about health at the police',
    ['grant', 'person.1', 'health_officer', '甲市公安局', 'police'],
    /health_officer is only for organisations of type health/,
  ],
  ['for nobody', ['grant', 'nobody.here', 'health_officer', '甲市', 'health'], /Nobody with that identifier/],
] as const) {
  test(`the command ${what} says what is wrong`, async (t) => {
    const db = await freshDatabase(t);
    await givenAccount(db, 1);
    await t.throwsAsync(officerCommand(db, cipher, args, NOW), { message: words });
    t.deepEqual(await officersWith(db), []);
  });
}
