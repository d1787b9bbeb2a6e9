import type Router from '@koa/router';
import type { Middleware } from 'koa';
import { localeOf } from '../../platform/http/preferences.ts';
import type { ShowDeps } from './deps.ts';

/** Pages that work without network, and the scripts that they load beside their own. */
const PAGES = ['/health/code/offline', '/health/verify/offline'];
const SCRIPTS =
  /^(health\/(?!worker\.js|.*\.png$)|vendor\/(cborg|qr)\/|once\.js$|reveal\.js$|style\.css$|icon\.svg$)/;

/**
 * What makes the health code an app on the home screen: `/health/manifest.webmanifest` and the service worker
 * `/health/worker.js`, which keeps the pages that work without network and their scripts, and nothing of anybody.
 */
export function appFiles(router: Router, { pages }: Pick<ShowDeps, 'pages'>): void {
  const { assets } = pages;

  router.get('/health/manifest.webmanifest', (ctx) => {
    const t = pages.t(ctx);
    ctx.type = 'application/manifest+json';
    ctx.body = JSON.stringify({
      name: t('healthShow.app.name'),
      short_name: t('healthShow.app.shortName'),
      lang: localeOf(ctx),
      id: '/health/code',
      start_url: '/health/code',
      scope: '/health/',
      display: 'standalone',
      background_color: '#f4f6f9',
      theme_color: '#14509a',
      icons: [
        { src: assets.url('health/app-icon.svg'), type: 'image/svg+xml', sizes: 'any', purpose: 'any' },
        { src: assets.url('health/app-icon.svg'), type: 'image/svg+xml', sizes: 'any', purpose: 'maskable' },
        // For phones that take no SVG; what is drawn stays within the circle that a mask leaves.
        ...[192, 512].flatMap((size) =>
          ['any', 'maskable'].map((purpose) => ({
            src: assets.url(`health/app-icon-${size}.png`),
            type: 'image/png',
            sizes: `${size}x${size}`,
            purpose,
          })),
        ),
      ],
    });
  });

  // The list stands in the worker itself: a release changes it, and the browser installs the new one.
  const files = assets.names.filter((name) => SCRIPTS.test(name)).map(assets.url);
  const worker = `const SHELL = ${JSON.stringify({ name: `health-${assets.hash}`, pages: PAGES, files })};
${assets.text('health/worker.js')}`;
  router.get('/health/worker.js', (ctx) => {
    ctx.set('cache-control', 'no-cache');
    ctx.type = 'text/javascript; charset=utf-8';
    ctx.body = worker;
  });
}

/** Makes browsers forget what the phone keeps for showing codes, when the citizen logs out on it. */
export const forgetOnLogout =
  (logout: RegExp): Middleware =>
  (ctx, next) => {
    if (ctx.method === 'POST' && logout.test(ctx.path)) ctx.set('clear-site-data', '"storage"');
    return next();
  };
