import { createHash } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { gunzipSync, gzipSync } from 'node:zlib';
import test from 'ava';
import { makeDailyFile, pullAll, refreshPids } from '../../../src/health-code/exchange/exchange.ts';
import { rowSchema } from '../../../src/health-code/exchange/file.ts';
import type { Peer } from '../../../src/health-code/exchange/peers.ts';
import { pidOf } from '../../../src/health-code/exchange/pid.ts';
import { openManifest, sign, signManifest } from '../../../src/health-code/exchange/signed.ts';
import { NOW, residentIdOf } from '../../support/citizens.ts';
import { daysLater, givenDeclared } from '../../support/health.ts';
import { both, colourIn, KEY, neighbours, type Province, turnRed } from '../../support/provinces.ts';

test('a red of one province is known in the other, and what it takes back no longer counts there', async (t) => {
  const { a, b, inA, inB } = await neighbours(t);
  await turnRed(a, inA);
  await makeDailyFile(a.work);
  await refreshPids(b.work);
  await pullAll(b.work);
  t.deepEqual(b.errors, []);
  t.is(await colourIn(b, inB.citizenId), 'RED R108');

  both(a, b, daysLater(1));
  await a.db.query('update health_evidence set revoked_at = $1', [a.at.now]);
  t.is(await colourIn(a, inA.citizenId), 'GREEN G301');
  await makeDailyFile(a.work);
  await pullAll(b.work);
  t.deepEqual(b.errors, []);
  t.is(await colourIn(b, inB.citizenId), 'GREEN G301');
});

test('a person who registers later is met by what was said before', async (t) => {
  const { a, b } = await neighbours(t);
  const early = await givenDeclared(a.db, 9);
  await turnRed(a, early);
  await makeDailyFile(a.work);
  await pullAll(b.work);
  const late = await givenDeclared(b.db, 9);
  await refreshPids(b.work);
  t.is(await colourIn(b, late.citizenId), 'RED R108');
});

test('a file that comes while pseudonyms are being made meets the people whose they are', async (t) => {
  const { a, b, inA, inB } = await neighbours(t);
  await turnRed(a, inA);
  await makeDailyFile(a.work);
  // New pseudonyms are there for nobody else yet, although they have already met what was known before.
  await b.db.query(`create function nap() returns trigger language plpgsql as
    'begin perform pg_sleep(0.5); return null; end'`);
  await b.db.query(`create constraint trigger slow after insert on health_pids deferrable initially deferred
    for each row execute function nap()`);
  const filling = refreshPids(b.work);
  const asleep = `select from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'`;
  while ((await b.db.query(asleep)).length === 0);
  await Promise.all([filling, pullAll(b.work)]);
  t.deepEqual(b.errors, []);
  t.is(await colourIn(b, inB.citizenId), 'RED R108');
});

test('a file that waits for the one before it is still there when its turn comes', async (t) => {
  const { a, b, inA, inB } = await neighbours(t);
  await turnRed(a, inA);
  await makeDailyFile(a.work);
  await refreshPids(b.work);
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  const waits = `select from pg_stat_activity where datname = current_database() and wait_event = 'advisory'`;
  const pulling = await b.db.transaction(async (tx) => {
    await tx.query(`select pg_advisory_xact_lock(hashtextextended('health_peer:390000', 0))`);
    const pulled = pullAll(b.work);
    while ((await b.db.query(waits)).length === 0);
    for (let turn = 0; turn < 5; turn += 1) {
      collectGarbage();
      await new Promise(setImmediate);
    }
    return { pulled };
  });
  await pulling.pulled;
  t.deepEqual(b.errors, []);
  t.is(await colourIn(b, inB.citizenId), 'RED R108');
});

test('what a province knows only from another is not told back', async (t) => {
  const { a, b, inA, inB } = await neighbours(t);
  await turnRed(a, inA);
  await makeDailyFile(a.work);
  await b.db.query('update health_people set next_eval_at = $1', [daysLater(-1)]);
  await pullAll(b.work);
  await refreshPids(b.work);
  const due = await b.db.query('select 1 from health_people where next_eval_at = $1', [daysLater(-1)]);
  t.is(due.length, 2, 'what was due before is not put off');
  // Nor while a source is late, which stands beside the reasons.
  await b.db.query(`insert into health_sources (source, received_at) values ('hospital', $1)`, [
    daysLater(-9),
  ]);
  t.is(await colourIn(b, inB.citizenId), 'RED R108 D901');
  await makeDailyFile(b.work);
  await pullAll(a.work);
  t.deepEqual(await a.db.query('select 1 from health_peer_rows'), []);
});

