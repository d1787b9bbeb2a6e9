import type { Context, Middleware } from 'koa';
import { LOCALES, type Locale } from '../i18n.ts';
import { bodyParser } from './forms.ts';

const YEAR_MS = 365 * 24 * 60 * 60 * 1000;
const isLocale = (value: unknown): value is Locale => LOCALES.includes(value as Locale);

const SUGGESTED = 'ymt_locale_suggested';

/** What the citizen chose: `?lang=`, then the cookie of the switch. */
function chosenLocale(ctx: Context): Locale | undefined {
  const asked = ctx.query.lang;
  if (isLocale(asked)) return asked;
  const kept = ctx.cookies.get('ymt_locale', { signed: false });
  return isLocale(kept) ? kept : undefined;
}

/** Language of a request: the citizen's choice, then what a site suggested, then the browser's, then Chinese. */
export function localeOf(ctx: Context): Locale {
  const chosen = chosenLocale(ctx);
  if (chosen !== undefined) return chosen;
  const suggested = ctx.cookies.get(SUGGESTED, { signed: false });
  if (isLocale(suggested)) return suggested;
  return ctx.acceptsLanguages('zh', 'zh-CN', 'en') === 'en' ? 'en' : 'zh-CN';
}

/** The first language of ours in a list of BCP 47 tags that are separated by spaces. */
function firstOf(tags: string): Locale | undefined {
  for (const tag of tags.toLowerCase().split(/\s+/)) {
    const [language] = tag.split('-');
    if (language === 'zh') return 'zh-CN';
    if (language === 'en') return 'en';
  }
  return undefined;
}

/**
 * Goes by the languages that another site asks our pages to be in, until the browser is closed or another site
 * sends it here. A citizen's own choice stands above them.
 *
 * @param tags BCP 47 tags, the best first, separated by spaces; undefined takes an earlier suggestion back.
 */
export function suggestLocale(ctx: Context, tags: string | undefined): void {
  const locale = tags === undefined ? undefined : firstOf(tags);
  const before = ctx.cookies.get(SUGGESTED, { signed: false });
  if (before !== locale) {
    const cookie = { signed: false, httpOnly: true, sameSite: 'lax', secure: ctx.secure } as const;
    ctx.cookies.set(SUGGESTED, locale ?? null, cookie);
  }
  if (locale !== undefined) ctx.state.locale = chosenLocale(ctx) ?? locale;
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
