import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Assets, readAssets } from './assets.ts';

const ROOT = join(import.meta.dirname, '../..');
const SHEETS = [
  'tokens',
  'base',
  'layout',
  'forms',
  'cards',
  'choices',
  'components',
  'health',
  'health-show',
];
/** Modules that browsers and the platform both run, as they are. */
const SHARED = join(ROOT, 'src/health-code/wire');

const packageFolder = (name: string) => dirname(fileURLToPath(import.meta.resolve(name)));

/** Files of a folder, under the name that browsers see. */
const folder = (name: string, path: string): Record<string, string[]> =>
  Object.fromEntries(
    readdirSync(path)
      .filter((file) => file.endsWith('.js'))
      .map((file) => [`${name}/${file}`, [join(path, file)]]),
  );

/** The folder `public/`, and the scripts that come from elsewhere instead of being copied into it. */
export function productAssets(): Assets {
  const { resolve } = createRequire(import.meta.url);
  const passkeys = join(resolve('@simplewebauthn/browser'), '../..');
  const cbor = packageFolder('cborg');
  const qr = packageFolder('qr');
  const { 'vendor/cborg/lib/bin.js': _command, ...cborFiles } = folder('vendor/cborg/lib', join(cbor, 'lib'));
  return readAssets(join(ROOT, 'public'), {
    'style.css': SHEETS.map((sheet) => join(ROOT, 'public/style', `${sheet}.css`)),
    'vendor/simplewebauthn.js': [join(passkeys, 'dist/bundle/index.umd.min.js')],
    'vendor/cborg/cborg.js': [join(cbor, 'cborg.js')],
    ...cborFiles,
    'vendor/qr/index.js': [join(qr, 'index.js')],
    'vendor/qr/decode.js': [join(qr, 'decode.js')],
    ...folder('health/wire', SHARED),
  });
}
