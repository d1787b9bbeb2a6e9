import type { Context, Middleware } from 'koa';
import { LOCALES, type Locale } from '../i18n.ts';
import { bodyParser } from './forms.ts';

const YEAR_MS = 365 * 24 * 60 * 60 * 1000;
const isLocale = (value: unknown): value is Locale => LOCALES.includes(value as Locale);

/** Language of a request: `?lang=`, then the cookie, then the browser's, then Chinese. */
export function localeOf(ctx: Context): Locale {
  const asked = ctx.query.lang;
  if (isLocale(asked)) return asked;
  const kept = ctx.cookies.get('ymt_locale', { signed: false });
  if (isLocale(kept)) return kept;
  return ctx.acceptsLanguages('zh', 'zh-CN', 'en') === 'en' ? 'en' : 'zh-CN';
}

/** A path of this origin, or `/`. Browsers read `//host`, `/\host` and embedded control characters as other hosts. */
export function localPath(value: unknown): string {
  if (typeof value !== 'string' || !/^\/(?![/\\])[\x21-\x5b\x5d-\x7e]*$/.test(value)) return '/';
  return value;
}

function keep(ctx: Context, name: string, value: string): void {
  ctx.cookies.set(name, value, {
    signed: false,
    httpOnly: true,
    sameSite: 'lax',
    secure: ctx.secure,
    maxAge: YEAR_MS,
  });
}

const parseBody = bodyParser();

/**
 * Sets `ctx.state.locale` and `ctx.state.large` (large type), and answers `POST /preferences` of the switches in
 * every page's header: `locale`, `large` (`1` or `0`), `return_to`.
 */
export const preferences: Middleware = async (ctx, next) => {
  ctx.state.locale = localeOf(ctx);
  ctx.state.large = ctx.cookies.get('ymt_large', { signed: false }) === '1';
  if (ctx.path !== '/preferences' || ctx.method !== 'POST') return next();
  await parseBody(ctx, async () => {});
  const { locale, large, return_to } = ctx.request.body as Record<string, unknown>;
  if (isLocale(locale)) keep(ctx, 'ymt_locale', locale);
  if (large === '1' || large === '0') keep(ctx, 'ymt_large', large);
  ctx.status = 303;
  ctx.redirect(localPath(return_to));
};
