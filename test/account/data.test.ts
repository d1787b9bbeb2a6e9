import test, { type ExecutionContext } from 'ava';
import { recordAccess } from '../../src/audit/access-log.ts';
import { askToClose, closeDueAccounts, waitingClosing } from '../../src/citizens/closing.ts';
import { findByIdentifier, readCitizen } from '../../src/citizens/store.ts';
import type { ClaimSet } from '../../src/consents/claim-set.ts';
import { consentGiven, giveConsents } from '../../src/consents/store.ts';
import type { LogoutNotice } from '../../src/sessions/end.ts';
import { saveGrant } from '../../src/sessions/grant-store.ts';
import { saveToken } from '../../src/sessions/token-store.ts';
import { startAccount } from '../support/account.ts';
import { audited } from '../support/audited.ts';

const DAYS = 86_400;

async function begin(t: ExecutionContext, options: Parameters<typeof startAccount>[1] = {}) {
  let ahead = 0;
  const clock = () => new Date(Date.now() + ahead);
  const account = await startAccount(t, { clock, ...options });
  const citizenId = await account.citizen('basic');
  const jar = account.jar();
  await account.open(jar, '/account', citizenId);
  return {
    ...account,
    citizenId,
    jar,
    now: clock,
    pass(seconds: number) {
      ahead += seconds * 1000;
    },
  };
}

test('everything about oneself comes as a file right after a login, and no secret with it', async (t) => {
  const moreData = { health: async () => ({ declarations: [{ declared: { address: '示例街 1 号' } }] }) };
  const me = await begin(t, { moreData });
  const { db, citizenId, jar } = me;
  const claimSets = [{ id: 'profile' as const, claims: ['name'], separate: false }];
  await giveConsents(db, { citizenId, clientId: 'portal', claimSets, now: me.now() });
  for (let n = 0; n < 130; n++) {
    await recordAccess(db, {
      citizenId,
      clientId: 'portal',
      what: ['name'],
      purpose: 'profile',
      at: me.now(),
    });
  }
  t.regex((await jar.get('/account/data')).text, /action="\/account\/data\/export"/);
  const headers = { origin: me.issuer, 'sec-fetch-site': 'same-origin' };
  const file = await jar.post('/account/data/export', new URLSearchParams({ action: 'export' }), headers);
  t.regex(file.headers.get('content-disposition') ?? '', /^attachment; filename="yimatong-[\d-]+\.json"$/);
  t.is(file.headers.get('cache-control'), 'no-store');
  const data = JSON.parse(file.text);
  const citizen = (await readCitizen(db, me.cipher, citizenId))!;
  t.like(data.person, { name: citizen.name, idNumber: citizen.idNumber });
  t.is(data.account.phone, citizen.phone);
  t.is(data.consents[0].claimSet, 'profile');
  t.is(data.accesses.length, 130);
  t.deepEqual(data.evidence.map(({ method }: { method: string }) => method).sort(), ['carrier', 'register']);
  t.true(data.events.some(({ type }: { type: string }) => type === 'evidence.recorded'));
  t.is(data.health.declarations[0].declared.address, '示例街 1 号');
  t.notRegex(file.text, /argon2|hash|wrapped|secret|public_key/i);
  t.is((await db.query(`select 1 from audit_events where type = 'account.exported'`)).length, 1);
  t.regex((await me.messages()).at(-1)?.text ?? '', /个人信息已被下载/);
});

for (const lifted of [false, true]) {
  test(`the sixth copy in an hour ${lifted ? 'comes for people with a fixed code' : 'waits'}`, async (t) => {
    const me = await begin(t, lifted ? { fixedCode: () => '123456' } : {});
    const headers = { origin: me.issuer, 'sec-fetch-site': 'same-origin' };
    const copy = () =>
      me.jar.post('/account/data/export', new URLSearchParams({ action: 'export' }), headers);
    for (let i = 0; i < 5; i++) t.is((await copy()).status, 200);
    t.is((await copy()).status, lifted ? 200 : 429);
  });
}

