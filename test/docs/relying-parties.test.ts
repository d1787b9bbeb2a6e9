import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import test from 'ava';
import { type Answered, openJar } from '../support/http-client.ts';
import { ROOT, textOf } from '../support/sources.ts';
import { blocksOf, promisesOf } from './page.ts';
import { type Platform, startPlatform } from './platform.ts';

const PAGE = 'docs/relying-parties.md';
const SEPARATOR = '\u001e';
/** Each of many small programs and pages takes its time on a busy machine. */
const SLOW = 300_000;

let platform: Platform;
test.before(async (t) => {
  t.timeout(SLOW);
  platform = await startPlatform(t);
});
test.after.always(() => platform?.stop());

test.serial('the commands of the page, run in order, print what the page says', async (t) => {
  const { issuer, portal } = platform;
  t.timeout(SLOW);
  const blocks = blocksOf(textOf(PAGE), 'sh');
  t.true(blocks.length > 10);
  const script = blocks.map(({ code }) => `printf '${SEPARATOR}' >&2; ${code}`);
  const shell = spawn('bash', ['-c', ['exec 2>&1', 'set -euo pipefail', ...script].join('\n')], {
    cwd: ROOT,
    env: { ...process.env, ISSUER: issuer, PORTAL: portal },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => shell.kill());
  const printed = (await text(shell.stdout)).split(SEPARATOR).slice(1);
  for (const [index, block] of blocks.entries()) {
    const output = printed[index];
    if (output === undefined) return t.fail(`${PAGE}:${block.line} was not reached: ${printed.at(-1)}`);
    for (const promise of promisesOf(block)) {
      t.true(
        output.includes(promise),
        `${PAGE}:${block.line} should print ${promise}, but printed ${output}`,
      );
    }
  }
});

test('the page shows the example files as they are', (t) => {
  const page = textOf(PAGE);
  t.true(page.includes(textOf('docs/examples/level.ts').trim()));
  const [entry] = blocksOf(page, 'json');
  const [first] = JSON.parse(textOf('docs/examples/clients.json')) as object[];
  t.like(first, JSON.parse(entry!.code) as object);
});

test.serial(
  'the example portal logs in, links an old user, steps up, and hears of a logout elsewhere',
  async (t) => {
    const { issuer, portal } = platform;
    t.timeout(SLOW);
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
  },
);
