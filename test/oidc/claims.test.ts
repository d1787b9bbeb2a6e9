import test from 'ava';
import { recordEvidence } from '../../src/assurance/store.ts';
import { createAccount, createCitizen } from '../../src/citizens/store.ts';
import { giveConsents } from '../../src/consents/store.ts';
import { SCOPE_CLAIMS } from '../../src/oidc/claim-sets.ts';
import { residentIdOf } from '../support/citizens.ts';
import { type ProtocolParts, startProtocol } from '../support/protocol.ts';
import { logIn, portal, relyingParty } from '../support/relying-party.ts';

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
