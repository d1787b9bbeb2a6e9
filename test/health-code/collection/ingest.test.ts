import test from 'ava';
import { Registry } from 'prom-client';
import { forgetFeeds, watchFeeds } from '../../../src/health-code/collection/feeds.ts';
import { purgeCollection } from '../../../src/health-code/collection/purge.ts';
import { decideFor, runTransitions } from '../../../src/health-code/decide.ts';
import { cipher, NOW, residentIdOf } from '../../support/citizens.ts';
import { daysLater, givenDeclared } from '../../support/health.ts';
import { ndjson, rowOf, startSources } from '../../support/health-sources.ts';

const evidence =
  'select type, source, reference, version, revoked_at from health_evidence order by reference';

test('good rows are kept, bad ones told with line, reason and a sentence', async (t) => {
  const site = await startSources(t);
  const answer = await site.send(
    'hospital',
    ndjson([rowOf(1), 'nonsense', rowOf(2, { at: '2026-02-30T00:00:00+08:00' }), '', rowOf(3)]),
    { headers: { 'accept-language': 'en' } },
  );
  t.is(answer.status, 200);
  t.deepEqual(answer.refused, [
    { line: 2, outcome: 'refused', reason: 'not_json', message: 'The line is not JSON.' },
    {
      line: 3,
      outcome: 'refused',
      reason: 'date_impossible',
      field: 'at',
      message: 'The time does not exist, or lacks its offset.',
    },
  ] as never);
  t.like(answer.last, { outcome: 'complete', rows: 4, kept: 2, refused: 2, changed: 2 });
  t.is(answer.last.watermark, '2026-11-23T01:00:00.000Z');
  t.is((await site.db.query(evidence)).length, 2);
  t.deepEqual(await site.db.query('select 1 from citizens'), [], 'ingestion creates no citizen');
});

test('a row is joined when its person registers and declares, and decided anew when it comes later', async (t) => {
  const site = await startSources(t);
  await site.send('hospital', ndjson([rowOf(1)]));
  const early = await givenDeclared(site.db, 1);
  t.deepEqual((await decideFor(site.db, early.citizenId, NOW)).reasons, ['Y203']);
  const late = await givenDeclared(site.db, 2);
  t.is((await decideFor(site.db, late.citizenId, NOW)).colour, 'GREEN');
  await site.send('cdc', ndjson([rowOf(2, { type: 'CLOSE_CONTACT' }), rowOf(9, { type: 'CLOSE_CONTACT' })]));
  t.is(await runTransitions(site.db, { now: NOW }), 1, 'only whom it concerns is looked at');
  const [person] = await site.db.query<{ colour: string }>(
    'select colour from health_people where citizen_id = $1',
    [late.citizenId],
  );
  t.is(person?.colour, 'RED');
});

test('where people were colours nobody', async (t) => {
  const site = await startSources(t);
  const { citizenId } = await givenDeclared(site.db, 1);
  for (const [source, type] of Object.entries({
    transit: 'TRANSIT_RIDE',
    venue: 'VENUE_VISIT',
    community: 'COMMUNITY_ENTRY',
    police: 'POLICE_CHECK',
    telecom: 'TRIP',
    transport: 'TRIP',
  })) {
    const answer = await site.send(source, ndjson([rowOf(1, { type, place: '390100' })]));
    t.like(answer.last, { kept: 1, changed: 1 }, source);
    t.is((await site.send(source, ndjson([rowOf(1, { type: 'CASE_CONFIRMED' })]))).status, 422);
  }
  t.deepEqual((await decideFor(site.db, citizenId, NOW)).reasons, ['G301']);
  t.is((await site.db.query('select 1 from health_movements')).length, 6);
});

