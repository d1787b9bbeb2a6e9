import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { filesOf, ROOT, textOf } from '../support/sources.ts';

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

const pages = filesOf('.').filter((file) => file.endsWith('.md'));

test('links between pages lead somewhere', (t) => {
  const all = new Set(filesOf('.'));
  const broken = pages.flatMap((page) =>
    [...textOf(page).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)(?:#[^)]*)?\)/g)]
      .map((match) => join(page, '..', match[1]!))
      .filter((target) => !all.has(target) && ![...all].some((file) => file.startsWith(`${target}`)))
      .map((target) => `${page} → ${target}`),
  );
  t.deepEqual(broken, []);
});
