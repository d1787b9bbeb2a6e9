import test from 'ava';
import { readAccess } from '../../../src/audit/access-log.ts';
import { purgeTrips } from '../../../src/health-code/travel/purge.ts';
import { minutesLater } from '../../support/citizens.ts';
import { daysLater } from '../../support/health.ts';
import { type FamilySite, startFamily } from '../../support/health-family.ts';

const TRIP = {
  province: '41',
  city: '郑州市',
  from: '2026-11-18',
  to: '2026-11-20',
  way: 'train',
  number: 'G1234',
  agree: 'yes',
};

const reasonsOf = (text: string) => [...text.matchAll(/data-reason="(\w+)"/g)].map(([, code]) => code);
const reasons = async (site: FamilySite) => reasonsOf((await site.jar.get('/health/code')).text);
const tripOf = (site: FamilySite, username: string, over: Record<string, string> = {}) => ({
  ...TRIP,
  signature: site.person(username).name,
  ...over,
});

async function declared(
  t: Parameters<typeof startFamily>[0],
  username: string,
  options: { timeoutMs?: number } = {},
): Promise<FamilySite> {
  const site = await startFamily(t, options);
  await site.settle(username);
  await site.declare();
  const sent = await site.submit('/health/travel', tripOf(site, username));
  t.is(sent.location, '/health/travel?done=declared');
  return site;
}

test('a declared trip gives no colour, and a carrier that agrees neither', async (t) => {
  const site = await declared(t, 'wang_xiulan');
  t.deepEqual(await reasons(site), ['G301']);
  const page = await site.jar.get('/health/travel');
  t.regex(page.text, /河南省 郑州市/);
  t.regex((await site.jar.get('/health/travel?lang=en')).text, /Inner Mongolia[\s\S]*Henan 郑州市/);
  t.regex(page.text, /等待向运营商核对/);
  t.regex(page.text, /请申报2026年11月10日到2026年11月23日之间/);
  t.is(await site.ask(), 1);
  t.regex((await site.jar.get('/health/travel')).text, /回答与申报一致/);
  t.deepEqual(await reasons(site), ['G301']);
});

test('a carrier that says no gives Y205 and no more, from the last day of the trip', async (t) => {
  const site = await declared(t, 'jiang_wanxing');
  await site.ask();
  t.deepEqual(await reasons(site), ['Y205']);
  t.deepEqual(await site.db.query('select type, source, at from health_evidence'), [
    { type: 'DECL_MISMATCH', source: 'engine', at: new Date('2026-11-20T15:59:59.999Z') },
  ]);
  const { rows } = await readAccess(site.db, site.world.citizenId!);
  t.like(rows[0], { clientId: 'carrier', purpose: 'epidemic_prevention' });
});

test('it is asked once, however often the schedule comes by or the trip is declared', async (t) => {
  const site = await declared(t, 'jiang_wanxing');
  t.is(await site.ask(), 1);
  t.is(await site.ask(), 0);
  t.is(await site.ask(daysLater(1)), 0);
  const again = await site.submit('/health/travel', tripOf(site, 'jiang_wanxing'));
  t.is(again.status, 422);
  t.regex(again.text, /已经申报过/);
  const [trip] = await site.db.query<{ id: string }>('select id from health_trips');
  await site.submit('/health/travel/withdraw', { trip: trip!.id });
  t.deepEqual(await reasons(site), ['G301'], 'what was corrected no longer counts');
  await site.submit('/health/travel', tripOf(site, 'jiang_wanxing', { number: '' }));
  t.is(await site.ask(), 0, 'the answer about these days is known');
  t.deepEqual(await reasons(site), ['Y205']);
});

test('a carrier that does not know changes nothing', async (t) => {
  const site = await declared(t, 'liu_wenqu');
  await site.ask();
  t.regex((await site.jar.get('/health/travel')).text, /运营商无法确认/);
  t.deepEqual(await reasons(site), ['G301']);
});