test('the same batch again, under another key or none, adds nothing', async (t) => {
  const site = await startSources(t);
  const rows = ndjson([rowOf(1), rowOf(2), rowOf(3, { type: 'X' })]);
  const first = await site.send('hospital', rows, { headers: { 'idempotency-key': 'day-1' } });
  t.like(first.last, { batch: 'day-1', kept: 2, refused: 1, changed: 2 });
  const again = await site.send('hospital', rows, { headers: { 'idempotency-key': 'day-1' }, gzip: true });
  t.deepEqual(again.refused, first.refused);
  t.deepEqual(again.last, { ...first.last, repeated: true });
  for (const headers of [{}, { 'idempotency-key': 'day-2' }] as Record<string, string>[]) {
    t.like((await site.send('hospital', rows, { headers })).last, { kept: 2, refused: 1, changed: 0 });
  }
  t.is((await site.db.query(evidence)).length, 2);
});

test('the same batch many times at once settles to one outcome', async (t) => {
  const site = await startSources(t);
  const rows = ndjson(Array.from({ length: 300 }, (_, n) => rowOf(n)));
  const headers = { 'idempotency-key': 'at-once' };
  const answers = await Promise.all(
    Array.from({ length: 6 }, () => site.send('hospital', rows, { headers })),
  );
  t.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
  for (const { last } of answers) t.like(last, { kept: 300, refused: 0, changed: 300 });
  t.is(answers.filter(({ last }) => last.repeated === undefined).length, 1);
  const bare = await Promise.all(Array.from({ length: 6 }, () => site.send('hospital', rows)));
  for (const { last } of bare) t.like(last, { kept: 300, changed: 0 });
  t.is((await site.db.query(evidence)).length, 300);
});

test('a key that was used for something else is refused, and nothing is taken', async (t) => {
  const site = await startSources(t);
  const headers = { 'idempotency-key': 'k' };
  await site.send('hospital', ndjson([rowOf(1)]), { headers });
  const other = await site.send('hospital', ndjson([rowOf(2)]), { headers });
  t.is(other.status, 422);
  t.is(other.last.error, 'ingest_key_reused');
  t.is((await site.db.query(evidence)).length, 1);
  t.is((await site.send('hospital', '', { headers: { 'idempotency-key': 'a b' } })).last.error, 'ingest_key');
});

test('a higher version corrects, a lower one comes late, another under the same version is refused', async (t) => {
  const site = await startSources(t);
  const open = rowOf(1, { type: 'CASE_CONFIRMED' });
  const discharged = { ...open, version: 2, dischargedAt: '2026-11-23T09:30:00+08:00' };
  await site.send('hospital', ndjson([open]));
  t.like((await site.send('hospital', ndjson([discharged]))).last, { kept: 1, changed: 1 });
  t.like((await site.send('hospital', ndjson([open]))).last, { kept: 1, changed: 0 });
  const differs = { ...discharged, dischargedAt: '2026-11-23T09:40:00+08:00' };
  const refused = await site.send('hospital', ndjson([differs, rowOf(2)]));
  t.like(refused.refused[0], { line: 1, reason: 'same_version_differs' });
  const within = await site.send(
    'hospital',
    ndjson([rowOf(3), rowOf(3, { at: '2026-11-23T09:10:00+08:00' })]),
  );
  t.like(within.refused[0], { line: 2, reason: 'same_version_differs' });
  const [row] = await site.db.query<{ discharged_at: Date }>(
    `select discharged_at from health_evidence where type = 'CASE_CONFIRMED'`,
  );
  t.is(row?.discharged_at.toISOString(), '2026-11-23T01:30:00.000Z');
});

test('what was taken back stays taken back, whatever arrives afterwards', async (t) => {
  const site = await startSources(t);
  const { citizenId } = await givenDeclared(site.db, 1);
  const contact = rowOf(1, { type: 'CLOSE_CONTACT' });
  await site.send('cdc', ndjson([contact]));
  t.is((await decideFor(site.db, citizenId, NOW)).colour, 'RED');
  await site.send('cdc', ndjson([{ ...contact, revokedAt: '2026-11-23T09:30:00+08:00' }]));
  t.is((await decideFor(site.db, citizenId, NOW)).colour, 'GREEN');
  await site.send('cdc', ndjson([{ ...contact, version: 9 }]));
  t.is((await decideFor(site.db, citizenId, NOW)).colour, 'GREEN');
});

