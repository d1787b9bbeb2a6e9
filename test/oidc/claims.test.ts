import test from 'ava';
import fc from 'fast-check';
import { recordEvidence } from '../../src/assurance/store.ts';
import { readAccess } from '../../src/audit/access-log.ts';
import { createAccount, createCitizen } from '../../src/citizens/store.ts';
import { giveConsents, withdrawConsents } from '../../src/consents/store.ts';
import { claimsOf, SCOPE_CLAIMS } from '../../src/oidc/claim-sets.ts';
import { type VerifiedFacts, verifiedClaims } from '../../src/oidc/verified-claims.ts';
import { TRUST_FRAMEWORK, VERIFIABLE } from '../../src/oidc/verified-claims-metadata.ts';
import { residentIdOf } from '../support/citizens.ts';
import { type ProtocolParts, startProtocol } from '../support/protocol.ts';
import { logIn, portal, relyingParty, claimsOf as tokenClaims } from '../support/relying-party.ts';

test('profile tells a relying party the standard claims, sex as the ID number has it', async (t) => {
  let parts: ProtocolParts | undefined;
  const platform = await startProtocol(t, {
    clients: [portal('city-a', { claims_allowed: ['profile', 'phone'] })],
    mount: (given) => {
      parts = given;
      return (_ctx, next) => next();
    },
  });
  const now = new Date();
  const citizenId = await platform.db.transaction(async (tx) => {
    const idNumber = residentIdOf(2);
    const who = {
      name: '示例',
      documentType: 'resident_id' as const,
      idNumber,
      birthDate: '1990-01-02',
      now,
    };
    const id = await createCitizen(tx, parts!.cipher, who);
    const account = {
      username: 'somebody',
      phone: '13900000002',
      passwordHash: 'none',
      boundLevel: 'basic' as const,
    };
    await createAccount(tx, parts!.cipher, { citizenId: id, ...account, now });
    for (const method of ['register', 'carrier'] as const) {
      await recordEvidence(tx, { citizenId: id, method, source: 'police', transactionId: method, at: now });
    }
    const claimSets = (['profile', 'phone'] as const).map((set) => ({
      id: set,
      claims: [...SCOPE_CLAIMS[set]],
      separate: false,
    }));
    await giveConsents(tx, { citizenId: id, clientId: 'city-a', claimSets, now });
    return id;
  });
  const party = relyingParty(platform, 'city-a');
  const tokens = await party.signIn(platform.jar(), { scope: 'openid profile phone' }, [logIn(citizenId)]);
  const { claims } = await party.userinfo(tokens.access_token);
  t.deepEqual(Object.keys(claims).sort(), (['openid', 'profile', 'phone'] as const).flatMap(claimsOf).sort());
  t.like(claims, {
    name: '示例',
    preferred_username: 'somebody',
    birthdate: '1990-01-02',
    gender: 'female',
    phone_number: '+8613900000002',
    phone_number_verified: true,
  });
  const rows = await platform.db.query(`select 1 from access_log where citizen_id = $1`, [citizenId]);
  t.is(rows.length, 2, 'one row for each set, for the citizen to read');
  const asked = JSON.stringify({ userinfo: { birthdate: null } });
  const single = await party.signIn(platform.jar(), { claims: asked }, [logIn(citizenId)]);
  const { sub: _, ...told } = (await party.userinfo(single.access_token)).claims;
  t.is(told.birthdate, '1990-01-02');
  t.false('name' in told);
  const [seen] = await platform.db.query<{ what: string[] }>(
    'select what from access_log where citizen_id = $1 order by id desc limit 1',
    [citizenId],
  );
  t.deepEqual(seen?.what, ['birthdate'], 'and no more than was given out');
});

const AT = new Date('2026-11-23T02:00:00Z');
const PROVED = new Date('2026-11-01T02:00:00Z');
const row = (method: VerifiedFacts['evidence'][number]['method'], source: string) => ({
  id: method,
  method,
  source,
  transactionId: `txn-${method}`,
  at: PROVED,
});
const FACTS: VerifiedFacts = {
  citizen: {
    name: '示例',
    birthDate: '1990-01-02',
    idNumber: '390100199001020012',
    phone: '13900000001',
    documentType: 'resident_id',
  },
  evidence: [row('register', 'police'), row('carrier', 'carrier'), row('face', 'face')],
  level: 'intermediate',
  releasable: new Set(VERIFIABLE),
  at: AT,
};
const ask = (verification: object, claims: object = { name: null }) => ({ verification, claims });
const answer = (asked: unknown, facts = FACTS) =>
  verifiedClaims(facts, asked) as Record<string, unknown> | undefined;

