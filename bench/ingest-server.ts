import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import Koa from 'koa';
import { collectionRoutes } from '../src/health-code/collection/routes.ts';
import { openDatabase } from '../src/platform/database.ts';
import { createCipher } from '../src/platform/field-encryption.ts';
import { installHttp } from '../src/platform/http/install.ts';
import { createPages } from '../src/platform/pages.ts';

/*
 * The endpoint alone, in a process of its own so that its memory can be measured: `ingest-server.ts url`. Tells
 * its parent where it listens, and its memory when asked.
 */
const db = openDatabase(process.argv[2] ?? '', { max: 4 });
const pages = createPages();
const quiet = {
  info() {},
  warn() {},
  error: (fields: object) => process.stderr.write(`${JSON.stringify(fields)}\n`),
};
const cipher = createCipher({
  current: 'bench',
  keys: { bench: Buffer.alloc(32, 1) },
  indexKey: Buffer.alloc(32, 2),
});
const app = new Koa();
app.silent = true;
installHttp(app, { pages, log: quiet });
app.use(
  collectionRoutes({
    db,
    cipher,
    clock: () => new Date(),
    pages,
    log: quiet,
    extraProvinces: ['39'],
    machineCaller: async () => ({ clientId: 'bench', scopes: new Set(['ingest:hospital']) }),
  }).routes(),
);
const server = createServer(app.callback()).listen(0, '127.0.0.1', () => {
  process.send?.({ port: (server.address() as AddressInfo).port });
});
process.on('message', () => process.send?.({ peak: process.resourceUsage().maxRSS * 1024 }));
process.on('disconnect', () => process.exit(0));
