import { spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import { Registry } from 'prom-client';
import { watchSealing } from '../../src/audit/gauge.ts';
import { record } from '../../src/audit/log.ts';
import { purgeAudit } from '../../src/audit/purge.ts';
import { report } from '../../src/audit/report.ts';
import { seal, sealAll, sealingKeyOf, waiting } from '../../src/audit/seal.ts';
import { verify } from '../../src/audit/verify.ts';
import type { Database } from '../../src/platform/database.ts';
import { newId } from '../../src/platform/id.ts';
import { freshDatabase } from '../support/database.ts';

const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const publicJwk = pair.publicKey.export({ format: 'jwk' }) as JWK;
const key = { kid: 'audit-1', key: pair.privateKey, publicJwk };
const keyOf = (kid: string) => (kid === 'audit-1' ? pair.publicKey : undefined);
const now = new Date('2026-03-01T08:00:00Z');

const write = (db: Database, type: 'password.changed' | 'email.changed' = 'password.changed', at = now) =>
  db.transaction((tx) => record(tx, { type, citizenId: newId(), at }));

async function sealed(t: ExecutionContext, events: number, batch = 1_000) {
  const db = await freshDatabase(t);
  for (let i = 0; i < events; i += 1) await write(db);
  await sealAll(db, key, now, batch);
  return db;
}

/** What somebody with the rights of the owner of the tables can do. */
const tamper = async (db: Database, table: string, sql: string) => {
  await db.query(`alter table ${table} disable trigger user`);
  await db.query(sql);
  await db.query(`alter table ${table} enable trigger user`);
};

test('twenty writers and two sealers leave a sound chain with every event in it', async (t) => {
  const db = await freshDatabase(t, { max: 22 });
  let writing = true;
  const sealer = async () => {
    while (writing) await seal(db, key, now, 7);
  };
  const sealers = [sealer(), sealer()];
  await Promise.all(
    Array.from({ length: 20 }, async () => {
      for (let i = 0; i < 10; i += 1) await write(db);
    }),
  );
  writing = false;
  await Promise.all(sealers);
  await sealAll(db, key, now);
  const verdict = await verify(db, { keyOf, batch: 16 });
  t.is(verdict.broken, undefined);
  t.is(verdict.through, 200);
  t.deepEqual(verdict.unsealed, []);
  t.is(report(verdict).exitCode, 0);
});

test('an event whose transaction commits after later ones were sealed is sealed too', async (t) => {
  const db = await freshDatabase(t);
  const gate = Promise.withResolvers<void>();
  const written = Promise.withResolvers<void>();
  const late = db.transaction(async (tx) => {
    await record(tx, { type: 'email.changed', at: now });
    written.resolve();
    await gate.promise;
  });
  await written.promise;
  await write(db);
  t.is(await sealAll(db, key, now), 1);
  gate.resolve();
  await late;
  t.deepEqual(await waiting(db), { count: 1, oldestAt: now });
  t.is(await sealAll(db, key, now), 1);
  t.is((await verify(db, { keyOf })).through, 2);
});

test('an act that is rolled back leaves no event', async (t) => {
  const db = await freshDatabase(t);
  const act = db.transaction(async (tx) => {
    await record(tx, { type: 'password.changed', at: now });
    throw new Error('changed its mind');
  });
  await t.throwsAsync(act, { message: 'changed its mind' });
  t.deepEqual(await waiting(db), { count: 0, oldestAt: undefined });
});

test('a sealer that dies before it commits links nothing and loses nothing', async (t) => {
  const db = await freshDatabase(t);
  await write(db);
  const broken = { ...key, key: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey };
  await t.throwsAsync(seal(db, broken, now));
  t.is((await waiting(db)).count, 1);
  t.is(await seal(db, key, now), 1);
  t.is((await verify(db, { keyOf })).broken, undefined);
});

test('events not yet sealed are listed', async (t) => {
  const db = await sealed(t, 2);
  await write(db, 'email.changed');
  const verdict = await verify(db, { keyOf });
  t.is(verdict.broken, undefined);
  t.deepEqual(
    verdict.unsealed.map((event) => event.type),
    ['email.changed'],
  );
  t.regex(report(verdict).lines.join('\n'), /Not sealed yet: 1/);
});

test('the log refuses update, delete and truncate', async (t) => {
  const db = await sealed(t, 1);
  for (const table of ['audit_events', 'audit_links', 'audit_heads', 'access_log']) {
    await t.throwsAsync(db.query(`truncate ${table} cascade`), { message: /append-only/ });
  }
  await t.throwsAsync(db.query(`update audit_events set type = 'email.changed'`), { message: /append-only/ });
  await t.throwsAsync(db.query('delete from audit_events'), { message: /append-only/ });
  await t.throwsAsync(db.query('delete from audit_links'), { message: /append-only/ });
  await t.throwsAsync(db.query('update audit_heads set seq = 9'), { message: /append-only/ });
});

const attacks: [string, string, string, number, string][] = [
  [
    'a changed event',
    'audit_events',
    `update audit_events set type = 'email.changed' where id = (select event_id from audit_links where seq = 3)`,
    3,
    'event_changed',
  ],
  [
    'a deleted event',
    'audit_events',
    'delete from audit_events where id = (select event_id from audit_links where seq = 4)',
    4,
    'event_missing',
  ],
  ['a deleted link', 'audit_links', 'delete from audit_links where seq = 5', 5, 'number_missing'],
  ['a deleted beginning', 'audit_links', 'delete from audit_links where seq < 4', 4, 'start_not_signed'],
  [
    'a changed head',
    'audit_heads',
    `update audit_heads set jws = (select jws from audit_heads where seq = 4) where seq = 6`,
    6,
    'head_signature',
  ],
  ['a removed last head', 'audit_heads', 'delete from audit_heads where seq = 6', 5, 'head_missing'],
  ['a removed end', 'audit_links', 'delete from audit_links where seq > 4', 5, 'chain_shortened'],
];
for (const [what, table, sql, seq, breakage] of attacks) {
  test(`${what} is found and named`, async (t) => {
    const db = await sealed(t, 6, 2);
    if (what === 'a deleted beginning')
      await tamper(db, 'audit_heads', 'delete from audit_heads where seq < 4');
    await tamper(db, table, sql);
    const verdict = await verify(db, { keyOf });
    t.is(verdict.broken?.what, breakage as never);
    t.is(verdict.broken?.seq, seq);
    t.is(report(verdict).exitCode, 1);
  });
}

test('a chain cut off together with its heads is found by a head noted earlier', async (t) => {
  const db = await sealed(t, 6, 2);
  const known = (await verify(db, { keyOf })).head!;
  await tamper(db, 'audit_links', 'delete from audit_links where seq > 4');
  await tamper(db, 'audit_heads', 'delete from audit_heads where seq > 4');
  await db.query('update audit_chain set seq = 4, hash = (select hash from audit_links where seq = 4)');
  await tamper(
    db,
    'audit_events',
    'delete from audit_events where id not in (select event_id from audit_links)',
  );
  t.is((await verify(db, { keyOf })).broken, undefined);
  t.is((await verify(db, { keyOf, known })).broken?.what, 'chain_shortened');
});

test('a head signed by another key is refused', async (t) => {
  const db = await sealed(t, 1);
  const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey;
  t.is((await verify(db, { keyOf: () => other })).broken?.what, 'head_signature');
});

test('what is older than the log is kept goes in signed stretches, and the rest still verifies', async (t) => {
  const db = await freshDatabase(t);
  const day = (n: number) => new Date(now.getTime() + n * 86_400_000);
  for (const n of [0, 1, 2, 3]) {
    await write(db, 'password.changed', day(n));
    await write(db, 'password.changed', day(n));
    await sealAll(db, key, day(n));
  }
  t.is(await purgeAudit(db, { now: day(3), keepSeconds: 86_400 }), 4);
  const verdict = await verify(db, { keyOf });
  t.is(verdict.broken, undefined);
  t.deepEqual([verdict.from, verdict.through], [5, 8]);
  t.is(await purgeAudit(db, { now: day(30), keepSeconds: 86_400 }), 4);
  t.is((await verify(db, { keyOf })).broken, undefined);
  await write(db);
  await sealAll(db, key, day(30));
  t.is((await verify(db, { keyOf })).through, 9);
});

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
