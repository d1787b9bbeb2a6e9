import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { findByBinding, importCitizen } from '../src/citizens/import.ts';
import { findByIdentifier, readCitizen } from '../src/citizens/store.ts';
import { createCipher } from '../src/platform/field-encryption.ts';
import { cipher, phoneOf, residentIdOf } from './support/citizens.ts';
import { freshDatabase } from './support/database.ts';
import { entriesOf, personNamed, startFrontDoor, submit } from './support/front-door.ts';

const SCRIPT = fileURLToPath(new URL('../src/import-users.ts', import.meta.url));
const key = Buffer.alloc(32, 1);
const indexKey = Buffer.alloc(32, 2);

const line = (n: number, over: object = {}) =>
  JSON.stringify({
    old_identifier: `u${n}`,
    name: '张三',
    document_type: 'resident_id',
    id_number: residentIdOf(n),
    ...over,
  });

const run = (databaseUrl: string, lines: string[], args = ['old-portal'], SANDBOX = '1') =>
  spawnSync(process.execPath, [SCRIPT, ...args], {
    encoding: 'utf8',
    input: lines.join('\n'),
    env: {
      PATH: process.env.PATH,
      DATABASE_URL: databaseUrl,
      MASTER_KEYS: `k:${key.toString('base64')}`,
      INDEX_KEY: indexKey.toString('base64'),
      SANDBOX,
      SANDBOX_PROVINCES: '39',
    },
  });

test('users of an older platform are recorded once however often they are imported; bad lines are named', async (t) => {
  const db = await freshDatabase(t);
  const wrong = line(3, { id_number: '390100199001020011' });
  const lines = [line(1), line(2), wrong, 'no json', line(4, { name: '' })];
  const first = run(db.url, lines);
  t.is(first.status, 1);
  t.is(first.stdout, 'imported 2, known 0, bad 3\n');
  t.is(first.stderr, 'line 3: id_number: check_digit\nline 4: not JSON\nline 5: name: empty\n');
  t.notRegex(first.stderr + first.stdout, /3901|张三/);
  const second = run(db.url, [...lines.slice(0, 2), line(5)]);
  t.is(second.status, 0);
  t.is(second.stdout, 'imported 1, known 2, bad 0\n');
  const own = createCipher({ current: 'k', keys: { k: key }, indexKey });
  const citizenId = await findByBinding(db, own, { system: 'old-portal', oldIdentifier: 'u1' });
  t.deepEqual(await findByIdentifier(db, own, residentIdOf(1)), { citizenId, state: 'none' });
  t.is((await readCitizen(db, own, citizenId!))?.birthDate, '1990-01-02');
  t.is(await findByIdentifier(db, own, phoneOf(1)), undefined, 'nothing to log in with');
  t.is((await db.query(`select 1 from audit_events where type = 'registration.imported'`)).length, 3);
  t.is(run(db.url, [], ['Old Portal']).status, 2);
  const outside = run(db.url, [line(6)], ['old-portal'], '');
  t.regex(outside.stderr, /SANDBOX_PROVINCES works only with SANDBOX=1/, 'only the sandbox adds provinces');
  t.is(outside.status, 2);
});

test('a passport number of two countries makes nobody the owner of another’s old account', async (t) => {
  const db = await freshDatabase(t);
  const passport = (n: number, name: string) =>
    line(n, { name, document_type: 'passport', id_number: 'E12345678' });
  const { status, stdout, stderr } = run(db.url, [
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
