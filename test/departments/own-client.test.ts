import test from 'ava';
import { accountClient } from '../../src/account/client.ts';
import { openCatalogue } from '../../src/departments/catalogue.ts';
import { applyClients } from '../../src/departments/clients-file.ts';
import { registerOwnClient } from '../../src/departments/own-client.ts';
import { audited } from '../support/audited.ts';
import { NOW } from '../support/citizens.ts';
import { freshDatabase } from '../support/database.ts';

const entry = accountClient('http://localhost:3000', 'x'.repeat(43));
const clock = () => NOW;

test('a client of the product stays when the file changes, and its secret is kept as a hash', async (t) => {
  const db = await freshDatabase(t);
  await registerOwnClient(db, entry, NOW);
  await registerOwnClient(db, entry, NOW);
  await applyClients(db, [], NOW);
  const client = await openCatalogue(db, clock).client('account');
  t.like(client, { client_name: '我的账户', sector: 'account' });
  t.deepEqual(await audited(db, ['client.registered', 'client.changed', 'client.disabled']), [
    ['client.registered', {}],
  ]);
  t.false(JSON.stringify(client).includes(entry.client_secret));
});

test('a wrong entry is refused', async (t) => {
  const db = await freshDatabase(t);
  await t.throwsAsync(registerOwnClient(db, { ...entry, sector: 'Not A Sector' }, NOW));
});