test('a new month brings new pseudonyms, and nobody becomes red a second time by it', async (t) => {
  const { a, b, inA, inB } = await neighbours(t);
  both(a, b, new Date('2026-11-30T04:00:00Z'));
  await turnRed(a, inA);
  await makeDailyFile(a.work);
  await refreshPids(b.work);
  await pullAll(b.work);
  both(a, b, new Date('2026-12-01T04:00:00Z'));
  await makeDailyFile(a.work);
  await refreshPids(b.work);
  await pullAll(b.work);
  t.deepEqual(b.errors, []);
  t.is(await colourIn(b, inB.citizenId), 'RED R108');
  const rows = await b.db.query<{ superseded_at: Date | null }>('select superseded_at from health_evidence');
  t.deepEqual(rows, [{ superseded_at: null }]);
  const pids = await a.db.query('select distinct pid from health_pids where citizen_id = $1', [
    inA.citizenId,
  ]);
  t.is(pids.length, 2);
});

test('files hold no name, no number and no pseudonym that outlives its month', async (t) => {
  const { a, inA } = await neighbours(t);
  await turnRed(a, inA);
  await makeDailyFile(a.work);
  const [{ bytes } = { bytes: Buffer.alloc(0) }] = await a.db.query<{ bytes: Buffer }>(
    'select bytes from health_own_file_parts',
  );
  const text = gunzipSync(bytes).toString('utf8');
  t.deepEqual(JSON.parse(text), {
    pid: pidOf(KEY, 'resident_id', residentIdOf(1)).toString('base64url'),
    idt: 'resident_id',
    c: 'RED',
    rs: ['R104'],
    ef: NOW.toISOString(),
    et: '2026-12-06T16:00:00.000Z',
    v: '2020-1',
    op: 'A',
  });
  t.false(text.includes(residentIdOf(1)));
});

/** Puts another text into the one file that waits. */
async function rewrite({ db }: Province, change: (line: string) => string, rows = 1): Promise<void> {
  const [part] = await db.query<{ bytes: Buffer }>('select bytes from health_own_file_parts');
  const bytes = gzipSync(change(gunzipSync(part!.bytes).toString('utf8')));
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  await db.query('update health_own_file_parts set bytes = $1', [bytes]);
  await db.query('update health_own_files set digest = $1, row_count = $2', [digest, rows]);
}

/** What a hostile or broken neighbour could send, made by changing the file that waits at `a`. */
const damages: Record<string, { refused: string; damage: (a: Province) => Promise<unknown> }> = {
  'another row count': {
    refused: 'row_count_differs',
    damage: ({ db }) => db.query('update health_own_files set row_count = row_count + 1'),
  },
  'bytes that are not those of the digest': {
    refused: 'digest_differs',
    damage: ({ db }) => db.query(`update health_own_files set digest = 'sha256:' || repeat('0', 64)`),
  },
  'a stream that ends too early': {
    refused: 'truncated',
    damage: ({ db }) =>
      db.query('update health_own_file_parts set bytes = substr(bytes, 1, length(bytes) - 12)'),
  },
  'a row that is none': { refused: 'bad_row', damage: (a) => rewrite(a, () => '{"pid":"x"}\n') },
  'one person twice': { refused: 'bad_row', damage: (a) => rewrite(a, (line) => line + line, 2) },
  'a row that begins in the future': {
    refused: 'row_in_future',
    damage: (a) =>
      rewrite(a, (line) => JSON.stringify({ ...JSON.parse(line), ef: daysLater(1).toISOString() })),
  },
  'a month whose key is unknown': {
    refused: 'unknown_month',
    damage: ({ db }) => db.query(`update health_own_files set month = '2027-01'`),
  },
  'a time that has not come yet': {
    refused: 'made_in_future',
    damage: ({ db }) => db.query('update health_own_files set created_at = $1', [daysLater(1)]),
  },
};

for (const [what, { refused, damage }] of Object.entries(damages)) {
  test(`a file with ${what} is refused whole, by name, and nothing of it is kept`, async (t) => {
    const { a, b, inA, inB } = await neighbours(t);
    await turnRed(a, inA);
    await makeDailyFile(a.work);
    await refreshPids(b.work);
    await damage(a);
    await pullAll(b.work);
    t.like(b.errors[0], { issuer: '390000', refused });
    t.is(await colourIn(b, inB.citizenId), 'GREEN G301');
    t.deepEqual(await b.db.query('select 1 from health_peer_rows'), []);
    t.deepEqual(await b.db.query('select state, reason from health_peer_files'), [
      { state: 'rejected', reason: refused },
    ]);
  });
}

