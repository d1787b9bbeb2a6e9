import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { bodyParser } from '@koa/bodyparser';
import Router from '@koa/router';
import Koa from 'koa';
import { clockEndpoint } from '../../src/platform/clock-endpoint.ts';
import { department } from './department.ts';
import { epidemic } from './epidemic.ts';
import { errorPage } from './error-page.ts';
import { home } from './home.ts';
import { createLocalSessions } from './local-sessions.ts';
import { logout } from './logout.ts';
import { rememberPreferences } from './page.ts';
import { pensionApi } from './pension-api.ts';
import type { Portal } from './portal.ts';
import { createRelyingParty } from './relying-party.ts';
import type { PortalSettings } from './settings.ts';
import { signIn } from './sign-in.ts';

export interface Stall {
  /** Where it listens. */
  url: string;
  /** Opens for business: until then whoever calls waits. */
  serve(settings: PortalSettings): void;
  close(): Promise<void>;
}

/** Takes a port before anybody is told of it, so that a test can register the address and nobody else gets it. */
export async function takeStall(port: number, host: string): Promise<Stall> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  return {
    url: `http://${host}:${(server.address() as AddressInfo).port}`,
    serve: (settings) => void server.on('request', createApp(settings).callback()),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Starts one portal or department as an ordinary relying party. */
export async function startPortal(settings: PortalSettings): Promise<Pick<Stall, 'url' | 'close'>> {
  const stall = await takeStall(settings.port, settings.host);
  stall.serve(settings);
  return stall;
}

function createApp(settings: PortalSettings): Koa {
  const { origin, issuer, look } = settings;
  const portal: Portal = {
    settings,
    main: createRelyingParty({
      issuer,
      credentials: settings.main,
      redirectUri: `${origin}/callback`,
      pushed: look === 'hrss',
    }),
    epidemic:
      settings.epidemic &&
      createRelyingParty({
        issuer,
        credentials: settings.epidemic,
        redirectUri: `${origin}/epidemic/callback`,
      }),
    // Cookies ignore ports, so each program on one host needs a name of its own.
    sessions: createLocalSessions(`${look}_session`, origin.startsWith('https:')),
  };

  const app = new Koa();
  app.use(async (ctx, next) => {
    try {
      await next();
    } catch (error) {
      process.stderr.write(`${look}: ${error instanceof Error ? error.name : 'error'} at ${ctx.path}\n`);
      errorPage(ctx, portal, { code: 'internal' });
      ctx.status = 500;
      return;
    }
    if (ctx.status === 404 && ctx.body === undefined) errorPage(ctx, portal, { code: 'not_found' });
  });
  app.use((ctx, next) => {
    // Browsers apply form-action to the redirect after a POST: logging out leads to the platform.
    const formAction = `'self' ${new URL(issuer).origin}`;
    ctx.set(
      'content-security-policy',
      `default-src 'none'; style-src 'self'; img-src 'self'; form-action ${formAction}; base-uri 'none'; frame-ancestors 'none'`,
    );
    ctx.set('x-content-type-options', 'nosniff');
    ctx.set('referrer-policy', 'no-referrer');
    return next();
  });
  app.use(rememberPreferences(portal));
  app.use(clockEndpoint(true));
  app.use(bodyParser({ enableTypes: ['json', 'form'] }));
  for (const router of [
    assets(settings),
    home(portal),
    signIn(portal),
    logout(portal),
    epidemic(portal),
    department(portal),
    ...(look === 'hrss' ? [pensionApi(portal)] : []),
  ]) {
    app.use(router.routes());
  }
  return app;
}

const publicFile = (name: string) => readFileSync(new URL(`./public/${name}`, import.meta.url));

function assets({ look }: PortalSettings): Router {
  const router = new Router();
  const files = [
    ['/base.css', 'base.css'],
    ['/look.css', `${look}.css`],
    ['/logo.svg', `${look}.svg`],
  ] as const;
  for (const [path, name] of files) {
    const body = publicFile(name);
    router.get(path, (ctx) => {
      ctx.type = name.endsWith('.css') ? 'css' : 'svg';
      ctx.set('cache-control', 'max-age=300');
      ctx.body = body;
    });
  }
  router.get('/healthz', (ctx) => {
    ctx.body = { status: 'ok' };
  });
  return router;
}
