import test from 'ava';
import { accountClient } from '../../src/account/client.ts';
import { openCatalogue } from '../../src/departments/catalogue.ts';
import {
  applyClients,
  ClientsFileError,
  clientsFileSchema,
  parseClientFiles,
  parseClients,
  refuseKnownSecrets,
} from '../../src/departments/clients-file.ts';
import { registerOwnClient } from '../../src/departments/own-client.ts';
import { readLifetimes, useLifetimes } from '../../src/platform/lifetimes.ts';
import { audited } from '../support/audited.ts';
import { freshDatabase } from '../support/database.ts';
import { portal } from '../support/relying-party.ts';
import { textOf } from '../support/sources.ts';

const NOW = new Date('2026-11-23T02:00:00Z');
const API = { identifier: 'https://pension.example/api', scope: 'pension:read' };
const parse = (entries: unknown) => parseClients(JSON.stringify(entries), 'clients.json');
const { sector: _, ...homeless } = portal('homeless');

const WRONG: [unknown, RegExp][] = [
  ['not a list', /must be a JSON array/],
  [[portal('a'), portal('a')], /entry 2 \(a\): client_id: appears twice/],
  [[homeless], /entry 1 \(homeless\): sector/],
  [[portal('a', { min_acr: 'urn:ymt:acr:highest' })], /min_acr/],
  [[portal('a', { claims_allowed: ['identity'] })], /legal_basis: name the law/],
  [[portal('a', { client_secret: 'short' })], /client_secret/],
  [
    [portal('a', { resources: [API] }), portal('b', { resources: [API] })],
    /entry 2 \(b\): resources: .* belongs to a already/,
  ],
  [[portal('a', { resources: [{ ...API, identifier: 'urn:ymt:health-ingest' }] })], /the platform’s own/],
  ...[[], ['portal'], ['epidemic_prevention', 'portal']].map((purposes): [unknown, RegExp] => [
    [portal('a', { claims_allowed: ['health_code'], purposes })],
    /entry 1 \(a\): purposes: must be \["epidemic_prevention"\] and nothing else.*a client of its own/,
  ]),
  [[portal('a', { min_arc: 'urn:ymt:acr:advanced' })], /entry 1 \(a\): min_arc: .*did you mean min_acr\?/],
  [[portal('a', { require_pcke: true })], /require_pcke: .*did you mean require_pkce\?/],
  [[portal('a', { resources: [{ ...API, min_arc: 'x' }] })], /resources\.0\.min_arc: .*did you mean min_acr/],
  [[portal('a', { frontchannel_logout_uri: 'https://a.cn/' })], /frontchannel_logout_uri: .*remove it/],
  [[portal('a', { grant_types: ['implicit'] })], /grant_types\.0: .*authorization_code/],
  [[portal('a', { token_endpoint_auth_method: undefined })], /jwks: give jwks or jwks_uri, or name another/],
  [[portal('a', { token_endpoint_auth_method: 'client_secret_jwt' })], /token_endpoint_auth_method/],
  [[portal('a', { client_id: 'Portal' })], /entry 1 \(Portal\): client_id: begin with a small letter/],
  [[portal('a', { client_id: 'a13800138000' })], /client_id: .*at most five digits/],
];

test('a wrong clients file says which entry is wrong, in which field', (t) => {
  t.throws(() => parseClients('{', 'clients.json'), {
    instanceOf: ClientsFileError,
    message: /clients\.json: not JSON/,
  });
  for (const [entries, message] of WRONG) {
    t.throws(() => parse(entries), { instanceOf: ClientsFileError, message }, String(message));
  }
});

test('of two files an entry is named by the one it stands in, and a later one takes the place of an earlier', (t) => {
  const both = (own: object[]) =>
    parseClientFiles([
      { text: JSON.stringify([portal('a'), portal('b'), portal('c')]), file: 'sandbox.json' },
      { text: JSON.stringify(own), file: 'mine.json' },
    ]);
  t.deepEqual(
    both([portal('b', { client_name: 'Mine' }), portal('d')]).map(({ client_id, client_name }) => [
      client_id,
      client_name,
    ]),
    [
      ['a', portal('a').client_name],
      ['c', portal('c').client_name],
      ['b', 'Mine'],
      ['d', portal('d').client_name],
    ],
  );
  t.throws(() => both([portal('x'), portal('y', { client_secret: 'short' })]), {
    message: /^mine\.json: entry 2 \(y\): /,
  });
  t.throws(() => both([portal('b'), portal('b')]), { message: /^mine\.json: entry 2 \(b\): .*twice/ });
  t.throws(() => both(Object.assign([], { toJSON: () => ({}) })), {
    message: /^mine\.json: must be a JSON array/,
  });
});

