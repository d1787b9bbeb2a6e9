import type { Middleware } from 'koa';
import type { Pages } from '../pages.ts';
import { errors, type Log, referenceId } from './errors.ts';
import { preferences } from './preferences.ts';
import { pinOrigin, trustedProxies } from './proxies.ts';
import { sameOriginPosts, securityHeaders } from './security.ts';
import { serveAssets } from './static.ts';

/** What can be given middleware: a Koa app, or the protocol library that is one. */
interface Installable {
  proxy: boolean;
  use(middleware: Middleware): unknown;
}

const forPages =
  (middleware: Middleware): Middleware =>
  (ctx, next) =>
    ctx.state.api ? next() : middleware(ctx, next);

/**
 * Puts everything that each request needs in front of an app's own routes, in the one order that works.
 *
 * @param options.trustedProxies CIDR ranges whose `X-Forwarded-*` counts.
 * @param options.crossSitePosts paths that other sites may post to.
 * @param options.programs paths that only programs ask, all day long: they are spared what only pages need.
 * @param options.origin the public origin, whatever address the request was sent to.
 */
export function installHttp(
  app: Installable,
  options: {
    pages: Pages;
    log: Log;
    trustedProxies?: readonly string[];
    crossSitePosts?: ReadonlyArray<string | RegExp>;
    programs?: RegExp;
    origin?: string;
  },
): void {
  const { pages, log } = options;
  // Safe because trustedProxies removes the headers of everybody else.
  app.proxy = true;
  app.use(trustedProxies(options.trustedProxies ?? []));
  if (options.origin !== undefined) app.use(pinOrigin(options.origin));
  app.use(referenceId);
  const { programs } = options;
  if (programs)
    app.use((ctx, next) => {
      if (programs.test(ctx.path)) ctx.state.api = true;
      return next();
    });
  app.use(securityHeaders);
  app.use(errors({ log, show: pages.problem, describe: pages.describe }));
  app.use(forPages(serveAssets(pages.assets)));
  app.use(forPages(sameOriginPosts(options.crossSitePosts)));
  app.use(forPages(preferences));
}
