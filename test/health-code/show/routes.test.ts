import { readdirSync } from 'node:fs';
import test from 'ava';
import { recordGuardianship } from '../../../src/citizens/guardianship.ts';
import { deactivate, liveActivation } from '../../../src/health-code/activation.ts';
import { findPaper } from '../../../src/health-code/show/paper.ts';
import { exportPoint, newDeviceKey } from '../../../src/health-code/wire/cose.js';
import { toBase64Url } from '../../../src/health-code/wire/jws.js';
import { NOW } from '../../support/citizens.ts';
import { daysLater, givenCitizenAtBasic, givenDeclared, givenHealthCode } from '../../support/health.ts';
import { type HealthSite, startHealth } from '../../support/health-pages.ts';
import { importsOf, textOf } from '../../support/sources.ts';

const JSON_HEADERS = { accept: 'application/json', 'sec-fetch-site': 'same-origin' };

/** A citizen with a green code who is logged in. */
async function holderOf(site: HealthSite) {
  await givenHealthCode(site.db);
  const holder = await givenDeclared(site.db, 1);
  site.world.citizenId = holder.citizenId;
  return holder;
}
const codeOf = (text: string) => /data-code>([^<]+)</.exec(text)?.[1]?.replaceAll('&amp;', '&') ?? '';
const online = (site: HealthSite, body = {}) => site.jar.post('/health/code/online', body, JSON_HEADERS);
const deviceKey = async () => {
  const { x, y } = await exportPoint((await newDeviceKey()).publicKey);
  return { x: toBase64Url(x), y: toBase64Url(y) };
};
const attest = async (site: HealthSite, body = {}) =>
  site.jar.post('/health/code/attestation', { key: await deviceKey(), ...body }, JSON_HEADERS);

test('the page works without script: a code, until when it is good, and a button for the next', async (t) => {
  const site = await startHealth(t);
  await holderOf(site);
  const page = await site.jar.get('/health/code');
  t.regex(codeOf(page.text), /^HK1:/);
  t.regex(page.text, /请在 10:01:00 前出示/);
  t.regex(page.text, /<svg viewBox/);
  t.regex(page.text, /绿码/);
  t.regex(page.text, /href="\/health\/code" data-refresh/);
  t.not(codeOf((await site.jar.get('/health/code')).text), codeOf(page.text));
});

test('who has no colour is shown no code', async (t) => {
  const site = await startHealth(t);
  await givenHealthCode(site.db);
  site.world.citizenId = (await givenCitizenAtBasic(site.db, 1)).citizenId;
  t.is(codeOf((await site.jar.get('/health/code')).text), '');
  t.is((await online(site)).status, 409);
  t.is((await attest(site)).status, 409);
  t.deepEqual(await site.db.query('select 1 from health_codes'), []);
});

test('the next code comes as JSON, with a picture of it and the platform’s time', async (t) => {
  const site = await startHealth(t);
  await holderOf(site);
  const answer = JSON.parse((await online(site)).text);
  t.like(answer, { seconds: 60, now: NOW.getTime(), colour: 'GREEN', reasons: ['G301'] });
  t.regex(answer.code, /^HK1:/);
  t.regex(answer.svg, /^<svg/);
});

test('a script without a login is told so and sent nowhere', async (t) => {
  const site = await startHealth(t);
  await givenHealthCode(site.db);
  for (const answer of [await online(site), await attest(site)]) {
    t.is(answer.status, 401);
    t.is(JSON.parse(answer.text).error, 'health_not_signed_in');
  }
});

test('a body that is none is refused with a sentence', async (t) => {
  const site = await startHealth(t);
  await holderOf(site);
  const key = await deviceKey();
  for (const body of [
    {},
    { key: 'x' },
    { key: { x: key.x } },
    { key: { x: key.x, y: key.x } },
    { key, for: 7 },
  ]) {
    const answer = await site.jar.post('/health/code/attestation', body, JSON_HEADERS);
    t.is(answer.status, 400, JSON.stringify(body));
  }
  t.is((await online(site, { for: 'somebody' })).status, 404);
  t.is((await online(site, { for: 7 })).status, 400);
});

