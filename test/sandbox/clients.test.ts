import { readFileSync } from 'node:fs';
import test from 'ava';
import { loadPeople } from '../../sandbox/people/person.ts';
import { parseClients } from '../../src/departments/clients-file.ts';
import { healthSettings } from '../../src/health-code/settings.ts';
import { keyOf } from './portal/portals.ts';

const file = (name: string) => readFileSync(new URL(`../../sandbox/${name}`, import.meta.url), 'utf8');
const clients = parseClients(file('clients.json'), 'sandbox/clients.json');

test('the clients file of the sandbox is accepted', (t) => {
  t.deepEqual(
    clients.filter(({ health_sources }) => health_sources.length === 0).map(({ client_id }) => client_id),
    ['city-a', 'city-a-epidemic', 'city-b', 'hrss', 'tax'],
  );
});

test('every client has a sector of its own, and only the epidemic page may ask for the health code', (t) => {
  t.is(new Set(clients.map(({ sector }) => sector)).size, clients.length);
  const entitled = clients.filter(({ claims_allowed }) => claims_allowed.includes('health_code'));
  t.deepEqual(
    entitled.map(({ client_id, purposes }) => [client_id, purposes]),
    [['city-a-epidemic', ['epidemic_prevention']]],
  );
});

test('the registered public keys belong to the private ones, and no private one is registered', (t) => {
  for (const { client_id, token_endpoint_auth_method, ...client } of clients) {
    if (token_endpoint_auth_method !== 'private_key_jwt') continue;
    const registered = (client.jwks as { keys: Record<string, string>[] }).keys[0]!;
    const { kid, x, y } = keyOf(client_id);
    t.like(registered, { kid, x, y });
    t.false('d' in registered);
    t.true(kid.startsWith('sandbox-'));
  }
});

test('the README of the sandbox names everybody', (t) => {
  const readme = file('README.md');
  for (const { name, username } of loadPeople())
    t.true(readme.includes(`| ${name} | \`${username}\``), username);
});

test('every kind of source has a client of its own, which can do nothing else', (t) => {
  const sources = clients.filter(({ health_sources }) => health_sources.length > 0);
  t.deepEqual(
    sources.flatMap(({ health_sources }) => health_sources).sort(),
    Object.keys(healthSettings.sources).sort(),
  );
  for (const client of sources) {
    t.like(client, { grant_types: ['client_credentials'], redirect_uris: undefined, claims_allowed: [] });
  }
});
