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

/**
 * Puts everything that each request needs in front of an app's own routes, in the one order that works.
 *
 * @param options.trustedProxies CIDR ranges whose `X-Forwarded-*` counts.
 * @param options.crossSitePosts paths that other sites may post to.
 * @param options.origin the public origin, whatever address the request was sent to.
 */
export function installHttp(
  app: Installable,
  options: {
    pages: Pages;
    log: Log;
    trustedProxies?: readonly string[];
    crossSitePosts?: ReadonlyArray<string | RegExp>;
    origin?: string;
  },
): void {
  const { pages, log } = options;
  // Safe because trustedProxies removes the headers of everybody else.
  app.proxy = true;
  app.use(trustedProxies(options.trustedProxies ?? []));
  if (options.origin !== undefined) app.use(pinOrigin(options.origin));
  app.use(referenceId);
  app.use(securityHeaders);
  app.use(errors({ log, show: pages.problem, describe: pages.describe }));
  app.use(serveAssets(pages.assets));
  app.use(sameOriginPosts(options.crossSitePosts));
  app.use(preferences);
}