test('an API belongs to one client: two cannot both claim to look at its tokens', async (t) => {
  const db = await freshDatabase(t);
  await applyClients(db, parse([portal('a', { resources: [API] })]), NOW);
  t.like(await openCatalogue(db, () => NOW).resource(API.identifier), {
    clientId: 'a',
    minAcr: 'urn:ymt:acr:basic',
  });
  await applyClients(db, parse([portal('a'), portal('b', { resources: [API] })]), NOW);
  t.is(
    (await openCatalogue(db, () => NOW).resource(API.identifier))?.clientId,
    'b',
    'moved by the file, on purpose',
  );
  await applyClients(db, parse([portal('a')]), NOW);
  t.is(await openCatalogue(db, () => NOW).resource(API.identifier), undefined);
});

test('a sector is for life, also of a client that was away for a while', async (t) => {
  const db = await freshDatabase(t);
  await applyClients(db, parse([portal('a', { sector: 'city-a.portal' })]), NOW);
  const other = parse([portal('new'), portal('a', { sector: 'city-b.portal' })]);
  await t.throwsAsync(applyClients(db, other, NOW), {
    instanceOf: ClientsFileError,
    message: /city-a\.portal/,
  });
  t.is(await openCatalogue(db, () => NOW).client('new'), undefined, 'all or nothing');
  await applyClients(db, [], NOW);
  t.is(await openCatalogue(db, () => NOW).client('a'), undefined);
  await t.throwsAsync(applyClients(db, other, NOW), { instanceOf: ClientsFileError });
  await applyClients(db, parse([portal('a', { sector: 'city-a.portal', client_name: 'A' })]), NOW);
  t.like(await openCatalogue(db, () => NOW).client('a'), { client_name: 'A' });
});

test('what the file makes of a client is in the audit log, once, and nothing of its secret', async (t) => {
  const db = await freshDatabase(t, { max: 4 });
  let at = NOW;
  const apply = async (...entries: object[]) => {
    at = new Date(at.getTime() + 60_000);
    await Promise.all([1, 2, 3].map(() => applyClients(db, parse(entries), at)));
    return db.query(
      `select type, client_id, actor, detail from audit_events where at = $1 order by client_id, id`,
      [at],
    );
  };
  const event = (type: string, client_id: string, detail = {}) => ({
    type,
    client_id,
    actor: 'system',
    detail,
  });
  t.deepEqual(await apply(portal('a', { resources: [API] }), portal('b')), [
    event('client.registered', 'a'),
    event('client.registered', 'b'),
  ]);
  t.deepEqual(await apply(portal('b'), portal('a', { resources: [API] })), []);
  const client_secret = 'another-client-secret-of-32-letters';
  t.deepEqual(
    await apply(portal('a', { resources: [API], client_secret }), portal('b', { consent: 'explicit' })),
    [event('client.changed', 'a', { secret: true }), event('client.changed', 'b', { metadata: true })],
  );
  const moved = [portal('b', { consent: 'explicit', resources: [API] }), portal('a', { client_secret })];
  t.deepEqual(
    await apply(...moved),
    [event('client.changed', 'a', { resources: true }), event('client.changed', 'b', { resources: true })],
    'an API that went to another client concerns both',
  );
  t.deepEqual(await apply(moved[0]!), [event('client.disabled', 'a')]);
  t.deepEqual(await apply(moved[0]!, portal('a')), [
    event('client.enabled', 'a'),
    event('client.changed', 'a', { secret: true }),
  ]);
});

test('applying the same file twice, or from several processes at once, changes nothing', async (t) => {
  const db = await freshDatabase(t, { max: 8 });
  const clients = parse([portal('a', { resources: [API] }), portal('b')]);
  await Promise.all(Array.from({ length: 6 }, () => applyClients(db, clients, NOW)));
  const read = () => db.query('select client_id, metadata, updated_at, disabled_at from clients order by 1');
  const before = await read();
  t.is(before.length, 2);
  await applyClients(db, clients, new Date(NOW.getTime() + 60_000));
  t.deepEqual(await read(), before);
});

