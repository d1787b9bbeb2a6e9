import test from 'ava';
import { accountsCommand } from '../../src/citizens/accounts-command.ts';
import { audited } from '../support/audited.ts';
import { ending, givenAccount, NOW, phoneOf } from '../support/citizens.ts';
import { freshDatabase } from '../support/database.ts';

test('an account is locked and unlocked by its user name, and the log says so', async (t) => {
  const db = await freshDatabase(t);
  const citizenId = await givenAccount(db, 1);
  const say = (...args: string[]) => accountsCommand(db, ending, args, NOW);
  t.regex(await say('show', 'person.1'), /^active since /);
  t.is(await say('unlock', 'person.1'), 'It was not locked.');
  t.is(await say('lock', 'person.1'), 'Locked. All logins were ended.');
  t.is(await say('lock', 'person.1'), 'It was not active.');
  t.regex(await say('show', 'person.1'), /^locked \(administrator\) since /);
  t.is(await say('unlock', 'person.1'), 'Unlocked.');
  t.regex(await say('show', 'person.1'), /^active since /);
  t.deepEqual(await audited(db, ['account.locked', 'account.unlocked'], citizenId), [
    ['account.locked', { reason: 'administrator' }],
    ['account.unlocked', { reason: 'administrator' }],
  ]);
  const [row] = await db.query<{ n: number }>('select count(*) as n from passwords where citizen_id = $1', [
    citizenId,
  ]);
  t.is(row?.n, 1, 'what was locked by an administrator keeps its password');
});

for (const [what, args, words] of [
  ['without a verb', [], /npm run accounts -- unlock/],
  ['with a phone number', ['unlock', phoneOf(1)], /no user name/],
  ['with too much', ['unlock', 'person.1', 'person.2'], /npm run accounts/],
  ['for nobody', ['unlock', 'nobody.here'], /Nobody has that user name/],
] as const) {
  test(`the command ${what} says what is wrong`, async (t) => {
    const db = await freshDatabase(t);
    await givenAccount(db, 1);
    await t.throwsAsync(accountsCommand(db, ending, args, NOW), { message: words });
  });
}
