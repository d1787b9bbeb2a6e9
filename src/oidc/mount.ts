import type { Middleware } from 'koa';
import type Provider from 'oidc-provider';
import type { KoaContextWithOIDC } from 'oidc-provider';

type Handler = (ctx: unknown, next: () => Promise<unknown>) => Promise<unknown>;

/**
 * Answers the protocol's paths with the provider of the moment and passes everything else on. Pages on which
 * the library posts a form (form-post response mode, change of account, logout) may lead to the redirect
 * address that it has validated.
 */
export function mountProvider(current: () => Provider): Middleware {
  return async (ctx, next) => {
    const [handle] = current().middleware as unknown as Handler[];
    await handle?.(ctx, next);
    const { oidc } = ctx as unknown as Partial<KoaContextWithOIDC>;
    if (oidc === undefined || !String(ctx.type).includes('html')) return;
    const targets = [
      oidc.redirectUriCheckPerformed ? oidc.params?.redirect_uri : undefined,
      oidc.entities?.Interaction?.params.redirect_uri,
      oidc.session?.state?.postLogoutRedirectUri,
    ].filter((uri): uri is string => typeof uri === 'string');
    ctx.state.formActions = [...(ctx.state.formActions ?? []), ...targets];
  };
}