for (const username of ['zhuo_yuanfan', 'ling_chichi']) {
  test(`a carrier that gives no answer is tried three times, then left alone: ${username}`, async (t) => {
    const site = await declared(t, username, username === 'ling_chichi' ? { timeoutMs: 300 } : {});
    t.is(await site.ask(), 1);
    t.is(await site.ask(), 0, 'not at once again');
    t.is(await site.ask(minutesLater(10)), 1);
    t.is(await site.ask(minutesLater(31)), 1);
    t.is(await site.ask(daysLater(1)), 0);
    t.regex((await site.jar.get('/health/travel')).text, /暂时无法核对/);
    t.deepEqual(await reasons(site), ['G301']);
  });
}

test('a trip taken back before the carrier was asked is not asked about', async (t) => {
  const site = await declared(t, 'jiang_wanxing');
  const [trip] = await site.db.query<{ id: string }>('select id from health_trips');
  await site.submit('/health/travel/withdraw', { trip: trip!.id });
  t.is(await site.ask(), 0);
  t.deepEqual(await reasons(site), ['G301']);
});

/** For trips that are refused. */
let refusing: FamilySite;
test.before(async (t) => {
  refusing = await startFamily(t);
  await refusing.settle('wang_xiulan');
  await refusing.declare();
});
test.after.always(() => Promise.all([refusing?.authorities.close(), refusing?.db.close()]));

for (const [what, over, message] of [
  ['a day that does not exist', { from: '2026-11-31' }, /日期应在2026年11月10日到2026年11月23日之间/],
  ['a day that is not yet', { to: '2026-11-24' }, /日期应在/],
  ['a trip of a month ago', { from: '2026-10-18' }, /日期应在/],
  ['a return before the departure', { to: '2026-11-17' }, /不能早于到达日期/],
  ['a province that is none', { province: '99' }, /请选择省份/],
  ['no way of travelling', { way: 'carpet' }, /请选择怎样前往/],
  ['somebody else’s name', { signature: '示例二' }, /签名与您的实名姓名不一致/],
] as const) {
  test(`a trip with ${what} is refused on its page, and nothing typed is lost`, async (t) => {
    const page = await refusing.submit('/health/travel', tripOf(refusing, 'wang_xiulan', over));
    t.is(page.status, 422);
    t.regex(page.text, message);
    t.regex(page.text, /value="郑州市"/);
    t.deepEqual(await refusing.db.query('select 1 from health_trips'), []);
  });
}

test('a trip before the first health declaration says what to do first', async (t) => {
  const site = await startFamily(t);
  await site.settle('wang_xiulan');
  const page = await site.submit('/health/travel', tripOf(site, 'wang_xiulan'));
  t.is(page.status, 409);
  t.regex(page.text, /health_not_declared/);
});

test('a child’s trip is declared by its guardian and asked of nobody', async (t) => {
  const site = await startFamily(t);
  await site.settle('wang_xiulan');
  const { name, id_number } = site.person('du_xiaomiao');
  await site.submit('/health/family/child', { name, id_number, agree: 'yes' });
  const [row] = await site.db.query<{ id: string }>('select id from guardianships');
  await site.declare(`/health/declare/of/${row!.id}`);
  const path = `/health/travel/of/${row!.id}`;
  t.is((await site.submit(path, tripOf(site, 'wang_xiulan'))).location, `${path}?done=declared`);
  t.is(await site.ask(), 0);
  t.regex((await site.jar.get(path)).text, /不核对/);
});

test('trips are sealed, and go when declarations go', async (t) => {
  const site = await declared(t, 'wang_xiulan');
  const [row] = await site.db.query<{ body: Buffer }>('select body from health_trips');
  t.false(row!.body.toString().includes('郑州'));
  t.is(await purgeTrips(site.db, { now: daysLater(179), limit: 10 }), 0);
  t.is(await purgeTrips(site.db, { now: daysLater(181), limit: 10 }), 1);
});