test('two clients of a source may use the same reference, and neither changes what the other said', async (t) => {
  const site = await startSources(t);
  const row = rowOf(1, { reference: '1' });
  await site.send('hospital', ndjson([row]), { client: 'hospital-1' });
  const revoked = ndjson([{ ...row, revokedAt: '2026-11-23T09:30:00+08:00' }]);
  await site.send('hospital', revoked, { client: 'hospital-2' });
  t.deepEqual(
    (await site.db.query<{ reference: string; revoked_at: Date | null }>(evidence)).map((each) => [
      each.reference,
      each.revoked_at !== null,
    ]),
    [
      ['hospital-1/1', false],
      ['hospital-2/1', true],
    ],
  );
});

test('a release ends the red whose clock is over, and can be taken back', async (t) => {
  const site = await startSources(t);
  const { citizenId } = await givenDeclared(site.db, 1);
  await site.send('cdc', ndjson([rowOf(1, { type: 'CLOSE_CONTACT' })]));
  site.world.now = daysLater(15);
  t.deepEqual((await decideFor(site.db, citizenId, site.world.now)).reasons, ['R190', 'R104', 'D901']);
  const release = rowOf(1, { type: 'RELEASE', reference: 'x', at: '2026-12-08T09:00:00+08:00' });
  await site.send('cdc', ndjson([release]));
  t.deepEqual((await decideFor(site.db, citizenId, site.world.now)).reasons, ['G303']);
  await site.send('cdc', ndjson([{ ...release, revokedAt: '2026-12-08T09:30:00+08:00' }]));
  t.deepEqual((await decideFor(site.db, citizenId, site.world.now)).reasons, ['R190', 'R104']);
  t.is((await site.send('hospital', ndjson([release]))).refused[0]?.reason, 'type_not_of_source');
});

test('a back-dated exposure gives no colour; repeating what is known already is no mistake', async (t) => {
  const site = await startSources(t);
  const { citizenId } = await givenDeclared(site.db, 1);
  const entry = rowOf(1, { type: 'ENTRY_OVERSEAS', at: '2026-10-01T08:00:00+08:00' });
  const answer = await site.send('entry_exit', ndjson([entry]));
  t.is(answer.status, 422);
  t.like(answer.refused[0], { line: 1, reason: 'too_old' });
  t.is((await decideFor(site.db, citizenId, NOW)).colour, 'GREEN');
  const fresh = rowOf(1, { type: 'ENTRY_OVERSEAS' });
  await site.send('entry_exit', ndjson([fresh]));
  site.world.now = daysLater(20);
  t.like((await site.send('entry_exit', ndjson([fresh]))).last, { kept: 1, changed: 0 });
  const other = { ...fresh, at: '2026-11-23T08:00:00+08:00' };
  t.is((await site.send('entry_exit', ndjson([other]))).refused[0]?.reason, 'same_version_differs');
  t.like((await site.send('entry_exit', ndjson([{ ...other, version: 2 }]))).last, { kept: 1, changed: 1 });
});

test('without the right token, source, type or encoding nothing is read, and each is told by name', async (t) => {
  const site = await startSources(t);
  const row = ndjson([rowOf(1)]);
  const cases: [string, Parameters<typeof site.send>[2], number, string][] = [
    ['weather', {}, 404, 'ingest_source_unknown'],
    ['hospital', { headers: { authorization: '' } }, 401, 'ingest_token'],
    ['hospital', { scopes: 'ingest:police' }, 403, 'ingest_source_not_yours'],
    ['hospital', { headers: { 'content-type': 'application/json' } }, 415, 'ingest_content_type'],
    ['hospital', { headers: { 'content-type': 'text/csv' } }, 415, 'ingest_content_type'],
    ['hospital', { headers: { 'content-encoding': 'br' } }, 415, 'ingest_encoding'],
  ];
  for (const [source, options, status, error] of cases) {
    const answer = await site.send(source, row, options);
    t.like({ status: answer.status, ...answer.last }, { status, error });
    t.truthy(answer.last.error_description);
  }
  t.deepEqual(await site.db.query(evidence), []);
  await site.db.query('update health_activations set withdrawn_at = $1', [NOW]);
  t.like((await site.send('hospital', row)).last, { error: 'health_off' });
});

