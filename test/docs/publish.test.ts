import test from 'ava';
import { z } from 'zod';
import { published } from '../../docs/publish.ts';
import { REDIRECT_CHECKS } from '../../src/authorities/redirect-check.ts';
import { SCOPE_CLAIMS } from '../../src/oidc/claim-sets.ts';
import { filesOf, textOf } from '../support/sources.ts';

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
