import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { findByBinding, importCitizen } from '../src/citizens/import.ts';
import { rotateMasterKey } from '../src/citizens/rotate-keys.ts';
import { createAccount, createCitizen, findByIdentifier, readCitizen } from '../src/citizens/store.ts';
import { readRecovery, startRecovery } from '../src/front-door/recovery/store.ts';
import { readDraft, saveDraft } from '../src/front-door/registration/store.ts';
import type { Database } from '../src/platform/database.ts';
import { createCipher } from '../src/platform/field-encryption.ts';
import { newId } from '../src/platform/id.ts';
import { deliver, post } from '../src/platform/outbox.ts';
import { SEALED_COLUMNS } from '../src/sealed-columns.ts';
import { ensureSigningKeys, readSigningKeys } from '../src/sessions/signing-keys.ts';
import { audited } from './support/audited.ts';
import { cipher, phoneOf, residentIdOf } from './support/citizens.ts';
import { freshDatabase } from './support/database.ts';
import { entriesOf, personNamed, startFrontDoor, submit } from './support/front-door.ts';

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

const SCRIPT = fileURLToPath(new URL('../src/import-users.ts', import.meta.url));

const userLine = (n: number, over: object = {}) =>
  JSON.stringify({
    old_identifier: `u${n}`,
    name: '张三',
    document_type: 'resident_id',
    id_number: residentIdOf(n),
    ...over,
  });

const importUsers = (databaseUrl: string, lines: string[], args = ['old-portal'], SANDBOX = '1') =>
  spawnSync(process.execPath, [SCRIPT, ...args], {
    encoding: 'utf8',
    input: lines.join('\n'),
    env: {
      PATH: process.env.PATH,
      DATABASE_URL: databaseUrl,
      MASTER_KEYS: `k:${keys.old.toString('base64')}`,
      INDEX_KEY: indexKey.toString('base64'),
      SANDBOX,
      SANDBOX_PROVINCES: '39',
    },
  });

test('users of an older platform are recorded once however often they are imported; bad lines are named', async (t) => {
  const db = await freshDatabase(t);
  const wrong = userLine(3, { id_number: '390100199001020011' });
  const lines = [userLine(1), userLine(2), wrong, 'no json', userLine(4, { name: '' })];
  const first = importUsers(db.url, lines);
  t.is(first.status, 1);
  t.is(first.stdout, 'imported 2, known 0, bad 3\n');
  t.is(first.stderr, 'line 3: id_number: check_digit\nline 4: not JSON\nline 5: name: empty\n');
  t.notRegex(first.stderr + first.stdout, /3901|张三/);
  const second = importUsers(db.url, [...lines.slice(0, 2), userLine(5)]);
  t.is(second.status, 0);
  t.is(second.stdout, 'imported 1, known 2, bad 0\n');
  const own = createCipher({ current: 'k', keys: { k: keys.old }, indexKey });
  const citizenId = await findByBinding(db, own, { system: 'old-portal', oldIdentifier: 'u1' });
  t.deepEqual(await findByIdentifier(db, own, residentIdOf(1)), { citizenId, state: 'none' });
  t.is((await readCitizen(db, own, citizenId!))?.birthDate, '1990-01-02');
  t.is(await findByIdentifier(db, own, phoneOf(1)), undefined, 'nothing to log in with');
  t.is((await db.query(`select 1 from audit_events where type = 'registration.imported'`)).length, 3);
  t.is(importUsers(db.url, [], ['Old Portal']).status, 2);
  const outside = importUsers(db.url, [userLine(6)], ['old-portal'], '');
  t.regex(outside.stderr, /SANDBOX_PROVINCES works only with SANDBOX=1/, 'only the sandbox adds provinces');
  t.is(outside.status, 2);
});

test('a passport number of two countries makes nobody the owner of another’s old account', async (t) => {
  const db = await freshDatabase(t);
  const passport = (n: number, name: string) =>
    userLine(n, { name, document_type: 'passport', id_number: 'E12345678' });
  const { status, stdout, stderr } = importUsers(db.url, [
    passport(1, 'JOHN SMITH'),
    passport(2, 'MARIE EXEMPLE'),
    passport(3, 'John Smith'),
  ]);
  t.is(stdout, 'imported 2, known 0, bad 1\n');
  t.is(stderr, 'line 2: id_number: somebody else has a passport with that number\n');
  t.is(status, 1);
});

test('registering with the same document claims the record and its old identifier', async (t) => {
  const door = await startFrontDoor(t);
  const person = personNamed('deng_yutong');
  const imported = await importCitizen(door.db, cipher, {
    name: '邓雨同',
    documentType: 'resident_id',
    idNumber: person.id_number,
    system: 'old-portal',
    oldIdentifier: 'dyt',
    now: door.now(),
  });
  const jar = door.jar();
  await submit(jar, '/register', entriesOf(person));
  t.regex(
    (await submit(jar, '/register/code', { sms_code: await door.code(person.phone) })).text,
    /注册成功/,
  );
  t.is((await findByIdentifier(door.db, cipher, person.username))?.citizenId, imported);
  t.is(await findByBinding(door.db, cipher, { system: 'old-portal', oldIdentifier: 'dyt' }), imported);
  t.like(await readCitizen(door.db, cipher, imported), { name: person.name, birthDate: person.birth_date });
});
