import { posix } from 'node:path';
import test from 'ava';
import { filesOf, importsOf, textOf } from './support/sources.ts';

/** The rooms of `src/`, top to bottom. Rooms on one line never import one another. */
const STOREYS = [
  ['main'],
  ['oidc'],
  ['front-door', 'account', 'console'],
  ['matters'],
  ['legal-persons', 'health-code', 'federation'],
  ['departments'],
  ['assurance'],
  ['citizens'],
  ['sessions', 'consents'],
  ['authorities', 'audit'],
  ['platform'],
];

const storeyOf = (room: string) => STOREYS.findIndex((rooms) => rooms.includes(room));

/** The room of a path below `src/`; files directly in `src/` compose the rooms and are above them all. */
function roomOf(file: string): string {
  const parts = file.split('/');
  return parts.length === 2 ? 'main' : parts[1]!;
}

const sources = filesOf('src').filter((file) => /\.[jt]s$/.test(file));

const resolved = (file: string, imported: string) => posix.join(posix.dirname(file), imported);

test('every folder of src is a room of the house', (t) => {
  for (const file of sources) t.not(storeyOf(roomOf(file)), -1, `${file}: no such room`);
});

test('a room imports only rooms below it', (t) => {
  const wrong = sources.flatMap((file) =>
    importsOf(textOf(file))
      .filter((imported) => imported.startsWith('.'))
      .map((imported) => resolved(file, imported))
      .filter((target) => target.startsWith('src/') && roomOf(target) !== roomOf(file))
      .filter((target) => storeyOf(roomOf(target)) <= storeyOf(roomOf(file)))
      .map((target) => `${file} imports ${target}`),
  );
  t.deepEqual(wrong, []);
});

test('the product imports nothing of the sandbox, the tests or the measurements', (t) => {
  const wrong = sources.flatMap((file) =>
    importsOf(textOf(file))
      .filter((imported) => imported.startsWith('.'))
      .map((imported) => resolved(file, imported))
      .filter((target) => !target.startsWith('src/') && !target.startsWith('config/'))
      .map((target) => `${file} imports ${target}`),
  );
  t.deepEqual(wrong, []);
});

test('only src/oidc imports oidc-provider', (t) => {
  const users = filesOf('src')
    .filter((file) => file.endsWith('.ts') && !file.startsWith('src/oidc/'))
    .filter((file) => importsOf(textOf(file)).some((name) => /^oidc-provider(\/|$)/.test(name)));
  t.deepEqual(users, []);
});

test('no file outgrows 320 lines', (t) => {
  const long = ['src', 'sandbox', 'test', 'migrations', 'bench', 'views', 'public']
    .filter((folder) => filesOf('.').some((file) => file.startsWith(`${folder}/`)))
    .flatMap((folder) => filesOf(folder))
    .filter((file) => /\.(ts|js|eta)$/.test(file))
    .map((file) => ({ file, lines: textOf(file).trimEnd().split('\n').length }))
    .filter(({ lines }) => lines > 320);
  t.deepEqual(long, []);
});

test('no file names the host of a package registry', (t) => {
  const hosts = ['npmjs', 'npmmirror', 'yarnpkg', 'nodejitsu'].join('|');
  const host = new RegExp(
    `registry\\.(${hosts})\\b|\\b(npm\\.pkg\\.github|r\\.cnpmjs)\\.|"resolved":\\s*"https?:`,
  );
  t.deepEqual(
    filesOf().filter((file) => !/\.(png|ico|woff2|jpg)$/.test(file) && host.test(textOf(file))),
    [],
  );
});

test('imports are found in every form', (t) => {
  const text = `import a from 'a';\nimport './b.ts';\nimport {\n  c,\n} from "c";\nexport * from 'd';\nawait import('e');
// import no from 'no';\n/* import no from 'no' */\nimport type { F } from 'f';`;
  t.deepEqual(importsOf(text), ['a', './b.ts', 'c', 'd', 'e', 'f']);
});
