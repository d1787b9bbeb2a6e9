import test from 'ava';
import { makeDailyFile, pullAll, refreshPids } from '../../../src/health-code/exchange/exchange.ts';
import { FileRefused, type Manifest } from '../../../src/health-code/exchange/file.ts';
import { refuse } from '../../../src/health-code/exchange/incoming.ts';
import { readPeerStates, recordContact } from '../../../src/health-code/exchange/peer-state.ts';
import { minutesLater, NOW } from '../../support/citizens.ts';
import { daysLater, givenHealthCode } from '../../support/health.ts';
import { givenOfficer, startOffice } from '../../support/health-office.ts';
import { both, colourIn, neighbours, type Province, turnRed } from '../../support/provinces.ts';

const names = async ({ db }: Province) =>
  (await db.query<{ name: string }>('select name from health_own_files order by created_at')).map(
    ({ name }) => name.slice(10, 25),
  );

test('a spoilt file keeps a province waiting for a day at most: a full one is asked for and begins anew', async (t) => {
  const { a, b, inA, inB } = await neighbours(t);
  await makeDailyFile(a.work);
  await refreshPids(b.work);
  await pullAll(b.work);
  both(a, b, minutesLater(1));
  await turnRed(a, inA);
  await makeDailyFile(a.work, true);
  await a.db.query(`update health_own_file_parts set bytes = '\\x00' where name like '%_0002_D%'`);
  for (const minute of [2, 3, 4]) {
    both(a, b, minutesLater(minute));
    await pullAll(b.work);
  }
  const refused = await b.db.query(`select reason, times from health_peer_files where state = 'rejected'`);
  t.deepEqual(refused, [{ reason: 'truncated', times: 3 }]);
  t.is(await colourIn(b, inB.citizenId), 'GREEN G301');
  await makeDailyFile(a.work);
  t.deepEqual(await names(a), ['20261123_0001_F', '20261123_0002_D'], 'one full file a day');

  both(a, b, daysLater(1));
  await makeDailyFile(a.work);
  await pullAll(b.work);
  t.is(await colourIn(b, inB.citizenId), 'RED R108');
  both(a, b, daysLater(2));
  await makeDailyFile(a.work);
  await pullAll(b.work);
  t.deepEqual((await names(a)).slice(2), ['20261124_0001_F', '20261125_0001_D']);
  const [state] = await readPeerStates(b.db, (await b.work.peers())!.peers.values(), b.at.now);
  t.like(state, { freshness: 'fresh', trouble: undefined, lastFile: { rows: 0 } });
});

test('a province that was restored from an old backup is heard again', async (t) => {
  const { a, b, inA, inB } = await neighbours(t);
  await makeDailyFile(a.work);
  await refreshPids(b.work);
  await pullAll(b.work);
  both(a, b, daysLater(1));
  await turnRed(a, inA);
  await makeDailyFile(a.work);
  await pullAll(b.work);
  t.is(await colourIn(b, inB.citizenId), 'RED R108');
  await a.db.query(`delete from health_own_files where kind = 'D'`);
  await a.db.query(`delete from health_own_file_parts where name like '%D.jsonl.gz'`);
  await a.db.query('delete from health_told');
  await a.db.query('update health_evidence set revoked_at = $1', [a.at.now]);
  await colourIn(a, inA.citizenId);

  await pullAll(b.work);
  t.deepEqual(b.errors, []);
  both(a, b, daysLater(2));
  await makeDailyFile(a.work);
  await pullAll(b.work);
  t.deepEqual(b.errors, []);
  t.deepEqual(await names(a), ['20261123_0001_F', '20261125_0001_F']);
  t.is(await colourIn(b, inB.citizenId), 'GREEN G301');
});

test('a full file is made once a week, and another province does not hide one that is silent', async (t) => {
  const { a, b, inB } = await neighbours(t);
  b.meet({ issuer: '370000', url: 'http://127.0.0.1:9' });
  await b.db.query(
    `insert into health_sources (source, received_at) values ('peer:370000', $1), ('peer:1', $1)`,
    [NOW],
  );
  t.is(await colourIn(b, inB.citizenId), 'GREEN G301');
  for (let day = 0; day < 16; day += 1) {
    both(a, b, daysLater(day));
    await makeDailyFile(a.work);
    await pullAll(b.work);
  }
  const kinds = (await names(a)).map((name) => name.at(-1)).join('');
  t.is(kinds, 'FDDDDDDFFDDDDDDF', 'also on the first of December');
  t.deepEqual(await b.db.query(`select source from health_sources where source like 'peer:%' order by 1`), [
    { source: 'peer:370000' },
    { source: 'peer:390000' },
  ]);
  t.is(await colourIn(b, inB.citizenId), 'GREEN G301 D901');
  const states = await readPeerStates(b.db, (await b.work.peers())!.peers.values(), b.at.now);
  t.deepEqual(
    states.map(({ issuer, freshness, trouble }) => [issuer, freshness, trouble?.reason]),
    [
      ['390000', 'fresh', undefined],
      ['370000', 'stale', 'unreachable'],
    ],
  );
});

