import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { z } from 'zod';
import { published } from '../../docs/publish.ts';
import { REDIRECT_CHECKS } from '../../src/authorities/redirect-check.ts';
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

const schemaOf = (file: string) =>
  z.fromJSONSchema(JSON.parse(textOf(`docs/schemas/${file}`)) as Parameters<typeof z.fromJSONSchema>[0]);
const jsonOf = (file: string): unknown => JSON.parse(textOf(file));

for (const [path, text] of Object.entries(published())) {
  test(`docs/${path} says what the source says; "npm run docs" writes it`, (t) => {
    t.is(textOf(`docs/${path}`), text);
  });
}

test('the published schemas accept the clients and people that ship, and refuse mistakes', (t) => {
  const clients = schemaOf('clients.schema.json');
  for (const file of ['sandbox/clients.json', 'docs/examples/clients.json']) {
    t.is(clients.safeParse(jsonOf(file)).error, undefined, file);
  }
  t.false(clients.safeParse([{ client_id: 'a', client_name: 'A' }]).success, 'no sector');
  t.false(clients.safeParse([{ client_id: 'a', client_name: 'A', sector: 'a', min_acr: 'gold' }]).success);
  const people = schemaOf('people.schema.json');
  t.is(people.safeParse(jsonOf('sandbox/people.json')).error, undefined);
  t.false(people.safeParse([{ name: 'A' }]).success);
});

/** The rows of a Markdown page's tables, by their first cell. */
const rowsOf = (page: string) =>
  textOf(page)
    .split('\n')
    .filter((line) => line.startsWith('| '));

test('what the platform asks of authorities is in the contract, path by path', (t) => {
  const rows = rowsOf('docs/contract.md').map((row) => row.split(' | ')[0] ?? '');
  const paths = filesOf('src/authorities')
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) => [...textOf(file).matchAll(/at\(\w+, ['`]([a-z][^'`]*)['`]\)/g)])
    .map(([, path = '']) => path.replace(/\$(?=\{)/, ''));
  t.true(paths.length >= 8);
  const desks = ['police', 'entry-exit'].flatMap((desk) => [`${desk}/confirm`, `${desk}/recheck`]);
  for (const path of [...paths, ...desks])
    t.true(
      rows.some((row) => row.includes(`\`${path}\``)),
      path,
    );
  for (const kind of REDIRECT_CHECKS)
    t.regex(textOf('docs/contract.md'), new RegExp(`Kinds of check: .*${kind}`));
});

test('both pages for relying parties name every scope with all its claims', (t) => {
  for (const page of ['docs/contract.md', 'docs/relying-parties.md']) {
    for (const [scope, claims] of Object.entries(SCOPE_CLAIMS)) {
      if (scope === 'openid') continue;
      const row = rowsOf(page).find((line) => line.startsWith(`| \`${scope}\` | \``)) ?? '';
      for (const claim of claims) t.regex(row, new RegExp(`\\b${claim}\\b`), `${page}: ${scope}`);
    }
  }
});

test('no form of the contract stands there twice', (t) => {
  const pages = rowsOf('docs/contract.md').map((row) => row.split(' | ')[0] ?? '');
  const forms = pages.filter((page) => page.startsWith('| `/'));
  t.deepEqual(
    forms.filter((page, at) => forms.indexOf(page) !== at),
    [],
  );
});

const rooms = readdirSync(join(ROOT, 'src'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

test('every room says in a page what it is for', (t) => {
  for (const room of rooms) {
    const page = textOf(`src/${room}/README.md`);
    t.regex(page, /^# .*\n\nIts one job: /, room);
    t.true(page.split('\n').length <= 60, room);
  }
});

test('the pages name files that exist', (t) => {
  for (const room of rooms) {
    const files = filesOf(`src/${room}`).map((file) => file.slice(`src/${room}/`.length));
    const [table = ''] = /(?:^\|.*\n)+/m.exec(textOf(`src/${room}/README.md`)) ?? [];
    const named = [...table.matchAll(/^\|([^|]*)\|/gm)]
      .flatMap((row) => [...row[1]!.matchAll(/`([^`]+)`/g)])
      .map((match) => match[1]!);
    t.true(named.length > 1, room);
    const missing = named.filter((name) =>
      name.endsWith('/') ? !files.some((file) => file.startsWith(name)) : !files.includes(name),
    );
    t.deepEqual(missing, [], room);
  }
});

const allPages = filesOf('.').filter((file) => file.endsWith('.md'));

test('links between pages lead somewhere', (t) => {
  const all = new Set(filesOf('.'));
  const broken = allPages.flatMap((page) =>
    [...textOf(page).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)(?:#[^)]*)?\)/g)]
      .map((match) => join(page, '..', match[1]!))
      .filter((target) => !all.has(target) && ![...all].some((file) => file.startsWith(`${target}`)))
      .map((target) => `${page} → ${target}`),
  );
  t.deepEqual(broken, []);
});
