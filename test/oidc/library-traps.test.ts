import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { createRemoteJWKSet, decodeJwt, exportJWK, generateKeyPair, jwtVerify, SignJWT } from 'jose';
import { giveConsents } from '../../src/consents/store.ts';
import { claimsOf as setClaims } from '../../src/oidc/claim-sets.ts';
import { shiftProcessClock } from '../../src/platform/clock.ts';
import { startProtocol } from '../support/protocol.ts';
import { claimsOf, essential, logIn, portal, relyingParty } from '../support/relying-party.ts';

const acr = (level: string) => `urn:ymt:acr:${level}`;
const API = 'https://pension.example/api';

test.afterEach.always(() => shiftProcessClock(0));

test.serial(
  'an essential level that stays unmet is a page each time, and never a loop of redirects',
  async (t) => {
    const platform = await startProtocol(t, { clients: [portal('city-a')] });
    const citizenId = await platform.citizen('basic');
    const jar = platform.jar();
    const party = relyingParty(platform, 'city-a');
    await party.signIn(jar, {}, [logIn(citizenId)]);
    const nothing = { act: 'log_in' as const, citizenId, proofs: [] };
    for (const claims of [essential('advanced'), essential('nonsense')]) {
      const asked = await party.authorize(jar, { claims }, [nothing, nothing, nothing]);
      t.like(asked.interaction?.details, { prompt: 'step_up' });
      const skipped = await party.authorize(jar, { claims }, [{ act: 'continue_without' }]);
      t.like(skipped.interaction?.details, { prompt: 'step_up' }, 'nor can it be skipped');
    }
  },
);

test.serial('time spent on the consent page moves neither auth_time nor the level', async (t) => {
  const platform = await startProtocol(t, { clients: [portal('city-a', { consent: 'explicit' })] });
  const citizenId = await platform.citizen('intermediate');
  const jar = platform.jar();
  const party = relyingParty(platform, 'city-a');
  const begun = Math.floor(Date.now() / 1000);
  const asked = await party.authorize(jar, { max_age: '600' }, [logIn(citizenId)]);
  t.is(asked.interaction?.details.prompt, 'consent');
  const claimSets = [{ id: 'openid' as const, claims: ['sub'], separate: false }];
  await giveConsents(platform.db, { citizenId, clientId: 'city-a', claimSets, now: new Date() });
  shiftProcessClock(120_000);
  let answer = await jar.post(asked.interaction?.path ?? '', { act: 'consent', allowed: ['openid'] });
  while (answer.location?.startsWith(platform.issuer)) answer = await jar.get(answer.location);
  const params = new URL(answer.location ?? '').searchParams;
  const claims = claimsOf(await party.exchange({ params, verifier: asked.verifier }));
  t.true(claims.auth_time! - begun <= 60, `${claims.auth_time! - begun} seconds after it began`);
  t.is(claims.acr, acr('intermediate'));
  t.deepEqual(claims.amr, ['pwd', 'sms', 'mfa']);
});

test.serial(
  'sensitive claims never reach an ID token or a JWT access token, whatever asks for them',
  async (t) => {
    const entitled = {
      'city-a': ['profile', 'phone', 'identity', 'verified_claims'],
      // The health code is asked for by a client of its own.
      epidemic: ['health_code'],
    } as const;
    const resources = (id: string) => [
      { identifier: `${API}/${id}`, scope: 'pension:read' },
      { identifier: `${API}/${id}/jwt`, scope: 'pension:read', access_token_format: 'jwt' },
    ];
    const platform = await startProtocol(t, {
      clients: Object.entries(entitled).map(([id, claims_allowed]) =>
        portal(id, {
          claims_allowed,
          legal_basis: 'test',
          purposes: ['epidemic_prevention'],
          resources: resources(id),
        }),
      ),
      healthClaim: async () => ({ colour: 'green' }),
    });
    const citizenId = await platform.citizen('intermediate');
    const jar = platform.jar();
    await relyingParty(platform, 'city-a').signIn(jar, {}, [logIn(citizenId)]);
    const verified = { verification: { trust_framework: null }, claims: { name: null } };
    const wanted = {
      name: null,
      id_number: { essential: true },
      phone_number: null,
      health_code: null,
      verified_claims: verified,
    };
    const claims = JSON.stringify({ id_token: wanted, userinfo: wanted });
    for (const [id, sets] of Object.entries(entitled)) {
      const claimSets = sets.map((set) => ({ id: set, claims: setClaims(set), separate: false }));
      await giveConsents(platform.db, { citizenId, clientId: id, claimSets, now: new Date() });
      const party = relyingParty(platform, id);
      const scope = `openid ${sets.filter((set) => set !== 'verified_claims').join(' ')} pension:read`;
      const indicators = [undefined, ...resources(id).map(({ identifier }) => identifier)];
      for (const resource of indicators) {
        const tokens = await party.signIn(jar, { scope, claims, ...(resource && { resource }) });
        const refreshed = await party.refresh(tokens.refresh_token!);
        for (const each of [tokens, refreshed]) {
          t.deepEqual(
            Object.keys(claimsOf(each)).sort(),
            [
              'achieved_acr',
              'acr',
              'amr',
              'at_hash',
              'aud',
              'auth_time',
              'exp',
              'iat',
              'iss',
              'nonce',
              'sub',
            ].filter((name) => name in claimsOf(each)),
          );
          if (each.access_token.includes('.')) {
            t.false(Object.keys(wanted).some((claim) => claim in decodeJwt(each.access_token)));
          }
        }
        if (resource === undefined) {
          const { claims: told } = await party.userinfo(tokens.access_token);
          if (id === 'epidemic') t.like(told, { health_code: { colour: 'green' } });
          else t.like(told, { name: '测试', verified_claims: { claims: { name: '测试' } } });
        }
      }
    }
  },
);

