import type { Context } from 'koa';
import type { KoaContextWithOIDC } from 'oidc-provider';
import type { Catalogue } from '../departments/catalogue.ts';
import { suggestLocale } from '../platform/http/preferences.ts';
import type { Pages } from '../platform/pages.ts';
import { Problem } from '../platform/problem.ts';
import type { ProtocolPages } from './configuration.ts';
import { showWayBack } from './door.ts';
import { localesOf } from './mount.ts';

/** Errors of the protocol that have a page of their own; the rest share `protocol_error`. */
const CODES: Record<string, string> = {
  session_not_found: 'interaction_expired',
  invalid_client: 'client_unknown',
  unauthorized_client: 'client_unknown',
  invalid_redirect_uri: 'redirect_uri_unknown',
  invalid_request_uri: 'login_request_used',
  access_denied: 'access_denied',
  server_error: 'internal',
};

/** The few pages that the protocol itself shows. */
export function createProtocolPages(pages: Pages, catalogue: Catalogue): ProtocolPages {
  return {
    error(ctx, out, error) {
      const notFound = /SessionNotFound/.test(error.name);
      const unconfirmed = ctx.oidc?.route === 'end_session_confirm' && out.error === 'invalid_request';
      const own = notFound ? 'interaction_expired' : unconfirmed ? 'logout_unconfirmed' : CODES[out.error];
      const code = own ?? 'protocol_error';
      if (unconfirmed) ctx.state.wayBack = { href: logoutAgain(ctx), label: 'oidc.logout.again' };
      ctx.state.protocolError = error;
      goBy(ctx);
      // People get there by "back" or with a second window: the portal can only ask anew.
      if (code === 'login_request_used') showWayBack(ctx as unknown as Context, ctx.oidc?.client);
      pages.problem(ctx as unknown as Context, new Problem(code, ctx.status, { error: out.error }));
    },
    async logout(ctx, form) {
      goBy(ctx);
      const names = await namesOf(ctx, catalogue);
      const back = ctx.oidc.client?.clientUri;
      pages.render(ctx as unknown as Context, 'oidc/logout', { form, names, back });
    },
    loggedOut(ctx) {
      pages.render(ctx as unknown as Context, 'oidc/logged-out', { back: ctx.oidc.client?.clientUri });
    },
  };
}

/** The page that asks whether to log out, as it was asked for last; two windows share one answer to it. */
function logoutAgain(ctx: KoaContextWithOIDC): string {
  const { clientId, postLogoutRedirectUri, state } = ctx.oidc.session?.state ?? {};
  const asked = { client_id: clientId, post_logout_redirect_uri: postLogoutRedirectUri, state };
  const known = Object.entries(asked).filter((pair): pair is [string, string] => typeof pair[1] === 'string');
  return `/oauth/logout?${new URLSearchParams(known)}`;
}

/** Shows a page in the language that its request asks for. */
function goBy(ctx: KoaContextWithOIDC): void {
  const tags = ctx.oidc === undefined ? undefined : localesOf(ctx.oidc);
  if (tags !== undefined) suggestLocale(ctx as unknown as Context, tags);
}

/** Names of the portals that this logout ends. */
async function namesOf(ctx: KoaContextWithOIDC, catalogue: Catalogue): Promise<string[]> {
  const ids = Object.keys(ctx.oidc.session?.authorizations ?? {});
  const clients = await Promise.all(ids.map((id) => catalogue.client(id)));
  const english = (ctx as unknown as Context).state.locale === 'en';
  return clients.flatMap((client) => {
    const name = (english ? client?.['client_name#en'] : undefined) ?? client?.client_name;
    return typeof name === 'string' ? [name] : [];
  });
}
