import type { Middleware } from 'koa';
import type { Assets } from '../assets.ts';

const PREFIX = '/assets/';
const FOREVER = 'public, max-age=31536000, immutable';

/**
 * Serves `/assets/<hash>/<file>`. Under an older hash (a page that was open during a release) the newest file is
 * sent, but not kept.
 */
export function serveAssets(assets: Assets): Middleware {
  return (ctx, next) => {
    if (!ctx.path.startsWith(PREFIX) || (ctx.method !== 'GET' && ctx.method !== 'HEAD')) return next();
    const [hash, ...rest] = ctx.path.slice(PREFIX.length).split('/');
    const asset = assets.find(rest.join('/'));
    if (asset === undefined) return next();
    ctx.set('cache-control', hash === assets.hash ? FOREVER : 'no-cache');
    ctx.type = asset.type;
    ctx.vary('accept-encoding');
    const gzip = ctx.acceptsEncodings('gzip', 'identity') === 'gzip' ? asset.gzip : undefined;
    if (gzip) {
      ctx.set('content-encoding', 'gzip');
      ctx.body = gzip;
    } else ctx.body = asset.body;
  };
}