test('whose red ends at midnight is not in the file of midnight, also while somebody else decides it', async (t) => {
  const { a, inA } = await neighbours(t);
  await turnRed(a, inA, daysLater(-13));
  await a.db.query(
    `insert into health_releases (subject, id, source, reference, at, received_at)
     values ($1, gen_random_uuid(), 'cdc', 'r', $2, $2)`,
    [inA.subject, NOW],
  );
  t.is(await colourIn(a, inA.citizenId), 'RED R104');
  a.at.now = new Date('2026-11-23T16:00:20Z');
  await a.db.transaction(async (tx) => {
    await tx.query('select 1 from health_people where citizen_id = $1 for update', [inA.citizenId]);
    await makeDailyFile(a.work);
    t.deepEqual(await names(a), []);
  });
  await makeDailyFile(a.work);
  t.deepEqual(await a.db.query('select name, row_count from health_own_files'), [
    { name: 'HC_390000_20261124_0001_F.jsonl.gz', row_count: 0 },
  ]);
});

test('who has no pseudonym yet because somebody is at work on their row is not left out of the file', async (t) => {
  const { a, inA } = await neighbours(t);
  await turnRed(a, inA);
  await a.db.transaction(async (tx) => {
    await tx.query('select 1 from health_people where citizen_id = $1 for update', [inA.citizenId]);
    await makeDailyFile(a.work);
    t.deepEqual(await names(a), []);
  });
  await makeDailyFile(a.work);
  t.deepEqual(await a.db.query('select row_count from health_own_files'), [{ row_count: 1 }]);
});

test('two who make the daily file at once leave one, two who fetch it at once take it once', async (t) => {
  const { a, b, inA, inB } = await neighbours(t);
  await turnRed(a, inA);
  await Promise.all([makeDailyFile(a.work), makeDailyFile(a.work)]);
  t.deepEqual(await names(a), ['20261123_0001_F']);
  await refreshPids(b.work);
  await Promise.all([pullAll(b.work), pullAll(b.work)]);
  t.deepEqual(b.errors, []);
  t.deepEqual(await b.db.query('select state, times from health_peer_files'), [
    { state: 'accepted', times: 1 },
  ]);
  t.is(await colourIn(b, inB.citizenId), 'RED R108');
});

test('officers see what came from each province, what was refused, why, and what to do', async (t) => {
  const site = await startOffice(t);
  const { db } = site;
  await givenHealthCode(db);
  site.officer.citizenId = (await givenOfficer(db, 1, ['health_approver'])).citizenId;
  const page = '/health/officer/exchange';
  t.regex((await site.jar.get(page)).text, /没有配置其他省份/);
  site.peers.push({ issuer: '380000', name: '示例邻省', url: 'https://a.example' });
  site.peers.push({ issuer: '370000', name: '示例远省', url: 'https://b.example' });
  const manifest: Manifest = {
    schema: 'health-exchange-1',
    issuer: '380000',
    bizDate: '2026-11-23',
    seq: 2,
    kind: 'D',
    month: '2026-11',
    rows: 1,
    digest: `sha256:${'0'.repeat(64)}`,
    prevDigest: null,
    createdAt: NOW.toISOString(),
  };
  for (const minute of [0, 1]) await refuse(db, manifest, new FileRefused('gap'), minutesLater(minute));
  await recordContact(db, { issuer: '380000', trouble: 'gap', now: NOW });
  await recordContact(db, { issuer: '370000', trouble: undefined, now: NOW });
  await db.query(`insert into health_sources (source, received_at) values ('peer:370000', $1)`, [NOW]);
  const desk = await site.jar.get('/health/officer');
  t.regex(desk.text, /href="\/health\/officer\/exchange"/);
  const { text } = await site.jar.get(page);
  t.regex(
    text,
    /示例邻省（380000）[\s\S]*与上一份文件不衔接（自 2026年11月23日 10:00 起）[\s\S]*已请求对方提供完整文件/,
  );
  t.regex(
    (await site.jar.get(`${page}?lang=en`)).text,
    /示例邻省[\s\S]*Shandong/,
    'in English where the code is known',
  );
  t.regex(text, /HC_380000_20261123_0002_D\.jsonl\.gz[\s\S]*2 次/);
  t.deepEqual(
    [...text.matchAll(/data-freshness="(\w+)"/g)].map(([, freshness]) => freshness),
    ['never', 'fresh'],
  );
  for (const reason of ['unreachable', 'bad_signature', 'unknown_month', 'made_in_future'] as const) {
    await recordContact(db, { issuer: '380000', trouble: reason, now: NOW });
    t.notRegex((await site.jar.get(page)).text, /healthOffice\./);
  }
});
