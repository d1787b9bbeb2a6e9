import test from 'ava';
import { readAccess } from '../../src/audit/access-log.ts';
import { activate, deactivate, liveActivation, seedActivation } from '../../src/health-code/activation.ts';
import { healthClaim } from '../../src/health-code/claim.ts';
import type { Database } from '../../src/platform/database.ts';
import { Problem } from '../../src/platform/problem.ts';
import { givenAccount, NOW } from '../support/citizens.ts';
import { freshDatabase } from '../support/database.ts';
import {
  daysLater,
  givenCitizenAtBasic,
  givenDeclared,
  givenEvidence,
  givenHealthCode,
} from '../support/health.ts';

const client = { id: 'city-a-epidemic' };
const REGISTERED = {
  client_id: client.id,
  purposes: ['epidemic_prevention'],
  claims_allowed: ['health_code'],
  scope: 'openid health_code',
  sector: 'city-a.epidemic-prevention',
};

/** Switches the module on, with a client registered for the claim. */
async function givenAsker(db: Database, over: object = {}): Promise<void> {
  await givenHealthCode(db);
  await db.query(
    `insert into clients (client_id, metadata, source, updated_at) values ($1, $2, 'file', $3)`,
    [client.id, JSON.stringify({ ...REGISTERED, ...over }), NOW],
  );
}
const later = new Date(NOW.getTime() + 60_000);

test('the claim says colour, region, when, until when and under which rules, and the citizen sees who asked', async (t) => {
  const db = await freshDatabase(t);
  await givenAsker(db);
  const { citizenId } = await givenDeclared(db, 1);
  t.deepEqual(await healthClaim(db, { citizenId, client, now: later }), {
    colour: 'GREEN',
    region: '390000',
    assessed_at: later.toISOString(),
    valid_until: new Date(later.getTime() + 3_600_000).toISOString(),
    ruleset: '2020-1',
  });
  const { rows } = await readAccess(db, citizenId);
  t.deepEqual(
    rows.map(({ clientId, what, purpose, at }) => ({ clientId, what, purpose, at })),
    [{ clientId: 'city-a-epidemic', what: ['health_code'], purpose: 'epidemic_prevention', at: later }],
  );
});

test('it is computed anew at each call, and each call is a row', async (t) => {
  const db = await freshDatabase(t);
  await givenAsker(db);
  const { citizenId, subject } = await givenDeclared(db, 1);
  await healthClaim(db, { citizenId, client, now: NOW });
  await givenEvidence(db, subject, { type: 'FEVER_CLINIC', source: 'hospital', at: NOW });
  t.is((await healthClaim(db, { citizenId, client, now: later }))?.colour, 'YELLOW');
  t.is((await readAccess(db, citizenId)).rows.length, 2);
});

test('it may not be relied on past the next change', async (t) => {
  const db = await freshDatabase(t);
  await givenAsker(db);
  const { citizenId, subject } = await givenDeclared(db, 1);
  await givenEvidence(db, subject, { type: 'PEER_RED', source: 'peer', at: NOW });
  const midnight = new Date('2026-12-06T16:00:00Z');
  const now = new Date(midnight.getTime() - 60_000);
  t.is((await healthClaim(db, { citizenId, client, now }))?.valid_until, midnight.toISOString());
});

test('grey is said too: it opens no door', async (t) => {
  const db = await freshDatabase(t);
  await givenAsker(db);
  const { citizenId } = await givenCitizenAtBasic(db, 1);
  t.is((await healthClaim(db, { citizenId, client, now: NOW }))?.colour, 'GREY');
  t.is((await healthClaim(db, { citizenId: await givenAccount(db, 2), client, now: NOW }))?.colour, 'GREY');
});

for (const [what, changed] of Object.entries({
  'without the purpose': { purposes: [] },
  'with another purpose': { purposes: ['social_stability'] },
  'with a second purpose': { purposes: ['epidemic_prevention', 'tourism'] },
  'that is not entitled to the claim': { claims_allowed: ['profile'] },
  'that is entitled to something else too': { claims_allowed: ['health_code', 'profile'] },
  'that may ask for other scopes': { scope: 'openid health_code profile' },
})) {
  test(`a client ${what} gets no claim, and leaves no row`, async (t) => {
    const db = await freshDatabase(t);
    await givenAsker(db, changed);
    const { citizenId } = await givenDeclared(db, 1);
    t.is(await healthClaim(db, { citizenId, client, now: NOW }), undefined);
    t.deepEqual((await readAccess(db, citizenId)).rows, []);
  });
}

test('a client whose subjects are those of another client gets no claim', async (t) => {
  const db = await freshDatabase(t);
  await givenAsker(db);
  const { citizenId } = await givenDeclared(db, 1);
  t.truthy(await healthClaim(db, { citizenId, client, now: NOW }));
  await db.query(
    `insert into clients (client_id, metadata, source, updated_at) values ('portal', $1, 'file', $2)`,
    [JSON.stringify({ sector: REGISTERED.sector }), NOW],
  );
  t.is(await healthClaim(db, { citizenId, client, now: NOW }), undefined);
});

test('a client that was disabled, or never was, gets no claim', async (t) => {
  const db = await freshDatabase(t);
  await givenAsker(db);
  const { citizenId } = await givenDeclared(db, 1);
  t.is(await healthClaim(db, { citizenId, client: { id: 'nobody' }, now: NOW }), undefined);
  await db.query('update clients set disabled_at = $1', [NOW]);
  t.is(await healthClaim(db, { citizenId, client, now: NOW }), undefined);
});

test('a withdrawn activation stops the claim at once', async (t) => {
  const db = await freshDatabase(t);
  await givenAsker(db);
  const { citizenId } = await givenDeclared(db, 1);
  const { id } = (await liveActivation(db, NOW))!;
  t.true(await deactivate(db, id, later));
  t.false(await deactivate(db, id, later));
  t.is(await healthClaim(db, { citizenId, client, now: later }), undefined);
});

const order = {
  legalBasis: '传染病防治法',
  region: '390100',
  from: NOW,
  to: daysLater(30),
  approver1: 'a',
  approver2: 'b',
};

test('an activation holds from its first instant until just before its last', async (t) => {
  const db = await freshDatabase(t);
  await activate(db, order, NOW);
  t.is(await liveActivation(db, new Date(NOW.getTime() - 1)), undefined);
  t.is((await liveActivation(db, NOW))?.region, '390100');
  t.truthy(await liveActivation(db, new Date(order.to.getTime() - 1)));
  t.is(await liveActivation(db, order.to), undefined);
});

for (const [what, changed] of Object.entries({
  'one approver': { approver2: 'a' },
  'no legal basis': { legalBasis: ' ' },
  'an end before its beginning': { to: daysLater(-1) },
  'another province': { region: '310000' },
  'a region that is none': { region: '39' },
})) {
  test(`an activation with ${what} is refused`, async (t) => {
    const db = await freshDatabase(t);
    const made = activate(db, { ...order, ...changed }, NOW);
    await t.throwsAsync(made, { instanceOf: Problem, message: 'health_activation_invalid' });
  });
}

test('the sandbox is switched on once, however many processes start', async (t) => {
  const db = await freshDatabase(t);
  await Promise.all([1, 2, 3].map(() => seedActivation(db, NOW)));
  t.deepEqual(await db.query('select count(*) as count from health_activations'), [{ count: 1 }]);
});
