import test from 'ava';
import { decodeJwt } from 'jose';
import { shiftProcessClock } from '../../src/platform/clock.ts';
import { startProtocol, type TestProtocol } from '../support/protocol.ts';
import { logIn, portal, relyingParty, SECRET } from '../support/relying-party.ts';

const INGEST = 'urn:ymt:health-ingest';
const CLIENTS = [
  portal('city-a'),
  portal('hospital', {
    redirect_uris: undefined,
    response_types: [],
    grant_types: ['client_credentials'],
    health_sources: ['hospital'],
  }),
  portal('portal-too', { grant_types: ['client_credentials'] }),
  portal('tax', { resources: [{ identifier: 'https://tax.example/api', scope: 'tax:read' }] }),
];

async function ask(platform: TestProtocol, clientId: string, params: Record<string, string>) {
  const response = await fetch(`${platform.issuer}/oauth/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${clientId}:${SECRET}`).toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', ...params }),
  });
  const answer = (await response.json()) as { access_token: string; error?: string; expires_in: number };
  return { status: response.status, ...answer };
}

test.afterEach.always(() => shiftProcessClock(0));

test.serial(
  'a program gets a token for our own API, with the scopes its registration entitles it to',
  async (t) => {
    const platform = await startProtocol(t, { clients: CLIENTS });
    const given = await ask(platform, 'hospital', {
      resource: INGEST,
      scope: 'ingest:hospital ingest:police',
    });
    t.is(given.status, 200);
    t.true(given.expires_in <= 300);
    t.like(decodeJwt(given.access_token), { aud: INGEST, client_id: 'hospital', scope: 'ingest:hospital' });
    const caller = await platform.machineCaller(`Bearer ${given.access_token}`, INGEST);
    t.is(caller?.clientId, 'hospital');
    t.deepEqual([...(caller?.scopes ?? [])], ['ingest:hospital']);
    t.is(await platform.machineCaller(`Bearer ${given.access_token}`, 'urn:ymt:other'), undefined);
    t.deepEqual(platform.errors, []);
  },
);

test.serial('no other API, none at all, and nobody without the right gets one', async (t) => {
  const platform = await startProtocol(t, { clients: CLIENTS });
  const refused: [string, Record<string, string>, string][] = [
    ['hospital', { scope: 'ingest:hospital' }, 'invalid_target'],
    ['hospital', {}, 'invalid_target'],
    ['hospital', { resource: 'https://tax.example/api', scope: 'tax:read' }, 'invalid_target'],
    ['portal-too', { resource: INGEST, scope: 'ingest:hospital' }, 'invalid_target'],
    ['city-a', { resource: INGEST, scope: 'ingest:hospital' }, 'invalid_request'],
  ];
  for (const [client, params, error] of refused) {
    t.is((await ask(platform, client, params)).error, error, `${client} ${JSON.stringify(params)}`);
  }
  t.deepEqual(platform.errors, []);
});

test.serial('a portal cannot have a citizen ask for our own API', async (t) => {
  const platform = await startProtocol(t, { clients: CLIENTS });
  const outcome = await relyingParty(platform, 'city-a').authorize(platform.jar(), {
    resource: INGEST,
    scope: 'openid ingest:hospital',
  });
  t.is(outcome.params?.get('error'), 'invalid_target');
});

test.serial('what is no token for programs is nobody', async (t) => {
  const platform = await startProtocol(t, { clients: CLIENTS });
  const party = relyingParty(platform, 'city-a');
  const tokens = await party.signIn(platform.jar(), {}, [logIn(await platform.citizen('basic'))]);
  const { access_token: good } = await ask(platform, 'hospital', { resource: INGEST });
  const [head, body] = good.split('.');
  for (const header of [
    undefined,
    '',
    'Bearer',
    'Bearer x.y.z',
    `Bearer ${head}.${body}.`,
    `Bearer ${head}.${body}.AAAA`,
    `Bearer ${tokens.access_token}`,
    `Bearer ${tokens.id_token}`,
    `Basic ${good}`,
  ]) {
    t.is(await platform.machineCaller(header, INGEST), undefined, header);
  }
});

test.serial('a token ends after five minutes, and with its client', async (t) => {
  const platform = await startProtocol(t, { clients: CLIENTS });
  const params = { resource: INGEST, scope: 'ingest:hospital' };
  const first = `Bearer ${(await ask(platform, 'hospital', params)).access_token}`;
  shiftProcessClock(301_000);
  t.is(await platform.machineCaller(first, INGEST), undefined);
  const second = `Bearer ${(await ask(platform, 'hospital', params)).access_token}`;
  t.truthy(await platform.machineCaller(second, INGEST));
  await platform.db.query(`update clients set disabled_at = now() where client_id = 'hospital'`);
  shiftProcessClock(310_000);
  t.is(await platform.machineCaller(second, INGEST), undefined);
});