test('only what is asked for is given, with the trust framework', (t) => {
  t.deepEqual(answer(ask({ trust_framework: null }, { name: null })), {
    verification: { trust_framework: TRUST_FRAMEWORK },
    claims: { name: '示例' },
  });
  t.deepEqual(answer(ask({ trust_framework: null, assurance_level: null, time: null })), {
    verification: {
      trust_framework: TRUST_FRAMEWORK,
      assurance_level: 'urn:ymt:acr:intermediate',
      time: '2026-11-01T02:00:00.000Z',
    },
    claims: { name: '示例' },
  });
});

test('evidence is given in the schema, of the types asked for, cut to the fields asked for', (t) => {
  const asked = ask({
    trust_framework: null,
    evidence: [
      {
        type: { value: 'electronic_record' },
        check_details: [{ check_method: { value: 'data' }, organization: null, txn: null }],
        record: { type: { values: ['population_register'] } },
      },
    ],
  });
  t.deepEqual(answer(asked)?.verification, {
    trust_framework: TRUST_FRAMEWORK,
    evidence: [
      {
        type: 'electronic_record',
        check_details: [{ check_method: 'data', organization: 'police', txn: 'txn-register' }],
        record: { type: 'population_register' },
      },
    ],
  });
  const all = answer(ask({ trust_framework: null, evidence: [{ type: { value: 'electronic_record' } }] }));
  t.is((all!.verification as { evidence: unknown[] }).evidence.length, 3);
});

test('an identity that an officer checked in person is a document', (t) => {
  const facts = { ...FACTS, evidence: [row('register', 'police'), row('in_person', 'counter')] };
  const asked = ask({ evidence: [{ type: { value: 'document' }, document_details: { type: null } }] });
  t.deepEqual(answer(asked, facts)?.verification, {
    trust_framework: TRUST_FRAMEWORK,
    evidence: [{ type: 'document', document_details: { type: 'idcard' } }],
  });
});

for (const [what, verification] of Object.entries<object>({
  'another trust framework': { trust_framework: { value: 'de_aml' } },
  'one of other trust frameworks': { trust_framework: { values: ['eidas', 'nist_800_63A'] } },
  'a higher level': { trust_framework: null, assurance_level: { value: 'urn:ymt:acr:advanced' } },
  'a newer check': { trust_framework: null, time: { max_age: 86_400 } },
  'a document': { trust_framework: null, evidence: [{ type: { value: 'document' } }] },
  'a check method we have not': {
    evidence: [{ type: { value: 'electronic_record' }, check_details: [{ check_method: { value: 'kbv' } }] }],
  },
  'a restricted element we do not know': { trust_framework: null, verification_process: { value: 'x' } },
  'evidence without a type': { evidence: [{ check_details: null }] },
  'evidence by a list of types': { evidence: [{ type: { values: ['electronic_record'] } }] },
  'evidence that is no list': { evidence: { type: { value: 'electronic_record' } } },
  'an empty list of evidence': { evidence: [] },
  'a value where an object belongs': { trust_framework: 'de_aml' },
})) {
  test(`nothing is given for a request of ${what}`, (t) => {
    t.is(answer(ask(verification)), undefined);
  });
}

test('elements that we do not know, and members that restrict nothing, change nothing', (t) => {
  const asked = ask(
    { trust_framework: { essential: true, purpose: 'opening an account' }, assurance_process: null },
    { name: { essential: true }, nationalities: null, email: { value: 'a@b' } },
  );
  t.deepEqual(answer(asked), {
    verification: { trust_framework: TRUST_FRAMEWORK },
    claims: { name: '示例' },
  });
});

test('a claim that is not as asked, not proved, or not for this client is left out; the last one takes all with it', (t) => {
  const claims = { name: { value: '别人' }, phone_number: null, birthdate: null };
  const tf = { trust_framework: null };
  t.deepEqual(answer(ask(tf, claims))?.claims, { phone_number: '13900000001', birthdate: '1990-01-02' });
  const noPhone = { ...FACTS, evidence: [row('register', 'police')] };
  t.deepEqual(answer(ask(tf, claims), noPhone)?.claims, { birthdate: '1990-01-02' });
  const nothing = { ...FACTS, releasable: new Set<never>() };
  t.is(answer(ask(tf, claims), nothing), undefined);
  t.is(answer(ask(tf, {})), undefined);
  t.is(answer(ask(tf), { ...FACTS, evidence: [] }), undefined);
  t.is(answer(ask(tf), { ...FACTS, level: 'anonymous' }), undefined);
});

