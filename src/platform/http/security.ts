import helmet from 'helmet';
import type { Context, Middleware } from 'koa';
import { Problem } from '../problem.ts';

const SELF = ["'self'"];

const protect = helmet({
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      defaultSrc: ["'none'"],
      styleSrc: SELF,
      imgSrc: SELF,
      fontSrc: SELF,
      connectSrc: SELF,
      scriptSrc: SELF,
      manifestSrc: SELF,
      formAction: SELF,
      frameAncestors: ["'none'"],
      baseUri: ["'none'"],
    },
  },
  // Not `no-referrer`: under that one browsers send `Origin: null` with our own forms.
  referrerPolicy: { policy: 'same-origin' },
  frameguard: { action: 'deny' },
  hsts: false,
});

/** They are the same for every answer, so they are made once. */
const HEADERS = new Map<string, string>();
protect(
  {} as never,
  {
    setHeader: (name: string, value: string) => HEADERS.set(name, value),
    removeHeader() {},
  } as never,
  () => {},
);

/** What a browser needs to know when somebody opens in it what is meant for programs. */
const PROGRAM_HEADERS = new Map([
  ['content-security-policy', "default-src 'none'; frame-ancestors 'none'"],
  ['x-content-type-options', 'nosniff'],
]);

const YEAR = 365 * 24 * 60 * 60;

/** An address as a CSP source: its origin, or the scheme alone of a native app's (`cn.gov.app:/back`). */
function cspSource(address: string): string {
  const url = new URL(address);
  return url.origin === 'null' ? url.protocol : url.origin;
}

/**
 * Strict headers on every answer: nothing inline, nothing framed, nothing from elsewhere; dynamic answers are
 * stored nowhere unless their route said otherwise. What only programs ask (`ctx.state.api`) has those that matter there.
 *
 * Browsers apply `form-action` also to the redirect that answers a form, so pages whose form may end at a
 * relying party put its validated redirect addresses into `ctx.state.formActions: string[]`.
 */
export const securityHeaders: Middleware = async (ctx, next) => {
  // Set before the handlers: the protocol library adds hashes of its scripts to the header that it finds.
  for (const [name, value] of ctx.state.api ? PROGRAM_HEADERS : HEADERS) ctx.res.setHeader(name, value);
  if (ctx.secure) ctx.set('strict-transport-security', `max-age=${YEAR}; includeSubDomains`);
  await next();
  if (!ctx.response.get('cache-control')) ctx.set('cache-control', 'no-store');
  const formActions = (ctx.state.formActions ?? []) as string[];
  if (formActions.length > 0) {
    const sources = [...new Set(formActions.map(cspSource))].join(' ');
    const policy = ctx.response.get('content-security-policy');
    ctx.set(
      'content-security-policy',
      policy.replace(/form-action [^;]*/, (own) => `${own} ${sources}`),
    );
  }
};

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Whether a browser says that another site made this request. Programs say nothing and are let through. */
function crossSite(ctx: Context): boolean {
  const site = ctx.get('sec-fetch-site');
  if (site) return site !== 'same-origin' && site !== 'none';
  const origin = ctx.get('origin');
  // Not `ctx.origin`: in Koa 3 that is the header itself.
  return origin !== '' && origin !== `${ctx.protocol}://${ctx.host}`;
}

/**
 * Refuses forms that another site posts (cross-site request forgery) with 403 `cross_site_post`. Every current
 * browser sends `Sec-Fetch-Site` or `Origin` with a POST, so pages need no token.
 *
 * @param exempt paths that other sites may post to: protocol endpoints with protection of their own.
 */
export function sameOriginPosts(exempt: ReadonlyArray<string | RegExp> = []): Middleware {
  return (ctx, next) => {
    const free = exempt.some((path) => (typeof path === 'string' ? path === ctx.path : path.test(ctx.path)));
    if (!SAFE.has(ctx.method) && !free && crossSite(ctx)) throw new Problem('cross_site_post', 403);
    return next();
  };
}
