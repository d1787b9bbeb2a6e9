import type { Context, Middleware } from 'koa';
import type Provider from 'oidc-provider';
import type { KoaContextWithOIDC } from 'oidc-provider';
import { suggestLocale } from '../platform/http/preferences.ts';
import { memoryOf } from './request-memory.ts';

type Handler = (ctx: unknown, next: () => Promise<unknown>) => Promise<unknown>;

/**
 * Answers the protocol's paths with the provider of the moment and passes everything else on. Pages on which
 * the library posts a form (form-post response mode, change of account, logout) may lead to the redirect
 * address that it has validated.
 */
export function mountProvider(current: () => Provider): Middleware {
  return async (ctx, next) => {
    const provider = current();
    const [handle] = provider.middleware as unknown as Handler[];
    await handle?.(ctx, next);
    if (memoryOf(ctx.req).sessionCookieDead) withholdCookie(ctx, provider.cookieName('session'));
    const { oidc } = ctx as unknown as Partial<KoaContextWithOIDC>;
    if (oidc === undefined) return;
    ctx.state.route = oidc.route;
    if (oidc.route === 'authorization') suggestLocale(ctx, localesOf(oidc));
    if (!String(ctx.type).includes('html')) return;
    const redirectUri = oidc.params?.redirect_uri;
    // An error found before that check is answered there all the same, when the client registered it.
    const registered = typeof redirectUri === 'string' && oidc.client?.redirectUriAllowed(redirectUri);
    const targets = [
      oidc.redirectUriCheckPerformed || registered ? redirectUri : undefined,
      oidc.entities?.Interaction?.params.redirect_uri,
      oidc.session?.state?.postLogoutRedirectUri,
    ].filter((uri): uri is string => typeof uri === 'string');
    ctx.state.formActions = [...(ctx.state.formActions ?? []), ...targets];
  };
}

/** The languages that the request wants its pages in (OpenID Connect Core 1.0 §3.1.2.1). */
export const localesOf = (oidc: Partial<Pick<KoaContextWithOIDC['oidc'], 'params'>>): string | undefined =>
  typeof oidc.params?.ui_locales === 'string' ? oidc.params.ui_locales : undefined;

const GONE = 'expires=Thu, 01 Jan 1970';

/**
 * Takes back the session cookie that the library set. A request that was in flight while another one rotated
 * the identifier would otherwise overwrite the new cookie with the old one, which is about to die.
 */
function withholdCookie(ctx: Context, name: string): void {
  const set = ([] as string[]).concat(ctx.response.get('set-cookie') ?? []);
  const kept = set.filter(
    (line) => line.includes(GONE) || !(line.startsWith(`${name}=`) || line.startsWith(`${name}.sig=`)),
  );
  if (kept.length === set.length) return;
  if (kept.length > 0) ctx.set('set-cookie', kept);
  else ctx.remove('set-cookie');
}
