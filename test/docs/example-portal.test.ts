import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import test from 'ava';
import { type Answered, openJar } from '../support/http-client.ts';
import { ROOT } from '../support/sources.ts';
import { startPlatform } from './platform.ts';

test('the example portal logs in, links an old user, steps up, and hears of a logout elsewhere', async (t) => {
  const { issuer, portal } = await startPlatform(t);
  const program = spawn(process.execPath, [join(ROOT, 'docs/examples/portal.ts')], {
    env: { ...process.env, ISSUER: issuer, ORIGIN: portal },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => program.kill());
  await once(program.stdout, 'data');
  // One browser; it keeps the cookies of the two apart by their ports, as the names do in a real one.
  const [here, there] = [openJar(portal), openJar(issuer)];
  const form = (fields: Record<string, string>) => new URLSearchParams(fields);
  const jarOf = (url: string) => (url.startsWith(issuer) ? there : here);
  const follow = async (from: Answered, until = ''): Promise<Answered & { url: string }> => {
    let answered = from;
    let url = '';
    while (answered.location !== undefined) {
      url = answered.location;
      answered = await jarOf(url).get(url);
      if (until !== '' && url.includes(until)) break;
    }
    return { ...answered, url };
  };

  t.is((await here.get('/')).text, 'Public information.\n');
  const { url: login } = await follow(await here.get('/login'));
  t.regex(login, /\/interaction\//);
  await there.post(`${login}/login`, form({ username: 'li_jianzhong', password: 'Yunhe-Qiao-39' }));
  await there.get(`${login}/code`);
  const loggedIn = await follow(await there.post(`${login}/code`, form({ code: '246810' })));
  t.is(loggedIn.text, 'Hello new citizen, your level is urn:ymt:acr:basic.\n');

  const wrong = await here.post('/link', form({ user: 'laowang', password: 'guessed' }));
  t.is(wrong.text, 'Wrong user name or password.\n');
  const old = form({ user: 'laowang', password: 'a password from before' });
  t.is((await here.post('/link', old)).text, 'Linked.\n');

  const { url: stepUp } = await follow(await here.get('/permits'));
  t.regex(stepUp, /\/step-up$/);
  const declined = await follow(await there.post(stepUp, form({ action: 'back' })));
  t.is(declined.text, 'unmet_authentication_requirements\n');
  const { url: again } = await follow(await here.get('/permits'));
  const card = form({ card_number: '6299390000000000042', phone: '13939000004' });
  await there.post(`${again}/bank_card`, card);
  const permitted = await follow(await there.get(again));
  t.is(permitted.text, 'Your permits.\n');
  t.is((await here.get('/')).text, 'Hello laowang, your level is urn:ymt:acr:intermediate.\n');

  const page = await there.get('/oauth/logout');
  const xsrf = /name="xsrf" value="([^"]*)"/.exec(page.text)?.[1] ?? '';
  await there.post('/oauth/logout/confirm', form({ xsrf, logout: 'yes' }));
  let front: string;
  do front = (await here.get('/')).text;
  while (front.startsWith('Hello'));
  t.is(front, 'Public information.\n');
});
