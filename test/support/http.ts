import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import Router from '@koa/router';
import type { ExecutionContext } from 'ava';
import Koa, { type Middleware } from 'koa';
import type { Log } from '../../src/platform/http/errors.ts';
import { installHttp } from '../../src/platform/http/install.ts';
import type { Pages } from '../../src/platform/pages.ts';
import { isHook } from './database.ts';
import { pages as ownPages } from './pages.ts';

export interface LoggedLine {
  level: 'info' | 'warn' | 'error';
  fields: Record<string, unknown>;
  message: string;
}

export interface TestSite {
  url: string;
  pages: Pages;
  logged: LoggedLine[];
}

/**
 * Serves pages on a free port of this machine until the test ends, or called in a hook until the process does, with
 * everything that every request gets.
 * @param routes the room's own routes: a router, or one middleware.
 */
export async function serve(
  t: ExecutionContext<unknown>,
  routes: (pages: Pages) => Router | Middleware,
  {
    pages = ownPages,
    ...options
  }: { pages?: Pages; trustedProxies?: string[]; crossSitePosts?: string[]; programs?: RegExp } = {},
): Promise<TestSite> {
  const logged: LoggedLine[] = [];
  const line =
    (level: LoggedLine['level']) =>
    (fields: object, message: string): void => {
      logged.push({ level, fields: { ...fields }, message });
    };
  const log: Log = { info: line('info'), warn: line('warn'), error: line('error') };
  const app = new Koa();
  // As in `src/app.ts`: errors are logged above, and a connection that a test cuts is none.
  app.silent = true;
  installHttp(app, { pages, log, ...options });
  const own = routes(pages);
  app.use(own instanceof Router ? own.routes() : own);
  const server = createServer(app.callback());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  if (isHook(t)) server.unref();
  else
    t.teardown(() => {
      server.closeAllConnections();
      server.close();
    });
  return { url: `http://localhost:${(server.address() as AddressInfo).port}`, pages, logged };
}