test('a row whose instants the database could not keep is no row', (t) => {
  const row = {
    pid: 'A'.repeat(43),
    idt: 'passport',
    c: 'RED',
    rs: ['R104'],
    ef: '2026-11-23T02:00:00Z',
    et: null,
    v: '2020-1',
    op: 'A',
  };
  t.true(rowSchema.safeParse(row).success);
  for (const at of ['0000-01-01T00:00:00Z', '0001-01-01T00:00:00+08:00', '9999-12-31T23:59:59-08:00']) {
    t.false(rowSchema.safeParse({ ...row, ef: at }).success, at);
    t.false(rowSchema.safeParse({ ...row, et: at }).success, at);
  }
});

test('a manifest that was changed after it was signed is refused', async (t) => {
  const { a, b, inA } = await neighbours(t);
  await turnRed(a, inA);
  await makeDailyFile(a.work);
  const peers = (await b.work.peers())!;
  const peer = peers.peers.get('390000') as Peer;
  const manifest = {
    schema: 'health-exchange-1',
    issuer: '390000',
    bizDate: '2026-11-23',
    seq: 1,
    kind: 'F',
    month: '2026-11',
    rows: 1,
    digest: `sha256:${'0'.repeat(64)}`,
    prevDigest: null,
    createdAt: NOW.toISOString(),
  } as const;
  const signed = await signManifest(a.work.keys, manifest, NOW);
  const check = (received: object, issuer = '390000') =>
    openManifest(received, b.work.keysOf(peer), { issuer, now: NOW });
  t.like(await check(signed), { rows: 1 });
  await t.throwsAsync(check({ ...signed, rows: 0 }), { message: /bad_signature/ });
  await t.throwsAsync(check({ ...signed, signature: 'x.y.z' }), { message: /bad_signature/ });
  await t.throwsAsync(check({ ...signed, kind: 'X' }), { message: /bad_manifest/ });
  await t.throwsAsync(check(signed, '370000'), { message: /wrong_issuer/ });
  const forged = await signManifest(b.work.keys, manifest, NOW);
  await t.throwsAsync(check(forged), { message: /bad_signature/ });
});

test('only a province that is known gets files, for one path and once', async (t) => {
  const { a, b } = await neighbours(t);
  t.is((await fetch(`${a.url}/health/exchange/files`)).status, 401);
  const iat = Math.floor(NOW.getTime() / 1000);
  const claims = {
    iss: '380000',
    aud: '390000',
    iat,
    exp: iat + 60,
    jti: 'one',
    path: '/health/exchange/files',
  };
  const get = (path: string, token: string) =>
    fetch(a.url + path, { headers: { authorization: `Bearer ${token}` } });
  const token = await sign(b.work.keys, 'hc-request+jwt', claims, NOW);
  t.is((await get('/health/exchange/files', token)).status, 200);
  t.is((await get('/health/exchange/files', token)).status, 401, 'used already');
  const other = await sign(b.work.keys, 'hc-request+jwt', { ...claims, jti: 'two' }, NOW);
  t.is((await get('/health/exchange/files/HC_390000_20261123_0001_F.jsonl.gz', other)).status, 401);
  const stranger = await sign(b.work.keys, 'hc-request+jwt', { ...claims, jti: 'three', aud: '370000' }, NOW);
  t.is((await get('/health/exchange/files', stranger)).status, 401);
  const old = await sign(b.work.keys, 'hc-request+jwt', { ...claims, jti: 'four', iat: iat - 900 }, NOW);
  t.is((await get('/health/exchange/files', old)).status, 401);
});

test('after a gap nothing is taken until the missing file is there', async (t) => {
  const { a, b, inA, inB } = await neighbours(t);
  await makeDailyFile(a.work);
  await refreshPids(b.work);
  await pullAll(b.work);
  await turnRed(a, inA);
  await makeDailyFile(a.work, true);
  await makeDailyFile(a.work, true);
  await a.db.query('create table hidden as select * from health_own_files where seq = 2');
  await a.db.query('delete from health_own_files where seq = 2');
  await pullAll(b.work);
  t.like(b.errors[0], { issuer: '390000', refused: 'gap' });
  t.is(await colourIn(b, inB.citizenId), 'GREEN G301');

  await a.db.query('insert into health_own_files select * from hidden');
  await pullAll(b.work);
  t.is(await colourIn(b, inB.citizenId), 'RED R108');
});
