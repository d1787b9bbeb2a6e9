import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { exportJWK, generateKeyPair } from 'jose';
import { Registry } from 'prom-client';
import { watchSealing } from '../../src/audit/gauge.ts';
import { record } from '../../src/audit/log.ts';
import { sealAll, sealingKeyOf, waiting } from '../../src/audit/seal.ts';
import { freshDatabase } from '../support/database.ts';

const now = new Date('2026-03-01T08:00:00Z');
const newKey = async (kid: string) => {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  return sealingKeyOf({ ...(await exportJWK(privateKey)), kid });
};
const cli = (env: Record<string, string>) =>
  spawnSync(process.execPath, [fileURLToPath(new URL('../../src/audit/verify-cli.ts', import.meta.url))], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, ...env },
  });

test('audit:verify says that a sound log is sound, across a change of key, and what waits', async (t) => {
  const db = await freshDatabase(t);
  for (const kid of ['first', 'second']) {
    await record(db, { type: 'password.changed', at: now });
    await sealAll(db, await newKey(kid), now);
  }
  await record(db, { type: 'email.changed', at: now });
  const { status, stdout } = cli({ DATABASE_URL: db.url });
  t.is(status, 0);
  t.regex(stdout, /Checked the links 1 to 2; head 2:/);
  t.regex(stdout, /Sound/);
  t.regex(stdout, /Not sealed yet: 1\.\n {2}2026-03-01T08:00:00.000Z .* email\.changed/);
});

test('audit:verify names what is broken and ends with 1', async (t) => {
  const db = await freshDatabase(t);
  await record(db, { type: 'password.changed', at: now });
  await sealAll(db, await newKey('a'), now);
  await db.query('alter table audit_events disable trigger user');
  await db.query(`update audit_events set type = 'email.changed'`);
  const { status, stdout } = cli({ DATABASE_URL: db.url });
  t.is(status, 1);
  t.regex(stdout, /BROKEN at 1 \(event [0-9a-f-]{36}\): the event was changed/);
});

test('audit:verify believes keys from outside rather than the database’s own', async (t) => {
  const db = await freshDatabase(t);
  await record(db, { type: 'password.changed', at: now });
  await sealAll(db, await newKey('a'), now);
  const file = join(tmpdir(), `audit-keys-${process.pid}.json`);
  writeFileSync(file, JSON.stringify({ keys: [{ ...(await newKey('a')).publicJwk, kid: 'a' }] }));
  const { status, stdout } = cli({ DATABASE_URL: db.url, AUDIT_KEYS_FILE: file });
  t.is(status, 1);
  t.regex(stdout, /signature/);
});

test('audit:verify says what is missing when it cannot look, and ends with 2', (t) => {
  const { status, stderr } = cli({ DATABASE_URL: 'postgres://nobody@localhost:1/none' });
  t.is(status, 2);
  t.regex(stderr, /could not be checked/);
  t.is(cli({ DATABASE_URL: 'postgres://x@localhost:1/y', AUDIT_HEAD: 'x' }).status, 2);
});

test('the metrics tell how many events wait and for how long', async (t) => {
  const db = await freshDatabase(t);
  await record(db, { type: 'password.changed', at: now });
  const registry = new Registry();
  watchSealing(
    registry,
    () => waiting(db),
    () => new Date(now.getTime() + 90_000),
  );
  const text = await registry.metrics();
  t.regex(text, /^audit_unsealed_events 1$/m);
  t.regex(text, /^audit_unsealed_age_seconds 90$/m);
});
