import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join, relative, sep } from 'node:path';
import { gzipSync } from 'node:zlib';

const TYPES: Record<string, string> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml; charset=utf-8',
  '.png': 'image/png',
  '.txt': 'text/plain; charset=utf-8',
};

export interface Asset {
  body: Buffer;
  /** Only where it is smaller than `body`. */
  readonly gzip: Buffer | undefined;
  type: string;
}

export interface Assets {
  /** Address of a file of the folder: `style.css` → `/assets/<hash>/style.css`. Throws for an unknown file. */
  url(file: string): string;
  /** The file's own text, for icons that become part of the page. Throws for an unknown file. */
  text(file: string): string;
  find(file: string): Asset | undefined;
  readonly names: readonly string[];
  /** Hash over all files: one for the whole folder, so that relative addresses inside it keep working. */
  readonly hash: string;
}

/** Compressed when somebody first asks for it: most of what there is, most processes never send. */
function compressible(body: Buffer, type: string): Asset {
  let gzip: Buffer | undefined;
  return {
    body,
    type,
    get gzip() {
      gzip ??= gzipSync(body);
      return gzip.length < body.length ? gzip : undefined;
    },
  };
}

/**
 * Reads a folder of static files into memory (a few dozen small ones), with a content hash for their addresses.
 *
 * @param made files made of others put together, under the name they get:
 *   `{'style.css': ['/…/tokens.css', '/…/base.css'], 'vendor/x.js': ['/…/node_modules/x/x.js']}`.
 */
export function readAssets(directory: string, made: Readonly<Record<string, string[]>> = {}): Assets {
  const sources = new Map<string, string[]>(Object.entries(made));
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) sources.set(relative(directory, path).split(sep).join('/'), [path]);
  }
  const files = new Map<string, Asset>();
  const digest = createHash('sha256');
  for (const [name, paths] of [...sources].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const type = TYPES[extname(name)];
    if (type === undefined) continue;
    const body = Buffer.concat(paths.map((path) => readFileSync(path)));
    digest.update(`${name}\0${body.length}\0`).update(body);
    files.set(name, compressible(body, type));
  }
  const hash = digest.digest('base64url').slice(0, 12);
  const existing = (file: string): Asset => {
    const asset = files.get(file);
    if (asset === undefined) throw new Error(`There is no static file ${file}`);
    return asset;
  };
  return {
    hash,
    names: [...files.keys()],
    find: (file) => files.get(file),
    text: (file) => existing(file).body.toString('utf8'),
    url(file) {
      existing(file);
      return `/assets/${hash}/${file}`;
    },
  };
}