test('a list of requests is answered by a list of those that can be met', (t) => {
  const fit = ask({ trust_framework: null });
  const unfit = ask({ trust_framework: { value: 'gold' } });
  t.is((verifiedClaims(FACTS, [unfit, fit, fit]) as unknown[]).length, 2);
  t.is(verifiedClaims(FACTS, [unfit]), undefined);
});

test('no request, whatever its shape, is an error or gets a claim that it does not name', (t) => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), fc.jsonValue(), (any, verification, claims) => {
      verifiedClaims(FACTS, any);
      const given = verifiedClaims(FACTS, { verification, claims }) as { claims: object } | undefined;
      const named = Object.keys((claims ?? {}) as object);
      return Object.keys(given?.claims ?? {}).every((name) => named.includes(name));
    }),
  );
  t.pass();
});

test('userinfo gives verified_claims to an entitled client whose citizen agreed, with a row in the access log, until either ends', async (t) => {
  const world = { now: new Date() };
  const platform = await startProtocol(t, {
    clock: () => world.now,
    clients: [
      portal('bank', { claims_allowed: ['verified_claims'] }),
      portal('shop', { claims_allowed: ['profile'] }),
    ],
  });
  const citizenId = await platform.citizen('intermediate');
  const jar = platform.jar();
  const verified_claims = ask(
    {
      trust_framework: null,
      evidence: [{ type: { value: 'electronic_record' }, check_details: [{ txn: null }] }],
    },
    { name: null, id_number: null, phone_number: null },
  );
  const claims = JSON.stringify({ id_token: { verified_claims }, userinfo: { verified_claims } });
  const bank = relyingParty(platform, 'bank');
  const consented = { id: 'verified_claims' as const, claims: claimsOf('verified_claims'), separate: true };
  await giveConsents(platform.db, { citizenId, clientId: 'bank', claimSets: [consented], now: new Date() });
  const first = await bank.signIn(jar, { claims }, [logIn(citizenId)]);
  t.false('verified_claims' in tokenClaims(first));
  const { claims: told } = await bank.userinfo(first.access_token);
  t.like(told.verified_claims, {
    verification: { trust_framework: TRUST_FRAMEWORK },
    claims: { name: '测试' },
  });
  t.deepEqual(Object.keys((told.verified_claims as { claims: object }).claims), ['name']);
  const { rows } = await readAccess(platform.db, citizenId);
  t.deepEqual(
    rows.map(({ what, purpose }) => ({ what, purpose })),
    [{ what: ['verified_claims', 'name'], purpose: 'verified_claims' }],
  );
  const shop = relyingParty(platform, 'shop');
  const tokens = await shop.signIn(jar, { claims });
  t.false('verified_claims' in (await shop.userinfo(tokens.access_token)).claims);
  const odd = await bank.signIn(jar, { claims: JSON.stringify({ userinfo: { verified_claims: null } }) });
  const { status, claims: none } = await bank.userinfo(odd.access_token);
  t.is(status, 200);
  t.false('verified_claims' in none);

  // For the token that was issued first: what it may have is looked at with each call.
  const again = async () => {
    const answer = await bank.userinfo(first.access_token);
    t.is(answer.status, 200);
    return 'verified_claims' in answer.claims;
  };
  const allow = async (sets: string[]) => {
    await platform.db.query(
      `update clients set metadata = jsonb_set(metadata::jsonb, '{claims_allowed}', $1::jsonb) where client_id = 'bank'`,
      [JSON.stringify(sets)],
    );
    // The catalogue may be five seconds old.
    world.now = new Date(world.now.getTime() + 6_000);
  };
  t.true(await again());
  await allow(['profile']);
  t.false(await again());
  await allow(['verified_claims']);
  t.true(await again());
  const withdrawn = { citizenId, clientId: 'bank', claimSet: 'verified_claims', now: new Date() } as const;
  await withdrawConsents(platform.db, withdrawn);
  t.false(await again());
});
