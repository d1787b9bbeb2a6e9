import { randomBytes } from 'node:crypto';
import test from 'ava';
import { startAuthorities } from '../../sandbox/authorities/server.ts';
import { loadPeople } from '../../sandbox/people/person.ts';
import { accountLevel } from '../../src/assurance/ladder.ts';
import { type RecheckDeps, recheckPhone, recheckRegister, runRechecks } from '../../src/assurance/recheck.ts';
import { loadStanding } from '../../src/assurance/standing.ts';
import { readEvidence, recordEvidence } from '../../src/assurance/store.ts';
import { createCarrier } from '../../src/authorities/carrier.ts';
import { createRegister } from '../../src/authorities/register.ts';
import { closeAccount } from '../../src/citizens/account-state.ts';
import { changePhone } from '../../src/citizens/phone.ts';
import { createAccount, createCitizen, readCitizen } from '../../src/citizens/store.ts';
import { createCipher } from '../../src/platform/field-encryption.ts';
import { audited } from '../support/audited.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';

const DAY = 86_400_000;
const people = loadPeople();
let db: TestDatabase;
let authorities: Awaited<ReturnType<typeof startAuthorities>>;
let deps: RecheckDeps;
let next = 0;

test.before(async (t) => {
  db = await freshDatabase(t);
  authorities = await startAuthorities({ port: 0, people });
  deps = {
    db,
    cipher: createCipher({ current: 'k', keys: { k: randomBytes(32) }, indexKey: randomBytes(32) }),
    register: createRegister(authorities.url, fetch, { timeoutMs: 1_000 }),
    carrier: createCarrier(authorities.url, fetch, { timeoutMs: 1_000 }),
    now: () => new Date(),
    enqueueLogout: async () => {},
  };
});
test.after.always(async () => {
  await authorities.close();
  await db.close();
});

/** Somebody for whom all is well, registered `daysAgo`. */
async function registered(daysAgo = 0) {
  const well = people.filter((one) => one.level !== null && one.fixed_code && !one.outcomes.register);
  const person = well[next++]!;
  const now = new Date(Date.now() - daysAgo * DAY);
  const citizenId = await db.transaction(async (tx) => {
    const id = await createCitizen(tx, deps.cipher, {
      name: person.name,
      documentType: person.document_type,
      idNumber: person.id_number,
      now,
    });
    const { username, phone } = person;
    await createAccount(tx, deps.cipher, {
      citizenId: id,
      username,
      phone,
      passwordHash: 'x',
      boundLevel: 'basic',
      now,
    });
    return id;
  });
  for (const [method, source] of [
    ['register', 'police'],
    ['carrier', 'carrier'],
  ] as const) {
    await recordEvidence(db, {
      citizenId,
      method,
      source,
      transactionId: `at-registration-${citizenId}`,
      at: now,
    });
  }
  return { citizenId, person };
}
const levelOf = async (citizenId: string) =>
  accountLevel((await loadStanding(db, { citizenId, sessionUid: 's' })).evidence, new Date()).level;

test.serial('a recheck that matches renews the evidence', async (t) => {
  const { citizenId } = await registered(80);
  t.is(await recheckRegister(deps, citizenId), 'match');
  t.is(await recheckPhone(deps, citizenId), 'match');
  t.is((await readEvidence(db, citizenId)).length, 4);
  t.is(await levelOf(citizenId), 'basic');
  t.deepEqual(await audited(db, ['level.changed'], citizenId), [], 'what stays as it was is no change');
});

test.serial('a phone that has a new owner ends the phone evidence and with it the level', async (t) => {
  const { citizenId, person } = await registered();
  authorities.outcomes(person.id_number, { carrier: 'other_owner' });
  t.is(await recheckPhone(deps, citizenId), 'new_owner');
  t.is(await levelOf(citizenId), 'anonymous');
  t.is((await readCitizen(db, deps.cipher, citizenId))?.accountState, 'active');
  authorities.outcomes(person.id_number, { carrier: null });
  t.is(await recheckPhone(deps, citizenId), 'match');
  t.deepEqual(await audited(db, ['level.changed'], citizenId), [
    ['level.changed', { from: 'basic', to: 'anonymous' }],
    ['level.changed', { from: 'anonymous', to: 'basic' }],
  ]);
});

