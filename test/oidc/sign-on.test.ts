import test from 'ava';
import { startProtocol } from '../support/protocol.ts';
import { claimsOf, logIn, portal, relyingParty } from '../support/relying-party.ts';

test('somebody who logged in at one portal is logged in at another at once, under another subject', async (t) => {
  const platform = await startProtocol(t, { clients: [portal('city-a'), portal('city-b')] });
  const citizenId = await platform.citizen('basic');
  const jar = platform.jar();
  t.teardown(() => platform.errors.length > 0 && t.log(platform.errors));
  const a = claimsOf(await relyingParty(platform, 'city-a').signIn(jar, {}, [logIn(citizenId)]));
  const b = claimsOf(await relyingParty(platform, 'city-b').signIn(jar));
  t.is(a.acr, 'urn:ymt:acr:basic');
  t.is(b.acr, 'urn:ymt:acr:basic');
  t.deepEqual(b.amr, ['pwd', 'sms', 'mfa']);
  t.is(a.auth_time, b.auth_time);
  t.not(a.sub, b.sub);
  t.is(a.achieved_acr, 'urn:ymt:acr:basic');
  t.deepEqual(platform.errors, []);
});