test('showing a code sends the database nine statements at most, and asks no outside source', async (t) => {
  const site = await startHealth(t);
  await holderOf(site);
  await site.jar.get('/health/code');
  const count = async (show: () => Promise<unknown>) => {
    const before = site.db.statements.length;
    await show();
    return site.db.statements.slice(before);
  };
  const page = await count(() => site.jar.get('/health/code'));
  t.true(page.length <= 9, page.join('\n'));
  const next = await count(() => online(site));
  t.true(next.length <= 6, next.join('\n'));
  // One write each: the code itself.
  for (const statements of [page, next])
    t.is(statements.filter((text) => /insert|update|delete/.test(text)).length, 1);
  const files = readdirSync('src/health-code/show').map((file) => `src/health-code/show/${file}`);
  const outside = files.flatMap((file) =>
    importsOf(textOf(file)).filter((name) => /authorities|outbound|undici/.test(name)),
  );
  t.deepEqual(outside, []);
});

test('a guardian shows the code of a child, by the guardianship, and nobody else does', async (t) => {
  const site = await startHealth(t);
  const guardian = await holderOf(site);
  const child = await givenDeclared(site.db, 2);
  await site.db.query(`update accounts set state = 'closed' where citizen_id = $1`, [child.citizenId]);
  const id = await recordGuardianship(site.db, {
    guardianId: guardian.citizenId,
    dependantId: child.citizenId,
    kind: 'elder',
    reference: 'r',
    now: NOW,
  });
  const own = await site.jar.get('/health/code');
  t.regex(own.text, new RegExp(`href="/health/code/of/${id}"`));
  const page = await site.jar.get(`/health/code/of/${id}`);
  t.regex(page.text, /您正在为 示\*\* 出示健康码/);
  t.regex(page.text, new RegExp(`<dd>${child.lastTwo}</dd>`));
  const shown = await site.db.query<{ citizen_id: string }>('select citizen_id from health_codes');
  t.true(shown.some((row) => row.citizen_id === child.citizenId));
  t.like(JSON.parse((await attest(site, { for: id })).text), { last_two: child.lastTwo });
  const [row] = await site.db.query('select citizen_id, shown_by from health_attestations');
  t.deepEqual(row, { citizen_id: child.citizenId, shown_by: guardian.citizenId });
  t.is((await online(site, { for: id })).status, 200);
  t.is((await site.jar.get(`/health/paper/of/${id}`)).status, 200);

  site.world.citizenId = (await givenDeclared(site.db, 3)).citizenId;
  for (const path of [`/health/code/of/${id}`, `/health/paper/of/${id}`]) {
    const refused = await site.jar.get(path);
    t.is(refused.status, 404);
    t.regex(refused.text, /health_no_dependant/);
  }
  t.is((await online(site, { for: id })).status, 404);
  t.is((await attest(site, { for: id })).status, 404);
});

test('a paper code is made, printed again, taken back and listed', async (t) => {
  const site = await startHealth(t);
  const { citizenId } = await holderOf(site);
  const made = await site.submit('/health/paper', {});
  t.is(made.status, 303);
  const sheet = await site.jar.get(made.location!);
  const code = /<code class="code-text">(HK3:[^<]+)</.exec(sheet.text)?.[1] ?? '';
  t.like(await findPaper(site.db, code, NOW), { citizenId, state: 'good' });
  t.is(sheet.text.match(/<svg viewBox/g)?.length, 2, 'a page and a card for the wallet');
  t.notRegex(sheet.text, /示例一/);
  const list = await site.jar.get('/health/paper');
  t.regex(list.text, /有效/);
  const path = new URL(made.location!).pathname;
  const revoked = await site.submit(`${path}/revoke`, {});
  t.regex((await site.jar.get(revoked.location!)).text, /已作废/);
  t.is((await findPaper(site.db, code, NOW))?.state, 'revoked');
  t.is((await site.jar.get(path)).status, 404);
  t.is((await site.jar.get('/health/paper/rubbish')).status, 404);
  const events = await site.db.query<{ type: string }>(
    `select type from audit_events where type like 'health.paper%'`,
  );
  t.deepEqual(events.map(({ type }) => type).sort(), ['health.paper_issued', 'health.paper_revoked']);
});

