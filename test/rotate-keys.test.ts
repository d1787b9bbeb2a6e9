import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { rotateMasterKey } from '../src/citizens/rotate-keys.ts';
import { createAccount, createCitizen, readCitizen } from '../src/citizens/store.ts';
import { readRecovery, startRecovery } from '../src/front-door/recovery/store.ts';
import { readDraft, saveDraft } from '../src/front-door/registration/store.ts';
import type { Database } from '../src/platform/database.ts';
import { createCipher } from '../src/platform/field-encryption.ts';
import { newId } from '../src/platform/id.ts';
import { deliver, post } from '../src/platform/outbox.ts';
import { SEALED_COLUMNS } from '../src/sealed-columns.ts';
import { ensureSigningKeys, readSigningKeys } from '../src/sessions/signing-keys.ts';
import { audited } from './support/audited.ts';
import { phoneOf, residentIdOf } from './support/citizens.ts';
import { freshDatabase } from './support/database.ts';

const keys = { old: Buffer.alloc(32, 1), new: Buffer.alloc(32, 2) };
const indexKey = Buffer.alloc(32, 3);
const before = createCipher({ current: 'old', keys, indexKey });
const after = createCipher({ current: 'new', keys: { new: keys.new }, indexKey });
const later = new Date(Date.now() + 3_600_000);

const rotate = (databaseUrl: string, order: (keyof typeof keys)[] = ['new', 'old']) =>
  spawnSync(process.execPath, [fileURLToPath(new URL('../src/rotate-keys.ts', import.meta.url))], {
    encoding: 'utf8',
    env: {
      PATH: process.env.PATH,
      DATABASE_URL: databaseUrl,
      MASTER_KEYS: order.map((id) => `${id}:${keys[id].toString('base64')}`).join(','),
      INDEX_KEY: indexKey.toString('base64'),
    },
  });

async function person(db: Database, n: number): Promise<string> {
  const now = new Date();
  return db.transaction(async (tx) => {
    const idNumber = residentIdOf(n);
    const citizenId = await createCitizen(tx, before, {
      name: '张三',
      documentType: 'resident_id',
      idNumber,
      now,
    });
    const account = {
      username: `person.${n}`,
      phone: phoneOf(n),
      passwordHash: 'x',
      boundLevel: 'basic',
    } as const;
    await createAccount(tx, before, { citizenId, ...account, now });
    return citizenId;
  });
}

