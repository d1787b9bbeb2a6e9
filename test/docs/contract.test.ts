import { spawnSync } from 'node:child_process';
import test from 'ava';
import { OWN_MEMBERS } from '../../src/departments/client-metadata.ts';
import { SCOPE_CLAIMS } from '../../src/oidc/claim-sets.ts';
import { filesOf, ROOT, textOf } from '../support/sources.ts';
import { blocksOf, firstCells } from './page.ts';

const PAGE = 'docs/contract.md';
const page = textOf(PAGE);
const words = new Set([...page.matchAll(/`([^`\n]+)`/g)].flatMap((match) => match[1]!.split(/[\s,()]+/)));
const bare = (cell: string) => cell.replaceAll('`', '');

test('the table of our client metadata has every member', (t) => {
  t.deepEqual(firstCells(page, '## Clients file').map(bare).sort(), [...OWN_MEMBERS].sort());
});

test('the endpoints are those of the configuration', (t) => {
  const routes = /routes: \{([^}]*)\}/.exec(textOf('src/oidc/configuration.ts'))?.[1] ?? '';
  const configured = [...routes.matchAll(/(\w+): '([^']+)'/g)].map(([, name, path]) => [name!, path!]);
  t.true(configured.length > 5);
  t.deepEqual(
    firstCells(page, '## OpenID Connect').map(bare).sort(),
    configured.map(([name]) => name!).sort(),
  );
  for (const [, path] of configured) t.true(words.has(path!), path);
});

test('every scope is listed with its claims', (t) => {
  for (const [scope, claims] of Object.entries(SCOPE_CLAIMS)) {
    if (scope !== 'openid') t.true(page.includes(`| \`${scope}\` | \`${claims.join(' ')}\` |`), scope);
    for (const claim of claims) t.true(words.has(claim), claim);
  }
});

test('every page of the front door is listed, and every field and button of its forms', (t) => {
  const sources = filesOf('src/front-door').map(textOf).join('\n');
  const paths = [...sources.matchAll(/router\.(?:get|post)\(\s*'([^']+)'/g)].map((match) =>
    match[1]!.replace(/^\/interaction\/:uid(?=\/)/, '').replace(/:(\w+)/g, '{$1}'),
  );
  t.true(paths.length > 40);
  const forms = filesOf('views/front-door').map(textOf).join('\n');
  const fields = [
    ...forms.matchAll(/(?:field|codeField|choices|checkbox)\(\{ name: '(\w+)'|hidden\('(\w+)'/g),
  ];
  const buttons = [...forms.matchAll(/submit\(\{[^}]*value: '(\w+)'/g)];
  t.true(fields.length > 20 && buttons.length > 10);
  const named = [
    ...paths,
    ...fields.map((match) => match[1] ?? match[2]!),
    ...buttons.map((match) => match[1]!),
  ];
  t.deepEqual(
    [...new Set(named)].filter((name) => !words.has(name)),
    [],
  );
});

/** Fields and buttons of the forms below a folder of views. */
function controlsOf(folder: string): string[] {
  const forms = filesOf(folder).map(textOf).join('\n');
  const fields = /(?:field|codeField|choices|checkbox|options:) ?\(?\{ name: '(\w+)'|hidden\('(\w+)'/g;
  const buttons = /submit\(\{[^}]*value: '(\w+)'/g;
  return [
    ...[...forms.matchAll(fields)].map((match) => match[1] ?? match[2]!),
    ...[...forms.matchAll(buttons)].map((match) => match[1]!),
  ];
}

for (const [room, least] of [
  ['account', 10],
  ['health-code', 30],
] as const) {
  test(`every field and button of the pages of ${room} is listed`, (t) => {
    const named = new Set(controlsOf(`views/${room}`));
    t.true(named.size >= least, String(named.size));
    const listed = new Set([...words].flatMap((word) => word.split(/[=/]/)));
    t.deepEqual(
      [...named].filter((name) => !listed.has(name)),
      [],
    );
  });

  test(`every address of ${room} that its source writes out is listed`, (t) => {
    const sources = filesOf(`src/${room}`).map(textOf).join('\n');
    const paths = [...sources.matchAll(/router\.(?:get|post)\(\s*'(\/[^']+)'/g)].map((match) =>
      match[1]!.replace(/:(\w+)/g, '{$1}'),
    );
    t.true(paths.length > 5);
    const prefixed = (path: string) => [
      path,
      `/health/ingest${path}`,
      path.replace(/^.*\/(?=\w+\/\w)/, '…/'),
    ];
    const internal = ['/account/callback', '/account/logged-out'];
    t.deepEqual(
      [...new Set(paths)].filter(
        (path) => !internal.includes(path) && !prefixed(path).some((name) => words.has(name)),
      ),
      [],
    );
  });
}

test('health:evaluate answers the example as the page says', (t) => {
  const blocks = blocksOf(page, 'json');
  const [cases, results] = blocks.map(({ code }) => code);
  const answer = spawnSync(process.execPath, ['src/health-code/engine/evaluate-cli.ts'], {
    cwd: ROOT,
    input: cases,
    encoding: 'utf8',
  });
  t.deepEqual(JSON.parse(answer.stdout), JSON.parse(results!));
});