test('the catalogue remembers for five seconds, also what is not there', async (t) => {
  const db = await freshDatabase(t);
  let now = NOW;
  const catalogue = openCatalogue(db, () => now);
  t.is(await catalogue.client('a'), undefined);
  const asked = db.statements.length;
  await catalogue.client('a');
  t.is(db.statements.length, asked);
  await applyClients(db, parse([portal('a')]), NOW);
  now = new Date(NOW.getTime() + 4_999);
  t.is(await catalogue.client('a'), undefined);
  now = new Date(NOW.getTime() + 5_000);
  t.truthy(await catalogue.client('a'));
  now = new Date(NOW.getTime() - 3_600_000);
  await db.query(`update clients set disabled_at = $1`, [NOW]);
  t.is(await catalogue.client('a'), undefined, 'a clock that was put back keeps nothing for hours');
});

test.serial('the catalogue remembers for as long as the settings say', async (t) => {
  const db = await freshDatabase(t);
  let now = NOW;
  const catalogue = openCatalogue(db, () => now);
  const before = readLifetimes();
  t.teardown(() => useLifetimes(before));
  useLifetimes(readLifetimes({ clientCache: 2 }));
  await catalogue.client('a');
  const asked = db.statements.length;
  now = new Date(NOW.getTime() + 1_999);
  await catalogue.client('a');
  t.is(db.statements.length, asked);
  now = new Date(NOW.getTime() + 2_000);
  await catalogue.client('a');
  t.is(db.statements.length, asked + 1);
});

test('the published schema of the file names our metadata', (t) => {
  const { items } = clientsFileSchema() as { items: { properties: object; required: string[] } };
  t.true(['sector', 'min_acr', 'claims_allowed', 'resources'].every((name) => name in items.properties));
  t.true(items.required.includes('sector'));
});

const entry = (over: object) =>
  parseClients(JSON.stringify([{ client_id: 'a', client_name: 'A', sector: 'a', ...over }]), 'f');

test('no client of the sandbox or of the examples gets into production', (t) => {
  for (const file of ['sandbox/clients.json', 'docs/examples/clients.json']) {
    for (const client of parseClients(textOf(file), file)) {
      if (client.token_endpoint_auth_method === 'none') continue;
      t.throws(
        () => refuseKnownSecrets([client]),
        { instanceOf: ClientsFileError, message: /ships with/ },
        client.client_id,
      );
    }
  }
});

test('a client with a secret or key of its own does', (t) => {
  t.notThrows(() =>
    refuseKnownSecrets(
      entry({ token_endpoint_auth_method: 'client_secret_basic', client_secret: 'x'.repeat(32) }),
    ),
  );
  t.notThrows(() => refuseKnownSecrets(entry({ jwks: { keys: [{ kty: 'EC', kid: 'tax-2026' }] } })));
  t.notThrows(() => refuseKnownSecrets(entry({ jwks_uri: 'https://tax.example.gov.cn/jwks' })));
});

const ownEntry = accountClient('http://localhost:3000', 'x'.repeat(43));

test('a client of the product stays when the file changes, and its secret is kept as a hash', async (t) => {
  const db = await freshDatabase(t);
  await registerOwnClient(db, ownEntry, NOW);
  await registerOwnClient(db, ownEntry, NOW);
  await applyClients(db, [], NOW);
  const client = await openCatalogue(db, () => NOW).client('account');
  t.like(client, { client_name: '我的账户', sector: 'account' });
  t.deepEqual(await audited(db, ['client.registered', 'client.changed', 'client.disabled']), [
    ['client.registered', {}],
  ]);
  t.false(JSON.stringify(client).includes(ownEntry.client_secret));
  for (const sector of ['account', 'other']) {
    await t.throwsAsync(applyClients(db, parse([portal('account', { sector })]), NOW), {
      instanceOf: ClientsFileError,
      message: 'account: client_id: is the platform’s own; take another',
    });
  }
});

test('a wrong entry is refused', async (t) => {
  const db = await freshDatabase(t);
  await t.throwsAsync(registerOwnClient(db, { ...ownEntry, sector: 'Not A Sector' }, NOW));
});
