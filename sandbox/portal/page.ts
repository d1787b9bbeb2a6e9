import type { Context } from 'koa';
import { type Html, html } from '../html.ts';
import { LOOK_TEXTS } from './looks.ts';
import { isAnonymous, type Portal, visitorOf } from './portal.ts';

export type Lang = 'zh-CN' | 'en';

/** `?lang=`, which is remembered, else the cookie, else what the browser prefers; Chinese comes first. */
export function languageOf(ctx: Context, portal: Portal): Lang {
  const cookie = `${portal.settings.look}_lang`;
  const asked = ctx.query.lang;
  if (asked === 'en' || asked === 'zh-CN') {
    ctx.cookies.set(cookie, asked, { sameSite: 'lax', signed: false, maxAge: 365 * 86_400_000 });
    return asked;
  }
  const known = ctx.cookies.get(cookie);
  if (known === 'en' || known === 'zh-CN') return known;
  return ctx.acceptsLanguages('zh-CN', 'zh', 'en') === 'en' ? 'en' : 'zh-CN';
}

export interface PageOptions {
  title?: string;
  body: Html;
  status?: number;
  /** Code of an error page, for people who call and for tests. */
  error?: string;
}

/** Writes one page in the portal's own look. */
export function page(ctx: Context, portal: Portal, { title, body, status = 200, error }: PageOptions): void {
  const lang = languageOf(ctx, portal);
  const { settings } = portal;
  const t = TEXTS[lang];
  const own = LOOK_TEXTS[settings.look][lang];
  const { login } = visitorOf(portal, ctx);
  const signedIn = login !== undefined && !isAnonymous(login);
  const other: Lang = lang === 'en' ? 'zh-CN' : 'en';
  ctx.status = status;
  ctx.type = 'html';
  ctx.set('cache-control', 'no-store');
  ctx.body = html`<!doctype html>
<html lang="${lang}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title && `${title} · `}${own.name}</title>
${error && html`<meta name="ymt-error" content="${error}">`}
<link rel="stylesheet" href="/base.css">
<link rel="stylesheet" href="/look.css">
<link rel="icon" href="/logo.svg" type="image/svg+xml">
</head>
<body class="${settings.look}" data-state="${login ? (signedIn ? 'signed-in' : 'visitor') : 'public'}">
<a class="skip" href="#main">${t.skip}</a>
<header>
<div class="bar">
<a class="brand" href="/"><img src="/logo.svg" alt="" width="44" height="44"><span><strong>${own.name}</strong><small>${own.motto}</small></span></a>
<nav aria-label="${t.nav}">
<a href="${error ? '/' : ctx.path}?lang=${other}" lang="${other}">${other === 'en' ? 'English' : '中文'}</a>
${
  signedIn
    ? html`<form method="post" action="/logout"><button class="quiet">${t.logout}</button></form>`
    : html`<a class="quiet button" href="${settings.issuer.replace(/\/$/, '')}/register">${t.register}</a>
<a class="button primary" href="/login">${t.login}</a>`
}
</nav>
</div>
</header>
<main id="main">${body}</main>
<footer><p>${t.footer}</p></footer>
</body>
</html>`.html;
}

export const dateOf = (date: Date, lang: Lang): string =>
  date.toLocaleString(lang, { timeZone: 'Asia/Shanghai', hour12: false });

const TEXTS = {
  'zh-CN': {
    skip: '跳到正文',
    nav: '用户',
    login: '登录',
    logout: '退出登录',
    register: '注册',
    footer: '登录与身份认证由全省统一的“一码通”提供。本站为演示站点，内容均为虚构。',
  },
  en: {
    skip: 'Skip to content',
    nav: 'User',
    login: 'Log in',
    logout: 'Log out',
    register: 'Register',
    footer:
      'Login and identity by Yimatong, one for the whole province. A demonstration: all content is invented.',
  },
} as const;
