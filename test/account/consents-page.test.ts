import test from 'ava';
import type { ClaimSet } from '../../src/consents/claim-set.ts';
import { consentGiven, giveConsents } from '../../src/consents/store.ts';
import { saveGrant } from '../../src/sessions/grant-store.ts';
import { saveToken } from '../../src/sessions/token-store.ts';
import { startAccount } from '../support/account.ts';
import { audited } from '../support/audited.ts';

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
