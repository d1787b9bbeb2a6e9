import test from 'ava';
import type { ClaimSet } from '../../src/consents/claim-set.ts';
import { consentGiven, giveConsents } from '../../src/consents/store.ts';
import { startAccount } from '../support/account.ts';

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
