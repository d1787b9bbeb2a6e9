import test from 'ava';
import { z } from 'zod';
import { published } from '../../docs/publish.ts';
import { textOf } from '../support/sources.ts';

const schemaOf = (file: string) =>
  z.fromJSONSchema(JSON.parse(textOf(`docs/schemas/${file}`)) as Parameters<typeof z.fromJSONSchema>[0]);
const jsonOf = (file: string): unknown => JSON.parse(textOf(file));

for (const [path, text] of Object.entries(published())) {
  test(`docs/${path} says what the source says; "npm run docs" writes it`, (t) => {
    t.is(textOf(`docs/${path}`), text);
  });
}

test('the published schemas accept the clients and people that ship, and refuse mistakes', (t) => {
  const clients = schemaOf('clients.schema.json');
  for (const file of ['sandbox/clients.json', 'docs/examples/clients.json']) {
    t.is(clients.safeParse(jsonOf(file)).error, undefined, file);
  }
  t.false(clients.safeParse([{ client_id: 'a', client_name: 'A' }]).success, 'no sector');
  t.false(clients.safeParse([{ client_id: 'a', client_name: 'A', sector: 'a', min_acr: 'gold' }]).success);
  const people = schemaOf('people.schema.json');
  t.is(people.safeParse(jsonOf('sandbox/people.json')).error, undefined);
  t.false(people.safeParse([{ name: 'A' }]).success);
});