test('somebody else’s paper code can be neither seen nor taken back', async (t) => {
  const site = await startHealth(t);
  await holderOf(site);
  const made = await site.submit('/health/paper', {});
  site.world.citizenId = (await givenDeclared(site.db, 2)).citizenId;
  const path = new URL(made.location!).pathname;
  t.is((await site.jar.get(path)).status, 404);
  await site.submit(`${path}/revoke`, {});
  const [row] = await site.db.query<{ revoked_at: Date | null }>('select revoked_at from health_papers');
  t.is(row?.revoked_at, null);
});

test('a citizen who lost a phone takes back what phones keep', async (t) => {
  const site = await startHealth(t);
  await holderOf(site);
  await attest(site);
  const sent = await site.submit('/health/code/withdraw', {});
  t.regex((await site.jar.get(sent.location!)).text, /离线码已失效/);
  const [row] = await site.db.query<{ revoked: boolean }>('select revoked from health_attestations');
  t.true(row?.revoked);
});

test('the app: a manifest that can be installed, and a worker that keeps pages of nobody', async (t) => {
  const site = await startHealth(t);
  await holderOf(site);
  const manifest = await site.jar.get('/health/manifest.webmanifest');
  t.regex(manifest.headers.get('content-type') ?? '', /application\/manifest\+json/);
  t.like(JSON.parse(manifest.text), { start_url: '/health/code', scope: '/health/', display: 'standalone' });
  const { icons } = JSON.parse(manifest.text) as { icons: { src: string; type: string; sizes: string }[] };
  t.true(['192x192', '512x512'].every((size) => icons.some(({ sizes }) => sizes === size)));
  const touch = /<link rel="apple-touch-icon" href="([^"]+)">/.exec(
    (await site.jar.get('/health/code')).text,
  );
  for (const [address, type] of [...icons.map((icon) => [icon.src, icon.type]), [touch?.[1], 'image/png']]) {
    const icon = await site.jar.get(address ?? '');
    t.deepEqual([icon.status, icon.headers.get('content-type')?.split(';')[0]], [200, type], address);
  }
  const worker = await site.jar.get('/health/worker.js');
  t.is(worker.headers.get('cache-control'), 'no-cache');
  const shell = JSON.parse(/const SHELL = (\{.*\});/.exec(worker.text)?.[1] ?? '{}') as {
    pages: string[];
    files: string[];
  };
  for (const address of [...shell.pages, ...shell.files])
    t.is((await site.jar.get(address)).status, 200, address);
  for (const page of shell.pages) t.notRegex((await site.jar.get(page)).text, /示\*\*|HK[123]:[0-9A-Z]/);
});

test('keys and lists are for everybody, while the module is on', async (t) => {
  const site = await startHealth(t);
  await givenHealthCode(site.db);
  const trust = JSON.parse((await site.jar.get('/health/trust')).text);
  t.is(trust.region, '390000');
  t.is(trust.now, NOW.getTime());
  t.deepEqual(Object.keys(trust.keys[0]), ['kid', 'x', 'y']);
  const { status_lists: lists } = JSON.parse((await site.jar.get('/health/status-lists')).text);
  t.deepEqual(lists, ['http://localhost/health/status-lists/0']);
  const list = await site.jar.get('/health/status-lists/0');
  t.is(list.headers.get('content-type'), 'application/statuslist+jwt');
  for (const wrong of [
    '/health/status-lists/x',
    '/health/status-lists/-1',
    `/health/status-lists/${'9'.repeat(12)}`,
  ])
    t.is((await site.jar.get(wrong)).status, 404);
  await deactivate(site.db, (await liveActivation(site.db, NOW))!.id, NOW);
  const off = [
    '/health/trust',
    '/health/status-lists',
    '/health/status-lists/0',
    '/health/code/offline',
    '/health/paper',
  ];
  for (const path of off) t.is((await site.jar.get(path)).status, 404, path);
});

test('what phones keep never outlives the activation', async (t) => {
  const site = await startHealth(t);
  await holderOf(site);
  const end = new Date(NOW.getTime() + 3_600_000);
  await site.db.query('update health_activations set valid_to = $1', [end]);
  t.is(JSON.parse((await attest(site)).text).expires_at, end.getTime());
  await site.db.query('update health_activations set valid_to = $1', [daysLater(10)]);
  t.is(JSON.parse((await attest(site)).text).expires_at, daysLater(1).getTime());
});
