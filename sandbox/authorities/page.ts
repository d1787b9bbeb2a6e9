import type { Context } from 'koa';
import { type Html, html } from '../html.ts';

export type Lang = 'zh-CN' | 'en';

/** `?lang=` if given, else what the browser prefers; Chinese when it has no say. */
export function languageOf(ctx: Context): Lang {
  const asked = ctx.query.lang;
  if (asked === 'en' || asked === 'zh-CN') return asked;
  return ctx.acceptsLanguages('zh-CN', 'zh', 'en') === 'en' ? 'en' : 'zh-CN';
}

export const timeOf = (iso: string, lang: Lang): string =>
  new Date(iso).toLocaleString(lang, { hour12: false, timeZone: 'Asia/Shanghai' });

export interface PageOptions {
  title: string;
  lang: Lang;
  /** Picks the colour of the header: one per authority. */
  tone: string;
  body: Html;
  /** Offers to load the page again: it must not do so by itself (WCAG 2.2.1), and there is no script here. */
  refreshable?: boolean;
}

/** One page of the simulator, as a string for `ctx.body`; sets the type. */
export function page(ctx: Context, { title, lang, tone, body, refreshable }: PageOptions): string {
  const t = TEXTS[lang];
  const other: Lang = lang === 'en' ? 'zh-CN' : 'en';
  const query = new URLSearchParams(ctx.querystring);
  query.set('lang', other);
  ctx.type = 'html';
  ctx.set('cache-control', 'no-store');
  return html`<!doctype html>
<html lang="${lang}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · ${t.sandbox}</title>
<link rel="stylesheet" href="/style.css">
<link rel="icon" href="data:,">
</head>
<body class="tone-${tone}">
<header>
<p class="badge">${t.sandbox}</p>
<a class="lang" href="${ctx.path}?${query.toString()}" lang="${other}">${other === 'en' ? 'English' : '中文'}</a>
<h1>${title}</h1>
</header>
<main>${refreshable && html`<p><a class="button" href="${ctx.url}">${t.refresh}</a></p>`}${body}</main>
<footer><p>${t.footer}</p></footer>
</body>
</html>`.html;
}

const TEXTS = {
  'zh-CN': {
    sandbox: '模拟机构',
    refresh: '刷新',
    footer: '演示环境：人物与结果均为虚构，不连接任何真实系统。',
  },
  en: {
    sandbox: 'Simulated authority',
    refresh: 'Refresh',
    footer: 'Demonstration: people and results are invented; no real system is connected.',
  },
} as const;
