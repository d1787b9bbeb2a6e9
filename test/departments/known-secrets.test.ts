import test from 'ava';
import { ClientsFileError, parseClients, refuseKnownSecrets } from '../../src/departments/clients-file.ts';
import { textOf } from '../support/sources.ts';

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
