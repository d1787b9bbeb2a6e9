import type { Context, Middleware } from 'koa';
import { type Html, html } from '../html.ts';
import { type Lang, LOOK_TEXTS } from './looks.ts';
import { isAnonymous, isSignedIn, type Portal, visitorOf } from './portal.ts';

const ALLOWED = { lang: ['zh-CN', 'en'], large: ['1', '0'] } as const;
type Preference = keyof typeof ALLOWED;

const cookieOf = (portal: Portal, name: Preference) => `${portal.settings.look}_${name}`;

/** What the address asks for, else the cookie. */
function preferenceOf<N extends Preference>(ctx: Context, portal: Portal, name: N) {
  const find = (text: unknown) =>
    (ALLOWED[name] as readonly (typeof ALLOWED)[N][number][]).find((value) => value === text);
  return find(ctx.query[name]) ?? find(ctx.cookies.get(cookieOf(portal, name)));
}

/** Remembers `?lang=` and `?large=` of every address, also of one that only leads on to the platform. */
export const rememberPreferences =
  (portal: Portal): Middleware =>
  (ctx, next) => {
    for (const name of ['lang', 'large'] as const) {
      const value = ctx.query[name] === undefined ? undefined : preferenceOf(ctx, portal, name);
      if (value === undefined) continue;
      ctx.cookies.set(cookieOf(portal, name), value, {
        sameSite: 'lax',
        signed: false,
        maxAge: 365 * 86_400_000,
      });
    }
    return next();
  };

/** As asked and remembered, else what the browser prefers; Chinese comes first. */
export const languageOf = (ctx: Context, portal: Portal): Lang =>
  preferenceOf(ctx, portal, 'lang') ?? (ctx.acceptsLanguages('zh-CN', 'zh', 'en') === 'en' ? 'en' : 'zh-CN');

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
  const state = login ? (isAnonymous(login) ? 'visitor' : 'signed-in') : 'public';
  const other: Lang = lang === 'en' ? 'zh-CN' : 'en';
  const large = preferenceOf(ctx, portal, 'large') === '1';
  const here = error ? '/' : ctx.path;
  ctx.status = status;
  ctx.type = 'html';
  ctx.set('cache-control', 'no-store');
  ctx.body = html`<!doctype html>
<html lang="${lang}"${large && html` class="large"`}>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title && `${title} · `}${own.name}</title>
${error && html`<meta name="ymt-error" content="${error}">`}
<link rel="stylesheet" href="/base.css">
<link rel="stylesheet" href="/look.css">
<link rel="icon" href="/logo.svg" type="image/svg+xml">
</head>
<body class="${settings.look}" data-state="${state}">
<a class="skip" href="#main">${t.skip}</a>
<header>
<div class="bar">
<a class="brand" href="/"><img src="/logo.svg" alt="" width="44" height="44"><span><strong>${own.name}</strong><small>${own.motto}</small></span></a>
<nav aria-label="${t.nav}">
<a href="${here}?large=${large ? 0 : 1}">${large ? t.normal : t.large}</a>
<a href="${here}?lang=${other}" lang="${other}">${other === 'en' ? 'English' : '中文'}</a>
${
  isSignedIn(portal, ctx)
    ? html`<form method="post" action="/logout"><button class="quiet">${t.logout}</button></form>`
    : html`<a class="quiet button" href="/register">${t.register}</a>
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
  date.toLocaleString(lang === 'en' ? 'en-GB' : lang, {
    timeZone: 'Asia/Shanghai',
    dateStyle: 'long',
    timeStyle: 'short',
  });

const TEXTS = {
  'zh-CN': {
    skip: '跳到正文',
    nav: '用户',
    large: '大字版',
    normal: '标准字号',
    login: '登录',
    logout: '退出登录',
    register: '注册',
    footer: '登录与身份认证由全省统一的“一码通”提供。本站为演示站点，内容均为虚构。',
  },
  en: {
    skip: 'Skip to content',
    nav: 'User',
    large: 'Large type',
    normal: 'Normal type',
    login: 'Log in',
    logout: 'Log out',
    register: 'Register',
    footer:
      'Login and identity by Yimatong, one for the whole province. A demonstration: all content is invented.',
  },
} as const;
