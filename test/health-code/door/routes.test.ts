import test, { type ExecutionContext } from 'ava';
import { settleVenue, VENUE } from '../../../sandbox/venues.ts';
import { deactivate, liveActivation } from '../../../src/health-code/activation.ts';
import { authenticateDevice, disableVenue } from '../../../src/health-code/door/venues.ts';
import type { Visitors } from '../../../src/health-code/door/visitor.ts';
import { refreshPids } from '../../../src/health-code/exchange/exchange.ts';
import { issueOnline } from '../../../src/health-code/show/online-code.ts';
import { NOW, residentIdOf } from '../../support/citizens.ts';
import { freshDatabase } from '../../support/database.ts';
import { givenDeclared, givenHealthCode } from '../../support/health.ts';
import { givenVenue, OFFICERS } from '../../support/health-door.ts';
import { startHealth } from '../../support/health-pages.ts';
import { neighbours, turnRed } from '../../support/provinces.ts';

async function gate(t: ExecutionContext<unknown>, visitors?: Visitors) {
  const site = await startHealth(t, { ...(visitors && { visitors }) });
  await givenHealthCode(site.db);
  const holder = await givenDeclared(site.db, 1);
  const venue = await givenVenue(site.db);
  const code = async () => (await issueOnline(site.db, { citizenId: holder.citizenId, now: NOW })).code;
  /** Asks as a gate does: a program, with its device code. */
  const ask = async (body: object, credential: string | undefined = venue.credential) => {
    const headers = { accept: 'application/json', authorization: `Bearer ${credential}` };
    const answer = await site.jar.post('/health/verify', body, headers);
    return { status: answer.status, headers: answer.headers, body: JSON.parse(answer.text) };
  };
  /** Sets this browser up as a device of the venue. */
  const setUp = () => site.submit('/health/verify/device', { device_code: venue.credential });
  return { site, holder, venue, code, ask, setUp };
}
const verdictOf = (text: string) =>
  /<\/h2>\s*<div data-result[^>]*>\s*<div class="verdict [^"]*" data-verdict="(\w+)"/.exec(text)?.[1];

test('a gate sends what it scanned and gets the verdict, the colour, and whom to compare with', async (t) => {
  const { code, ask, holder } = await gate(t);
  const scanned = await code();
  t.deepEqual((await ask({ code: scanned })).body, {
    verdict: 'valid',
    message: '有效',
    kind: 'online',
    colour: 'GREEN',
    name: '示**',
    last_two: holder.lastTwo,
    at: NOW.toISOString(),
  });
  t.like((await ask({ code: scanned })).body, { verdict: 'shown_before', message: '已出示过' });
  const asked = { code: await code(), request: '0123456789abcdef0123456789abcdef' };
  t.deepEqual((await ask(asked)).body, (await ask(asked)).body, 'the same question, asked again');
  t.like((await ask({ code: 'HK2:ABC', nonce: '12345678' })).body, { verdict: 'unknown' });
});

test('a gate without a device code, or with one that was taken out, learns nothing', async (t) => {
  const { site, code, ask, venue } = await gate(t);
  const scanned = await code();
  for (const credential of ['', 'rubbish', '0'.repeat(32)]) {
    const answer = await ask({ code: scanned }, credential);
    t.is(answer.status, 401);
    t.is(answer.body.error, 'health_device_unknown');
    t.is(answer.headers.get('www-authenticate'), 'Bearer');
  }
  await disableVenue(site.db, { venueId: venue.id, by: OFFICERS[0], now: NOW });
  t.is((await ask({ code: scanned })).status, 401);
});

/** For questions that cannot be read. */
let refusing: Awaited<ReturnType<typeof gate>>;
test.before(async (t) => {
  refusing = await gate(t);
});
test.after.always(() => refusing?.site.db.close());

for (const body of [
  {},
  { code: '' },
  { code: 7 },
  { code: 'x'.repeat(5_001) },
  { code: 'HK1:', nonce: '1' },
  { code: 'HK1:', more: 1 },
  { code: 'HK1:', request: '1' },
]) {
  test(`a gate that sends ${JSON.stringify(body).slice(0, 40)} is told that it cannot be read`, async (t) => {
    const answer = await refusing.ask(body);
    t.is(answer.status, 400);
    t.is(answer.body.error, 'bad_request');
  });
}

test('trying device codes is slowed down, for each address', async (t) => {
  const { ask } = await gate(t);
  let status = 401;
  for (let i = 0; i < 130 && status === 401; i += 1)
    status = (await ask({ code: 'x' }, '0'.repeat(32))).status;
  t.is(status, 429);
});

test('while the module is off nobody checks anything', async (t) => {
  const { site, code, ask } = await gate(t);
  const scanned = await code();
  await deactivate(site.db, (await liveActivation(site.db, NOW))!.id, NOW);
  t.is((await ask({ code: scanned })).body.error, 'health_off');
  t.is((await site.jar.get('/health/verify')).status, 404);
});

test('the page works without script: set up once, type, read the verdict', async (t) => {
  const { site, code, setUp, venue } = await gate(t);
  t.regex((await site.jar.get('/health/verify')).text, /启用查验设备/);
  t.regex((await site.submit('/health/verify/device', { device_code: 'wrong' })).text, /设备码不正确/);
  t.is((await setUp()).status, 303);
  t.regex((await site.jar.get('/health/verify')).text, /甲市图书馆/);
  const typed = await code();
  const check = (fields: Record<string, string>) => site.submit('/health/verify', fields);
  const valid = await check({ health_code: typed, document: '' });
  t.is(verdictOf(valid.text), 'valid');
  t.regex(valid.text, /示\*\*/);
  t.is(verdictOf((await check({ health_code: typed, document: '' })).text), 'shown_before');
  t.regex((await check({ health_code: '', document: '' })).text, /请扫描或输入健康码/);
  await site.submit('/health/verify/leave', {});
  t.regex((await site.jar.get('/health/verify')).text, /启用查验设备/);
  t.false([...site.jar.cookies.values()].some((value) => value === venue.credential));
});