test('each feed has a watermark and a freshness, and one that fell silent is told to every citizen', async (t) => {
  const site = await startSources(t);
  const { citizenId } = await givenDeclared(site.db, 1);
  const look = async () => {
    const headers = { authorization: 'Bearer hospital-1 ingest:hospital' };
    return (await fetch(`${site.url}/health/ingest/hospital`, { headers })).json();
  };
  t.like(await look(), { watermark: null, received_at: null, stale: false });
  await site.send('hospital', ndjson([rowOf(2), 'x']));
  t.like(await look(), {
    watermark: '2026-11-23T01:00:00.000Z',
    received_at: NOW.toISOString(),
    kept: 1,
    refused: 1,
    stale: false,
  });
  site.world.now = daysLater(2);
  t.like(await look(), { stale: true });
  t.deepEqual((await decideFor(site.db, citizenId, site.world.now)).reasons, ['G301', 'D901']);
  t.is((await site.send('hospital', 'x\nx')).status, 422);
  t.like(await look(), { stale: true }, 'nonsense is no sign of life');
  t.like((await site.send('hospital', '')).last, { outcome: 'complete', rows: 0 });
  t.like(await look(), { stale: false, watermark: '2026-11-23T01:00:00.000Z' }, 'an empty batch is');
  t.deepEqual((await decideFor(site.db, citizenId, site.world.now)).reasons, ['G301']);
});

test('one hospital hides no other one that fell silent, and one that may not send any more is not waited for', async (t) => {
  const site = await startSources(t);
  const { citizenId } = await givenDeclared(site.db, 1);
  const reasons = async () => (await decideFor(site.db, citizenId, site.world.now)).reasons.join();
  const empty = (client: string) => site.send('hospital', '', { client });
  await Promise.all(['hospital-1', 'hospital-2', 'hospital-3'].map(empty));
  site.world.now = daysLater(2);
  await Promise.all(['hospital-1', 'hospital-2'].map(empty));
  t.is(await reasons(), 'G301,D901');
  const registry = new Registry();
  watchFeeds(registry, site.db);
  const silent = `{source="hospital",client="hospital-3"} ${NOW.getTime() / 1_000}`;
  t.true((await registry.metrics()).includes(silent), 'who it is stands in the metrics');
  await forgetFeeds(site.db, async (clientId) => clientId !== 'hospital-3');
  t.is(await reasons(), 'G301');
  site.world.now = daysLater(4);
  await empty('hospital-2');
  t.is(await reasons(), 'G301,D901');
  await empty('hospital-1');
  t.is(await reasons(), 'G301');
  await forgetFeeds(site.db, async () => false);
  site.world.now = daysLater(9);
  t.is(await reasons(), 'G301');
});

test('rows are found by the number in every way of writing it', async (t) => {
  const site = await startSources(t);
  const number = residentIdOf(1);
  await site.send('hospital', ndjson([rowOf(1, { idNumber: ` ${number.toLowerCase()} ` })]));
  const [row] = await site.db.query<{ subject: Buffer }>('select subject from health_evidence');
  t.deepEqual(row?.subject, cipher.blindIndex('id_number', number));
});

test('movements go after two weeks, answers to batches after thirty days', async (t) => {
  const site = await startSources(t);
  const visit = ndjson([rowOf(1, { type: 'VENUE_VISIT' }), rowOf(2, { type: 'VENUE_VISIT' })]);
  await site.send('venue', visit, { headers: { 'idempotency-key': 'k' } });
  t.is(await purgeCollection(site.db, { now: daysLater(13), limit: 100 }), 0);
  t.is(await purgeCollection(site.db, { now: daysLater(14), limit: 1 }), 1);
  t.is(await purgeCollection(site.db, { now: daysLater(14), limit: 100 }), 1);
  t.is(await purgeCollection(site.db, { now: daysLater(31), limit: 100 }), 1);
});
