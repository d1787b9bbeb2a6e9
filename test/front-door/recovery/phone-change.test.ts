import test from 'ava';
import { phoneChangeRoutes } from '../../../src/front-door/recovery/phone-change.ts';
import { startFrontDoor } from '../../support/front-door.ts';
import { serve } from '../../support/http.ts';
import { openJar } from '../../support/http-client.ts';
import { loseThePhone } from '../../support/recovery.ts';

test('a citizen who is logged in sees a change of phone that waits, and stops it', async (t) => {
  const door = await startFrontDoor(t);
  const { citizenId, person } = await loseThePhone(door);
  const site = await serve(t, (pages) =>
    phoneChangeRoutes({
      ...door.deps,
      signedIn: async () => ({ citizen: { id: citizenId } }),
      render: pages.render,
    }),
  );
  const jar = openJar(site.url);
  t.regex((await jar.get('/account/phone-change')).text, /不是我，取消更换/);
  await jar.post('/account/phone-change', new URLSearchParams());
  t.regex((await jar.get('/account/phone-change')).text, /没有等待生效/);
  t.regex((await door.sms(person.phone))[0] ?? '', /已取消/);
});