test.serial('what the carrier says of a number that was changed meanwhile counts for nothing', async (t) => {
  const { citizenId, person } = await registered();
  const phone = '13739990001';
  const asked: string[] = [];
  const owner: RecheckDeps['carrier']['owner'] = async (question) => {
    asked.push(question.phone);
    if (question.phone !== person.phone) return { outcome: 'match', reference: 'new', source: 'carrier' };
    const now = new Date();
    await db.transaction((tx) =>
      changePhone(tx, deps.cipher, { citizenId, phone, boundLevel: 'basic', now }),
    );
    return { outcome: 'other_owner', reference: 'old', source: 'carrier' };
  };
  t.is(await recheckPhone({ ...deps, carrier: { ...deps.carrier, owner } }, citizenId), 'match');
  t.deepEqual(asked, [person.phone, phone]);
  t.is(await levelOf(citizenId), 'basic');
});

test.serial('nobody asks the register about a closed account', async (t) => {
  const { citizenId, person } = await registered(31);
  await db.transaction((tx) => closeAccount(tx, deps, { citizenId, reason: 'requested', now: new Date() }));
  const confirm = () => t.fail('the register was asked') as never;
  const silent = { ...deps, register: { ...deps.register, confirm, recheck: confirm } };
  t.is(await recheckRegister(silent, citizenId), 'gone');
  authorities.outcomes(person.id_number, { register: 'deceased' });
  await runRechecks(deps, { limit: 100 });
  const due = await db.query<{ method: string }>('select method from rechecks where citizen_id = $1', [
    citizenId,
  ]);
  t.deepEqual(
    due.map(({ method }) => method),
    ['carrier'],
  );
  t.is((await readCitizen(db, deps.cipher, citizenId))?.state, 'active');
});

test.serial('somebody who has died loses account, sessions and evidence at once', async (t) => {
  const { citizenId, person } = await registered();
  authorities.outcomes(person.id_number, { register: 'deceased' });
  t.is(await recheckRegister(deps, citizenId), 'deceased');
  const citizen = await readCitizen(db, deps.cipher, citizenId);
  t.is(citizen?.state, 'deceased');
  t.is(citizen?.accountState, 'closed');
  t.is(await levelOf(citizenId), 'anonymous');
  t.is(await recheckRegister(deps, citizenId), 'deceased');
});

test.serial(
  'a person whom the register no longer confirms keeps the account without its level',
  async (t) => {
    const { citizenId, person } = await registered();
    authorities.outcomes(person.id_number, { register: 'mismatch' });
    t.is(await recheckRegister(deps, citizenId), 'mismatch');
    t.is(await levelOf(citizenId), 'anonymous');
  },
);

test.serial('an authority that is down changes nothing and is asked again later', async (t) => {
  const { citizenId, person } = await registered(31);
  authorities.outcomes(person.id_number, { register: 'down' });
  t.true((await runRechecks(deps, { limit: 100 })) >= 1);
  t.is(await levelOf(citizenId), 'basic');
  const due = () =>
    db.query<{ due_at: Date }>(
      `select due_at from rechecks where citizen_id = $1 and method = 'register' and due_at > $2`,
      [citizenId, new Date()],
    );
  t.is((await due()).length, 1);
  authorities.outcomes(person.id_number, { register: null });
  const tomorrow = { ...deps, now: () => new Date(Date.now() + DAY) };
  await runRechecks(tomorrow, { limit: 100 });
  t.is((await readEvidence(db, citizenId)).filter(({ method }) => method === 'register').length, 2);
});

test.serial('each register is asked monthly and each carrier every ninety days, once', async (t) => {
  await db.query('delete from rechecks');
  const { citizenId } = await registered(0);
  const asOf = (days: number) =>
    runRechecks({ ...deps, now: () => new Date(Date.now() + days * DAY) }, { limit: 100 });
  t.is(await asOf(29), 0);
  t.is(await asOf(30.1), 1);
  t.is(await asOf(30.2), 0);
  t.is(await asOf(90.5), 2);
  t.is((await readEvidence(db, citizenId)).length, 5);
});

test.serial('a recheck that fails keeps no other waiting', async (t) => {
  await db.query('delete from rechecks');
  for (let n = 0; n < 2; n++) await registered(31);
  let asked = 0;
  const recheck: RecheckDeps['register']['recheck'] = async (question) => {
    asked += 1;
    if (asked === 1) throw new Error('a row that cannot be read');
    return deps.register.recheck(question);
  };
  const failing = { ...deps, register: { ...deps.register, recheck } };
  await t.throwsAsync(runRechecks(failing, { limit: 100 }), { instanceOf: AggregateError });
  t.is(asked, 2);
});
