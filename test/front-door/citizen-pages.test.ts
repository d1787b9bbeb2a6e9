import test from 'ava';
import { citizenRoutes } from '../../src/front-door/citizen-pages.ts';
import { consentGiven, giveConsents } from '../../src/front-door/consents.ts';
import type { ClaimSet } from '../../src/front-door/door.ts';
import { startFrontDoor } from '../support/front-door.ts';
import { serve } from '../support/http.ts';
import { openJar } from '../support/http-client.ts';
import { loseThePhone } from '../support/recovery.ts';

const identity: ClaimSet = { id: 'identity', claims: ['id_number'], separate: true };

async function begin(t: Parameters<typeof serve>[0]) {
  const door = await startFrontDoor(t);
  const waiting = await loseThePhone(door);
  const { citizenId } = waiting;
  const site = await serve(t, (pages) =>
    citizenRoutes({
      ...door.deps,
      catalogue: { client: async () => ({ client_name: '示例省税务局' }) },
      signedIn: async () => ({ citizen: { id: citizenId } }),
      render: pages.render,
    }),
  );
  return { door, citizenId, jar: openJar(site.url), waiting };
}

test('a citizen sees what was agreed to, in words, and takes it back', async (t) => {
  const { door, citizenId, jar } = await begin(t);
  const key = { citizenId, clientId: 'tax' };
  await giveConsents(door.db, { ...key, claimSets: [identity], now: door.now() });
  t.regex((await jar.get('/account/consents')).text, /示例省税务局[\s\S]*姓名和证件号码/);
  await jar.post('/account/consents', new URLSearchParams({ client: 'tax', set: 'identity' }));
  t.false(await consentGiven(door.db, { ...key, claimSets: [identity] }));
  t.regex((await jar.get('/account/consents')).text, /还没有同意/);
  t.is((await door.db.query(`select 1 from audit_events where type = 'consent.withdrawn'`)).length, 1);
});

test('a citizen who is logged in sees a change of phone that waits, and stops it', async (t) => {
  const { jar, door, waiting } = await begin(t);
  t.regex((await jar.get('/account/phone-change')).text, /不是我，取消更换/);
  await jar.post('/account/phone-change', new URLSearchParams());
  t.regex((await jar.get('/account/phone-change')).text, /没有等待生效/);
  t.regex((await door.sms(waiting.person.phone))[0] ?? '', /已取消/);
});