test('a paper keeps its place in the form until the document is typed', async (t) => {
  const { site, holder, setUp } = await gate(t);
  site.world.citizenId = holder.citizenId;
  const sheet = await site.jar.get((await site.submit('/health/paper', {})).location!);
  const paper = /<code class="code-text">(HK3:[^<]+)</.exec(sheet.text)?.[1] ?? '';
  await setUp();
  const first = await site.submit('/health/verify', { health_code: paper, document: '' });
  t.is(verdictOf(first.text), 'document_missing');
  t.true(first.text.includes(`value="${paper}"`));
  const second = await site.submit('/health/verify', {
    health_code: paper,
    document: residentIdOf(1).slice(-4),
  });
  t.is(verdictOf(second.text), 'valid');
  t.false(second.text.includes(`value="${paper}"`));
});

test('no other site can use a door’s page', async (t) => {
  const { site, setUp, code } = await gate(t);
  await setUp();
  const forged = await site.jar.post(
    '/health/verify',
    { code: await code() },
    { 'sec-fetch-site': 'cross-site' },
  );
  t.is(forged.status, 403);
});

test('the sandbox’s venue is settled once, with a device code that everybody knows', async (t) => {
  const db = await freshDatabase(t);
  await settleVenue(db, NOW);
  await settleVenue(db, NOW);
  t.like(await authenticateDevice(db, VENUE.credential), { name: '甲市图书馆' });
  t.is((await db.query('select 1 from health_venues')).length, 1);
});

test('a door asks the province of a visitor, and says green, not green or unknown in words', async (t) => {
  const { a, b, inA } = await neighbours(t);
  await refreshPids(a.work);
  const { site, setUp, venue } = await gate(t, { ...b, extraProvinces: ['39'] });
  await setUp();
  t.regex((await site.jar.get('/health/verify')).text, /<option value="390000">邻省/);
  const form = { province: '390000', document_type: 'resident_id' };
  const verdict = async (n: number) => {
    const page = await site.submit('/health/verify/visitor', { ...form, id_number: residentIdOf(n) });
    t.false(page.text.includes(residentIdOf(n)), 'the number does not stay on the page');
    return /<div class="verdict health-(\w+)" data-verdict="visitor_(\w+)"/
      .exec(page.text)
      ?.slice(1)
      .join(' ');
  };
  // The first question also fetches keys.
  await verdict(1);
  t.is(await verdict(1), 'green green');
  t.is(await verdict(8), 'grey unknown', 'no such person there');
  await turnRed(a, inA);
  t.is(await verdict(1), 'grey not_green', 'of whatever colour');
  const wrong = await site.submit('/health/verify/visitor', { ...form, province: '', id_number: '123' });
  t.is(wrong.status, 422);
  t.regex(wrong.text, /请选择可以查询的省份/);
  t.regex(wrong.text, /证件号码的位数不对/);
  t.regex(wrong.text, /value="123"/);
  t.is((await site.jar.get('/health/verify/visitor')).status, 302);

  const ask = async (body: object, credential = venue.credential) => {
    const headers = { accept: 'application/json', authorization: `Bearer ${credential}` };
    const answer = await site.jar.post('/health/verify/visitor', body, headers);
    return { status: answer.status, ...JSON.parse(answer.text) };
  };
  const person = { province: '390000', id_number: residentIdOf(1) };
  t.like(await ask(person), { verdict: 'not_green', message: '对方省份答复：不是绿码' });
  t.like(await ask({ ...person, province: '370000' }), { verdict: 'unknown' });
  t.like(await ask({ ...person, name: '示例一' }), { status: 400, error: 'bad_request' });
  t.like(await ask({ ...person, id_number: '1' }), { status: 400, error: 'bad_request' });
  t.like(await ask(person, '0'.repeat(32)), { status: 401, error: 'health_device_unknown' });
  const scans = await site.db.query<{ kind: string; pseudonym: Buffer }>(
    'select kind, pseudonym from health_scans',
  );
  t.true(scans.length >= 3 && scans.every(({ kind }) => kind === 'visitor'));
  t.is(new Set(scans.map(({ pseudonym }) => pseudonym.toString('hex'))).size, 1, 'one visitor of one day');
  t.false(JSON.stringify(site.logged).includes(residentIdOf(1)));
});

test('without other provinces a door has no form for visitors, and a device cannot ask about everybody', async (t) => {
  const { site, setUp } = await gate(t, {
    provinces: async () => [],
    ask: async () => 'UNKNOWN',
    extraProvinces: ['39'],
  });
  await setUp();
  t.notRegex((await site.jar.get('/health/verify')).text, /外省来访人员/);
  const other = await gate(t, {
    provinces: async () => [{ issuer: '380000', name: '邻省' }],
    ask: async () => 'UNKNOWN',
    extraProvinces: ['39'],
  });
  await other.setUp();
  const asked = { province: '380000', document_type: 'resident_id', id_number: residentIdOf(1) };
  let status = 200;
  let times = 0;
  for (; times < 40 && status === 200; times += 1)
    status = (await other.site.submit('/health/verify/visitor', asked)).status;
  t.deepEqual([status, times], [429, 31]);
  t.deepEqual(await other.site.db.query('select 1 from health_scans'), [], 'nobody was there for sure');
});
