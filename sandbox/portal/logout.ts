import Router from '@koa/router';
import { errors } from 'jose';
import { html } from '../html.ts';
import { languageOf, page } from './page.ts';
import { isSignedIn, type Portal } from './portal.ts';
import { PlatformUnreachable } from './relying-party.ts';

/** Logging out here (RP-initiated), and being told that somebody logged out elsewhere (back-channel). */
export function logout(portal: Portal): Router {
  const router = new Router();

  router.post('/logout', async (ctx) => {
    const session = portal.sessions.of(ctx);
    const signedIn = isSignedIn(portal, ctx);
    if (session) portal.sessions.end(ctx, session);
    ctx.status = 303;
    if (!signedIn) return ctx.redirect('/');
    // The local session is gone whatever happens next: a platform that is down must not keep people in.
    const back = `${portal.settings.origin}/logged-out`;
    const url = await portal.main.endSessionUrl(back).catch(() => '/logged-out?local=1');
    ctx.redirect(url);
  });

  router.get('/logged-out', (ctx) => {
    const t = TEXTS[languageOf(ctx, portal)];
    page(ctx, portal, {
      title: t.title,
      body: html`<section class="panel">
        <h1>${t.title}</h1>
        <p class="lead">${ctx.query.local ? t.local : t.everywhere}</p>
        <p class="ways"><a class="button primary" href="/">${t.home}</a></p>
      </section>`,
    });
  });

  for (const party of [portal.main, portal.epidemic]) {
    if (!party) continue;
    const { pathname } = new URL('backchannel-logout', party.redirectUri);
    // OpenID Connect Back-Channel Logout 1.0 §2.5 and §2.8.
    router.post(pathname, async (ctx) => {
      ctx.set('cache-control', 'no-store');
      const { logout_token: token } = (ctx.request.body ?? {}) as Record<string, unknown>;
      try {
        if (typeof token !== 'string') throw new Error('no logout_token');
        portal.sessions.endBy(party.clientId, await party.logoutNotice(token));
        ctx.status = 200;
        ctx.body = '';
      } catch (error) {
        // Not the token's fault: the platform's queue tries again on 5xx.
        const unreachable = error instanceof PlatformUnreachable || error instanceof errors.JWKSTimeout;
        ctx.status = unreachable ? 503 : 400;
        ctx.body = {
          error: 'invalid_request',
          error_description: error instanceof Error ? error.message : '',
        };
      }
    });
  }
  return router;
}

const TEXTS = {
  'zh-CN': {
    title: '您已退出登录',
    everywhere: '您在一码通以及所有已登录的网站都已退出。',
    local: '您已退出本站。一码通暂时没有应答，其他网站可能仍处于登录状态。',
    home: '返回首页',
  },
  en: {
    title: 'You are logged out',
    everywhere: 'You are logged out of Yimatong and of every site you used it for.',
    local: 'You are logged out here. Yimatong does not answer just now; other sites may still be logged in.',
    home: 'Front page',
  },
} as const;