test.serial('a refresh token is given only to clients that registered for it', async (t) => {
  const platform = await startProtocol(t, {
    clients: [portal('plain', { grant_types: ['authorization_code'] }), portal('city-a')],
  });
  const jar = platform.jar();
  const plain = await relyingParty(platform, 'plain').signIn(jar, { scope: 'openid offline_access' }, [
    logIn(await platform.citizen('basic')),
  ]);
  t.is(plain.refresh_token, undefined);
  t.truthy((await relyingParty(platform, 'city-a').signIn(jar)).refresh_token);
});

test.serial('a subject follows from the stored sector alone: not from hosts, ports or paths', async (t) => {
  const uris = (host: string) => [
    `http://${host}.localhost:4000/callback`,
    `https://${host}.example:8443/other`,
  ];
  const platform = await startProtocol(t, {
    clients: [
      portal('www', { sector: 'city-a.portal', redirect_uris: uris('www') }),
      portal('mobile', { sector: 'city-a.portal', redirect_uris: uris('mobile') }),
      portal('other', { sector: 'city-b.portal', redirect_uris: uris('other') }),
      portal('fetches', { sector: 'city-c.portal', sector_identifier_uri: 'https://127.0.0.1:1/list.json' }),
    ],
  });
  const jar = platform.jar();
  const sub = async (id: string) => claimsOf(await relyingParty(platform, id).signIn(jar)).sub;
  const www = claimsOf(
    await relyingParty(platform, 'www').signIn(jar, {}, [logIn(await platform.citizen('basic'))]),
  );
  t.is(await sub('mobile'), www.sub);
  t.not(await sub('other'), www.sub);
  t.truthy(await sub('fetches'), 'no address is asked which clients belong together');
});

test.serial('the library’s own development pages are not there', async (t) => {
  const platform = await startProtocol(t, { clients: [portal('city-a')] });
  const jar = platform.jar();
  const { interaction } = await relyingParty(platform, 'city-a').authorize(jar);
  const uid = interaction?.path.split('/').at(-1);
  for (const path of [`/interaction/${uid}/abort`, `/interaction/${uid}/login`]) {
    t.is((await jar.get(path)).status, 404);
  }
});

/** A set of keys at an address that only this test serves. */
async function keySet(t: ExecutionContext<unknown>, body: () => string) {
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(body());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test.serial(
  'keys at a jwks_uri are fetched through the guard only: no private address, no endless answer',
  async (t) => {
    const { privateKey, publicKey } = await generateKeyPair('ES256');
    const key = { ...(await exportJWK(publicKey)), use: 'sig', alg: 'ES256', kid: 'k' };
    let padding = '';
    let asked = 0;
    const origin = await keySet(t, () => {
      asked += 1;
      return JSON.stringify({ keys: [key], padding });
    });
    const dept = portal('dept', {
      client_secret: undefined,
      token_endpoint_auth_method: 'private_key_jwt',
      jwks_uri: `${origin}/jwks`,
    });
    const authenticate = async (issuer: string) => {
      const now = Math.floor(Date.now() / 1000);
      const assertion = await new SignJWT({ jti: `${asked}-${padding.length}` })
        .setProtectedHeader({ alg: 'ES256', kid: 'k' })
        .setIssuer('dept')
        .setSubject('dept')
        .setAudience(issuer)
        .setExpirationTime(now + 60)
        .sign(privateKey);
      const answer = await fetch(`${issuer}/oauth/introspect`, {
        method: 'POST',
        body: new URLSearchParams({
          token: 'x',
          client_id: 'dept',
          client_assertion: assertion,
          client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        }),
      });
      return answer.status;
    };
    const guarded = await startProtocol(t, { clients: [dept] });
    t.not(await authenticate(guarded.issuer), 200);
    t.is(asked, 0, 'a private address is not even asked');
    const allowing = await startProtocol(t, { clients: [dept], allow: [origin] });
    padding = 'x'.repeat(200_000);
    t.not(await authenticate(allowing.issuer), 200);
    padding = '';
    t.is(await authenticate(allowing.issuer), 200);
  },
);

test.serial('through a key rotation every ID token that is still valid can be verified', async (t) => {
  const platform = await startProtocol(t, { clients: [portal('city-a')] });
  const jar = platform.jar();
  const party = relyingParty(platform, 'city-a');
  const verified = async (token: string) => {
    const keys = createRemoteJWKSet(new URL(`${platform.issuer}/oauth/jwks`));
    return (await jwtVerify(token, keys, { issuer: platform.issuer, audience: 'city-a' })).protectedHeader
      .kid;
  };
  const before = await party.signIn(jar, {}, [logIn(await platform.citizen('basic'))]);
  const old = await verified(before.id_token);
  const kid = await platform.keys.append('ES256');
  await platform.reloadKeys();
  t.is(await verified((await party.signIn(jar)).id_token), old, 'appended: published, signs nothing yet');
  await platform.keys.promote(kid);
  await platform.reloadKeys();
  const after = (await party.signIn(jar)).id_token;
  t.is(await verified(after), kid, 'promoted: signs');
  t.is(await verified(before.id_token), old, 'and the old one still verifies');
  const hint = await party.authorize(jar, { prompt: 'none', id_token_hint: before.id_token });
  t.truthy(hint.params?.has('code'), 'also as a hint');
  await platform.keys.retire(String(old));
  await platform.reloadKeys();
  t.is(await verified(after), kid);
  await t.throwsAsync(verified(before.id_token), undefined, 'retired: gone');
});
