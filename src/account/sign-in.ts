import type Router from '@koa/router';
import type { Context } from 'koa';
import { AuthorizationResponseError } from 'openid-client';
import { z } from 'zod';
import { LEVELS, type Level } from '../assurance/level.ts';
import { formOf } from '../platform/http/forms.ts';
import { localeOf } from '../platform/http/preferences.ts';
import { lifetimes } from '../platform/lifetimes.ts';
import { Problem } from '../platform/problem.ts';
import { findToken } from '../sessions/token-store.ts';
import type { AccountDeps } from './deps.ts';
import { createRelyingParty, type SignIn } from './relying-party.ts';
import { closeAccountSession, openAccountSession } from './session-store.ts';

const PURPOSE = 'account-sign-in';
const OWN_PATH = /^\/(?:account|health)(?:[/?][\w/?=&%.~:-]*)?$/;
/** Only our own pages, so that nobody can make a link that ends somewhere else. */
export const ownPath = (path: string): string =>
  OWN_PATH.test(path) && !path.includes('//') ? path : '/account';

export interface SignInPages {
  /** Sends the browser to the front door. `level` and `maxAge` ask for a login that is that good and that new. */
  send(ctx: Context, wish: { returnTo: string; maxAge?: number; level?: Level }): Promise<void>;
  /** The session cookie of the citizen's own pages. */
  cookieOf(ctx: Context): string | undefined;
  routes(router: Router): void;
}

/** Logging in to and out of the citizen's own pages, through the front door like everybody. */
export function createSignInPages(deps: AccountDeps): SignInPages {
  const { db, cipher, clock, pages, issuer } = deps;
  const party = createRelyingParty(deps);
  const secure = issuer.startsWith('https:');
  const cookieName = secure ? '__Host-ymt_account' : 'ymt_account';
  /** One cookie for each sign-in under way, so that two tabs do not disturb one another. */
  const pendingName = (state: string) => `ymt_account_${state.slice(0, 8)}`;
  const cookie = { httpOnly: true, sameSite: 'lax', secure, overwrite: true, signed: false } as const;

  function setCookie(
    ctx: Context,
    name: string,
    value: string | null,
    more: { path: string; seconds?: number },
  ) {
    // Behind a proxy Koa sees plain http and would refuse to set a secure cookie.
    ctx.cookies.secure = secure;
    const maxAge = more.seconds === undefined ? {} : { maxAge: more.seconds * 1000 };
    ctx.cookies.set(name, value, { ...cookie, path: more.path, ...maxAge });
  }

  async function send(
    ctx: Context,
    wish: { returnTo: string; maxAge?: number; level?: Level },
  ): Promise<void> {
    const returnTo = ownPath(wish.returnTo);
    const { url, signIn } = await party.begin({ ...wish, returnTo, locale: localeOf(ctx) });
    const sealed = cipher.sealShared(PURPOSE, signIn.state, JSON.stringify(signIn)).toString('base64url');
    setCookie(ctx, pendingName(signIn.state), sealed, {
      path: '/account/callback',
      seconds: lifetimes.interaction,
    });
    ctx.status = 303;
    ctx.redirect(url);
  }

  /** What this browser was sent away with, when it was this browser. */
  function pending(ctx: Context): SignIn | undefined {
    const { state } = ctx.query;
    const sealed = typeof state === 'string' ? ctx.cookies.get(pendingName(state)) : undefined;
    if (typeof state !== 'string' || sealed === undefined) return undefined;
    setCookie(ctx, pendingName(state), null, { path: '/account/callback' });
    try {
      return JSON.parse(cipher.unsealShared(PURPOSE, state, Buffer.from(sealed, 'base64url'))) as SignIn;
    } catch {
      return undefined;
    }
  }

  async function callback(ctx: Context): Promise<void> {
    const signIn = pending(ctx);
    // Back after a finished sign-in, or a link from somebody else: nothing to finish, so begin anew.
    if (signIn === undefined) return void ctx.redirect('/account');
    let accessToken: string;
    try {
      accessToken = await party.finish(new URL(ctx.url, issuer), signIn);
    } catch (error) {
      if (!(error instanceof AuthorizationResponseError)) throw error;
      throw new Problem('sign_in_unfinished', 403, {}, { cause: error });
    }
    const now = clock();
    // Our subject is pairwise like everybody's; the token's own row tells whose it is and from which session.
    const found = await findToken(db, accessToken, now);
    const accountId = found?.token.accountId;
    const sessionUid = found?.token.sessionUid;
    if (typeof accountId !== 'string' || sessionUid === undefined)
      throw new Problem('sign_in_unfinished', 403);
    const old = ctx.cookies.get(cookieName);
    if (old !== undefined) await closeAccountSession(db, old);
    const value = await openAccountSession(db, {
      citizenId: accountId,
      sessionUid,
      confirmed: signIn.maxAge !== undefined,
      now,
      expiresAt: new Date(now.getTime() + lifetimes.sessionAbsolute * 1000),
    });
    setCookie(ctx, cookieName, value, { path: '/' });
    ctx.status = 303;
    ctx.redirect(ownPath(signIn.returnTo));
  }

  const Raise = z.object({ level: z.enum(LEVELS) });

  return {
    send,
    cookieOf: (ctx) => ctx.cookies.get(cookieName),
    routes(router) {
      router.get('/account/callback', callback);
      router.post('/account/raise', async (ctx) => {
        const posted = formOf(ctx, Raise);
        await send(ctx, { returnTo: '/account', ...(posted.ok && { level: posted.data.level }) });
      });
      router.post('/account/logout', async (ctx) => {
        const value = ctx.cookies.get(cookieName);
        if (value !== undefined) await closeAccountSession(db, value);
        setCookie(ctx, cookieName, null, { path: '/' });
        ctx.status = 303;
        ctx.redirect(await party.logoutUrl());
      });
      router.get('/account/logged-out', (ctx) => pages.render(ctx, 'account/logged-out'));
    },
  };
}
