import test from 'ava';
import { endEvidence } from '../../src/assurance/store.ts';
import { readAccess } from '../../src/audit/access-log.ts';
import { giveConsents, withdrawConsents } from '../../src/consents/store.ts';
import { activate, deactivate, liveActivation, seedActivation } from '../../src/health-code/activation.ts';
import { healthClaim } from '../../src/health-code/claim.ts';
import { declare } from '../../src/health-code/declare.ts';
import { readHolder } from '../../src/health-code/people.ts';
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
  NOTHING,
} from '../support/health.ts';
import { type ProtocolParts, startProtocol } from '../support/protocol.ts';
import { claimsOf, logIn, portal, relyingParty } from '../support/relying-party.ts';

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

const CLIENT = 'epidemic';

/** A relying party with a token for the health code of a citizen who has declared. */
async function givenToken(t: Parameters<typeof startProtocol>[0]) {
  let parts: ProtocolParts | undefined;
  let db: Database | undefined;
  const platform = await startProtocol(t, {
    clients: [
      portal(CLIENT, {
        scope: 'openid health_code',
        purposes: ['epidemic_prevention'],
        claims_allowed: ['health_code'],
      }),
    ],
    mount: (given) => {
      parts = given;
      db = given.db;
      return (_ctx, next) => next();
    },
    healthClaim: (asked) => healthClaim(db!, asked),
  });
  const now = new Date();
  await givenHealthCode(platform.db, now);
  const citizenId = await platform.citizen('basic');
  const { cipher } = parts!;
  const holder = await readHolder(platform.db, cipher, citizenId);
  await platform.db.transaction((tx) => declare(tx, cipher, { holder, declared: NOTHING, now }));
  const consent = {
    citizenId,
    clientId: CLIENT,
    claimSets: [{ id: 'health_code' as const, claims: ['health_code'], separate: true }],
    now,
  };
  await giveConsents(platform.db, consent);
  const party = relyingParty(platform, CLIENT);
  const tokens = await party.signIn(platform.jar(), { scope: 'openid health_code' }, [logIn(citizenId)]);
  const ask = async () => (await party.userinfo(tokens.access_token)).claims.health_code;
  return { platform, citizenId, holder, party, tokens, ask, consent };
}

test('userinfo tells the health code of the moment, uncached, with a row for each call; the ID token never does', async (t) => {
  const { platform, citizenId, holder, tokens, ask } = await givenToken(t);
  t.false('health_code' in claimsOf(tokens));
  t.like(await ask(), { colour: 'GREEN', region: '390000', ruleset: '2020-1' });
  t.deepEqual(Object.keys((await ask()) as object).sort(), [
    'assessed_at',
    'colour',
    'region',
    'ruleset',
    'valid_until',
  ]);
  await givenEvidence(platform.db, holder.subject, { type: 'CLOSE_CONTACT', source: 'cdc', at: new Date() });
  t.like(await ask(), { colour: 'RED' });
  const answer = await fetch(`${platform.issuer}/oauth/userinfo`, {
    headers: { authorization: `Bearer ${tokens.access_token}` },
  });
  t.is(answer.headers.get('cache-control'), 'no-store');
  const { rows } = await readAccess(platform.db, citizenId);
  t.is(rows.length, 4);
  t.true(rows.every(({ clientId, purpose }) => clientId === CLIENT && purpose === 'epidemic_prevention'));
});

for (const [what, take, back] of [
  [
    'purpose',
    (db: Database) =>
      db.query(
        `update clients set metadata = jsonb_set(metadata::jsonb, '{purposes}', '[]') where client_id = $1`,
        [CLIENT],
      ),
    true,
  ],
  [
    'activation',
    async (db: Database) => deactivate(db, (await liveActivation(db, new Date()))!.id, new Date()),
    false,
  ],
] as const) {
  test(`a withdrawn ${what} stops the claim with the next call, for the token that was issued already`, async (t) => {
    const { platform, citizenId, ask, party, tokens } = await givenToken(t);
    t.truthy(await ask());
    await take(platform.db);
    t.is(await ask(), undefined);
    t.is((await party.userinfo(tokens.access_token)).status, 200);
    t.is((await readAccess(platform.db, citizenId)).rows.length, 1);
    if (!back) return;
    await platform.db.query(
      `update clients set metadata = jsonb_set(metadata::jsonb, '{purposes}', '["epidemic_prevention"]')`,
    );
    t.truthy(await ask());
  });
}

test('a consent that was taken back stops the claim with the next call', async (t) => {
  const { platform, ask, consent } = await givenToken(t);
  t.truthy(await ask());
  const { citizenId, clientId, now } = consent;
  await withdrawConsents(platform.db, { citizenId, clientId, claimSet: 'health_code', now });
  t.is(await ask(), undefined);
});

test('below the level of the client there is no answer at all', async (t) => {
  const { platform, citizenId, party, tokens } = await givenToken(t);
  await endEvidence(platform.db, { citizenId, method: 'carrier', reason: 'new_owner', at: new Date() });
  const { status, claims } = await party.userinfo(tokens.access_token);
  t.is(status, 401);
  t.false('health_code' in claims);
});
