import test from 'ava';
import { endEvidence } from '../../src/assurance/store.ts';
import { readAccess } from '../../src/audit/access-log.ts';
import { giveConsents, withdrawConsents } from '../../src/consents/store.ts';
import { deactivate, liveActivation } from '../../src/health-code/activation.ts';
import { healthClaim } from '../../src/health-code/claim.ts';
import { declare } from '../../src/health-code/declare.ts';
import { readHolder } from '../../src/health-code/people.ts';
import type { Database } from '../../src/platform/database.ts';
import { givenEvidence, givenHealthCode, NOTHING } from '../support/health.ts';
import { type ProtocolParts, startProtocol } from '../support/protocol.ts';
import { claimsOf, logIn, portal, relyingParty } from '../support/relying-party.ts';

const CLIENT = 'epidemic';

/** A relying party with a token for the health code of a citizen who has declared. */
async function given(t: Parameters<typeof startProtocol>[0]) {
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
  const { platform, citizenId, holder, tokens, ask } = await given(t);
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
    const { platform, citizenId, ask, party, tokens } = await given(t);
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
  const { platform, ask, consent } = await given(t);
  t.truthy(await ask());
  const { citizenId, clientId, now } = consent;
  await withdrawConsents(platform.db, { citizenId, clientId, claimSet: 'health_code', now });
  t.is(await ask(), undefined);
});

test('below the level of the client there is no answer at all', async (t) => {
  const { platform, citizenId, party, tokens } = await given(t);
  await endEvidence(platform.db, { citizenId, method: 'carrier', reason: 'new_owner', at: new Date() });
  const { status, claims } = await party.userinfo(tokens.access_token);
  t.is(status, 401);
  t.false('health_code' in claims);
});
