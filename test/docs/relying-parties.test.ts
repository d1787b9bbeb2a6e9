import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import test from 'ava';
import { ROOT, textOf } from '../support/sources.ts';
import { blocksOf, promisesOf } from './page.ts';
import { startPlatform } from './platform.ts';

const PAGE = 'docs/relying-parties.md';
const SEPARATOR = '\u001e';

test('the commands of the page, run in order, print what the page says', async (t) => {
  const { issuer, portal } = await startPlatform(t);
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