test('after keys:rotate everything opens without the old key, also what an interrupted run had done', async (t) => {
  const db = await freshDatabase(t);
  const now = new Date();
  const ids = [];
  for (let n = 1; n <= 7; n++) ids.push(await person(db, n));
  const [first = ''] = ids;
  await ensureSigningKeys(db, before, now);
  await post(db, before, { channel: 'sms', to: phoneOf(1), text: '你好', kind: 'test', now });
  const ticket = Buffer.from('ticket');
  const draft = { name: '张三', idNumber: residentIdOf(8) };
  await saveDraft(db, before, ticket, draft as never, later);
  const file = { ...draft, locale: 'zh-CN', proofs: [], failures: {} };
  await startRecovery(db, before, { ticket, kind: 'phone', file: file as never, expiresAt: later });
  await db.query(
    `insert into health_declarations (citizen_id, id, at, notice, body, digest) values ($1, $2, $3, 'n', $4, 'd')`,
    [first, newId(), now, before.sealShared('health_declaration', first, '{"address":"示例街"}')],
  );

  // The plug is pulled after two batches.
  let batches = 0;
  const both = createCipher({ current: 'new', keys, indexKey });
  const dying: Database = {
    ...db,
    transaction: (work) => {
      if (batches++ === 2) throw new Error('killed');
      return db.transaction(work);
    },
  };
  await t.throwsAsync(async () => rotateMasterKey(dying, both, { limit: 2 }), { message: 'killed' });

  const { stdout, stderr, status } = rotate(db.url);
  t.is(status, 0, stderr);
  t.regex(stdout, /Persons' keys wrapped anew: 3\./, 'four were done before');
  t.regex(stdout, /signing_keys\.private_jwk sealed anew: 2\./);
  t.regex(stdout, /Everything is under new\..* old can go\./);

  for (const id of ids) t.is((await readCitizen(db, after, id))?.name, '张三');
  t.is((await readSigningKeys(db, after)).length, 2);
  t.like(await readDraft(db, after, ticket, now), { state: 'open', draft });
  t.like((await readRecovery(db, after, ticket, now))?.file, draft);
  const sent: string[] = [];
  await deliver(db, after, async ({ text }) => void sent.push(text), now);
  t.deepEqual(sent, ['你好']);
  const [row] = await db.query<{ body: Buffer }>('select body from health_declarations');
  t.is(after.unsealShared('health_declaration', first, row!.body), '{"address":"示例街"}');
  t.regex(rotate(db.url).stdout, /wrapped anew: 0\.\nEverything/, 'a second run finds nothing to do');
  t.deepEqual(await audited(db, ['key.rotated']), [
    ['key.rotated', { key: 'signing', step: 'made' }],
    ['key.rotated', { key: 'signing', step: 'made' }],
    ['key.rotated', { key: 'master' }],
  ]);
});

test('a declaration can be sealed anew and in no other way be changed', async (t) => {
  const db = await freshDatabase(t);
  const body = before.sealShared('health_declaration', 'x', '{}');
  await db.query(
    `insert into health_declarations (citizen_id, id, at, notice, body, digest) values ($1, $1, $2, 'n', $3, 'd')`,
    [newId(), new Date(), body],
  );
  await t.throwsAsync(db.query(`update health_declarations set body = 'other'`), { message: /append-only/ });
  await t.throwsAsync(
    db.transaction(async (tx) => {
      await tx.query(`select set_config('yimatong.reseal', 'on', true)`);
      await tx.query(`update health_declarations set digest = 'other'`);
    }),
    { message: /append-only/ },
  );
});

test('without the old key nothing is half done: it says which key is needed', async (t) => {
  const db = await freshDatabase(t);
  await person(db, 1);
  const { status, stderr } = rotate(db.url, ['new']);
  t.is(status, 2);
  t.regex(stderr, /master key old is needed/);
});

/** Hashes, keyed names and blind indexes: no master key seals such bytes. */
const DERIVED = /\.(\w+_)?(hash|digest|index|subject|pid|pseudonym|fingerprint)$/;
/** Nor these: keys of rows that are hashes, public keys, files that hold keyed names, what persons' own keys seal. */
const NOT_SEALED = new Set(
  `access_tokens.key account_sessions.key accounts.phone accounts.username authorization_codes.key
   citizens.birth_date citizens.id_number citizens.name citizens.wrapped_key health_codes.asked health_own_file_parts.bytes
   interactions.key passkeys.public_key pushed_authorization_requests.key refresh_tokens.key replay_records.key
   sessions.key sessions.previous_key totp_credentials.secret`.split(/\s+/),
);

test('every column of bytes is sealed by a master key and rotated, or known not to be', async (t) => {
  const db = await freshDatabase(t);
  const rows = await db.query<{ name: string }>(
    `select table_name || '.' || column_name as name from information_schema.columns
     where table_schema = current_schema() and data_type = 'bytea' order by 1`,
  );
  const sealed = SEALED_COLUMNS.map(({ table, column }) => `${table}.${column}`);
  const unknown = rows
    .map(({ name }) => name)
    .filter((name) => !sealed.includes(name) && !NOT_SEALED.has(name) && !DERIVED.test(name));
  t.deepEqual(unknown, [], 'name them in src/sealed-columns.ts, or here when no master key seals them');
  t.deepEqual(
    sealed.filter((name) => !rows.some((row) => row.name === name)),
    [],
    'columns that are gone',
  );
});