test('later the file asks for another login first', async (t) => {
  const me = await begin(t);
  me.pass(600);
  const page = await me.submit(me.jar, '/account/data/export');
  t.regex(page.url, /\/interaction\//);
  t.deepEqual(await me.db.query(`select 1 from audit_events where type = 'account.exported'`), []);
});

test('an account is closed a week after it was asked for: everything ends, and the citizen was told twice', async (t) => {
  const me = await begin(t);
  const { db, citizenId, jar, cipher } = me;
  t.regex((await me.submit(jar, '/account/close')).text, /请先勾选/);
  t.is(await waitingClosing(db, citizenId), undefined);
  t.regex((await me.submit(jar, '/account/close', { understood: 'yes' })).text, /账户等待注销/);
  t.regex((await jar.get('/account')).text, /账户等待注销/, 'whoever logs in sees it');
  t.regex((await me.messages())[0]?.text ?? '', /已提交注销申请/);
  const notices: LogoutNotice[] = [];
  const tools = {
    cipher,
    enqueueLogout: async (_: unknown, list: LogoutNotice[]) => void notices.push(...list),
  };
  const due = () => closeDueAccounts(db, tools, { now: me.now(), limit: 10 });
  me.pass(7 * DAYS - 60);
  t.is(await due(), 0);
  me.pass(120);
  const both = await Promise.all([due(), due()]);
  t.is(both[0]! + both[1]!, 1, 'two jobs close it once');
  t.like(await readCitizen(db, cipher, citizenId), { accountState: 'closed' });
  t.is((await readCitizen(db, cipher, citizenId))?.phone, undefined);
  t.deepEqual(await db.query('select 1 from passwords where citizen_id = $1', [citizenId]), []);
  t.regex((await me.follow(jar, await jar.get('/account'))).url, /\/interaction\//);
  t.regex((await me.messages())[0]?.text ?? '', /已按您的申请注销/);
});

test('an account that cannot be closed keeps no other waiting', async (t) => {
  const me = await begin(t);
  const { db, citizenId, cipher, jar } = me;
  const spoilt = await me.citizen('basic');
  await db.transaction((tx) => askToClose(tx, { citizenId: spoilt, now: me.now() }));
  await db.query(`update accounts set phone = '' where citizen_id = $1`, [spoilt]);
  me.pass(60);
  await me.submit(jar, '/account/close', { understood: 'yes' });
  me.pass(8 * DAYS);
  const tools = { cipher, enqueueLogout: async () => {} };
  const due = closeDueAccounts(db, tools, { now: me.now(), limit: 10 });
  await t.throwsAsync(due, { instanceOf: AggregateError });
  t.like(await readCitizen(db, cipher, citizenId), { accountState: 'closed' });
});

test('until then one press keeps the account', async (t) => {
  const me = await begin(t);
  const { db, citizenId, jar } = me;
  await me.submit(jar, '/account/close', { understood: 'yes' });
  me.pass(600);
  t.regex((await me.submit(jar, '/account/close/cancel')).text, /name="understood"/);
  t.is(await waitingClosing(db, citizenId), undefined);
  me.pass(8 * DAYS);
  t.is(
    await closeDueAccounts(
      db,
      { cipher: me.cipher, enqueueLogout: async () => {} },
      { now: me.now(), limit: 10 },
    ),
    0,
  );
  t.is(
    (await findByIdentifier(db, me.cipher, (await readCitizen(db, me.cipher, citizenId))!.phone!))?.state,
    'active',
  );
});

test('asking to close needs a new login, asking back does not', async (t) => {
  const me = await begin(t);
  await me.submit(me.jar, '/account/close', { understood: 'yes' });
  me.pass(600);
  t.regex((await me.submit(me.jar, '/account/close/cancel')).url, /\/account\/close$/);
  t.regex((await me.submit(me.jar, '/account/close', { understood: 'yes' })).url, /\/interaction\//);
  t.is(await waitingClosing(me.db, me.citizenId), undefined);
});

test('details are checked again at the press of a button', async (t) => {
  const asked: string[] = [];
  const recheck = async (citizenId: string) => {
    asked.push(citizenId);
    return asked.length === 1 ? ('match' as const) : ('unavailable' as const);
  };
  const me = await begin(t, { recheck });
  t.regex((await me.submit(me.jar, '/account/data/check')).text, /信息为最新/);
  t.regex((await me.submit(me.jar, '/account/data/check')).text, /暂时没有回应/);
  t.deepEqual(asked, [me.citizenId, me.citizenId]);
});

const identity: ClaimSet = { id: 'identity', claims: ['id_number'], separate: true };

test('a citizen sees what was agreed to, in words, and takes it back', async (t) => {
  const account = await startAccount(t);
  const { db } = account;
  const citizenId = await account.citizen('basic');
  const jar = account.jar();
  const key = { citizenId, clientId: 'portal' };
  await giveConsents(db, { ...key, claimSets: [identity], now: new Date() });
  const page = await account.open(jar, '/account/consents', citizenId);
  t.regex(page.text, /甲市政务服务网[\s\S]*姓名和证件号码/);
  const after = await account.submit(jar, '/account/consents', { client: 'portal', set: 'identity' });
  t.false(await consentGiven(db, { ...key, claimSets: [identity] }));
  t.regex(after.text, /还没有同意/);
  t.is((await db.query(`select 1 from audit_events where type = 'consent.withdrawn'`)).length, 1);
});

test('whoever takes back the consent to sign in ends what the site holds, at once', async (t) => {
  const account = await startAccount(t);
  const { db } = account;
  const citizenId = await account.citizen('basic');
  const jar = account.jar();
  const now = new Date();
  const exp = Math.floor(now.getTime() / 1000) + 600;
  const signIn: ClaimSet = { id: 'openid', claims: ['sub'], separate: false };
  for (const clientId of ['portal', 'other']) {
    await giveConsents(db, { citizenId, clientId, claimSets: [signIn, identity], now });
    await saveGrant(db, clientId, { accountId: citizenId, clientId, exp });
    for (const table of ['access_tokens', 'refresh_tokens', 'authorization_codes'] as const) {
      const token = {
        accountId: citizenId,
        clientId,
        grantId: clientId,
        jti: `${table} ${clientId}`,
        kind: 'test',
        exp,
      };
      await saveToken(db, table, `${table} ${clientId}`, token);
    }
  }
  const held = (grant: string) =>
    db.query(
      `select 1 from grants where id = $1 union all select 1 from access_tokens where grant_id = $1
       union all select 1 from refresh_tokens where grant_id = $1
       union all select 1 from authorization_codes where grant_id = $1`,
      [grant],
    );
  await account.open(jar, '/account/consents', citizenId);
  await account.submit(jar, '/account/consents', { client: 'portal', set: 'identity' });
  t.is((await held('portal')).length, 4, 'a set of claims is looked at whenever it is given out');
  await account.submit(jar, '/account/consents', { client: 'portal', set: 'openid' });
  t.is((await held('portal')).length, 0);
  t.is((await held('other')).length, 4);
  t.deepEqual(await audited(db, ['grant.revoked'], citizenId), [['grant.revoked', { reason: 'requested' }]]);
});
