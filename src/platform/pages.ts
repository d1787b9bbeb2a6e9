import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Eta } from 'eta';
import type { Context } from 'koa';
import { z } from 'zod';
import type { Assets } from './assets.ts';
import type { FieldError, FormState } from './http/forms.ts';
import { localeOf } from './http/preferences.ts';
import { type Locale, loadTexts, type Texts, type Translate } from './i18n.ts';
import type { Problem } from './problem.ts';
import { productAssets } from './product-assets.ts';

const ROOT = join(import.meta.dirname, '../..');

/** Every time that a person reads is China's: one zone for the whole country. */
const TIME_ZONE = 'Asia/Shanghai';

const Site = z.object({
  /** Whose platform it is, by language. */
  operator: z.object({ 'zh-CN': z.string().min(1), en: z.string().min(1) }),
  helpPhone: z.string().min(1),
  helpHours: z.object({ 'zh-CN': z.string().min(1), en: z.string().min(1) }),
});
/** What `config/site.json` says about the place where the platform runs. */
export type Site = z.infer<typeof Site>;

/** What a view tells the layout by calling `page({…})`. */
interface PageOptions {
  title?: string;
  /** `narrow` (the default) for one form, `text` for reading, `wide` for tables. */
  width?: 'narrow' | 'text' | 'wide';
  /** Files of `public/`, loaded as `type=module`. */
  scripts?: string[];
  nav?: Array<{ href: string; label: string; current?: boolean }>;
  /** `ymt-error` of the page. */
  error?: string;
  /** Address of the form, where a GET of the address that it is posted to would not show it as it is here. */
  formAt?: string;
  /** Address of a web app manifest, for pages that can be kept on the home screen. */
  manifest?: string;
}

export interface Pages {
  /**
   * Answers with `views/<view>.eta` inside the layout. The view gets `data` as `it`, and the helpers of
   * `views/README.md`. `data.form` (see `formOf`) fills in fields and errors; with errors in it the status is 422.
   */
  render(ctx: Context, view: string, data?: Record<string, unknown>, options?: { status?: number }): void;
  /**
   * Answers with the error page of a problem. `ctx.state.wayBack: { href, name }`, where a route has set it,
   * is the button that leads on ("back to {name}", or the text that `label` is the key of); without it the
   * button leads home.
   */
  problem(ctx: Context, problem: Problem): void;
  /** One sentence about a problem in the language of the request, for JSON answers. */
  describe(ctx: Context, problem: Problem): string;
  /** The texts of the language of the request. */
  t(ctx: Context): Translate;
  readonly texts: Texts;
  readonly assets: Assets;
}

/** Helpers that are a partial of their own: `field({…})` renders `views/partials/field.eta` with `it.options`. */
const PARTIALS = {
  field: 'field',
  codeField: 'code-field',
  choices: 'choices',
  checkbox: 'checkbox',
  submit: 'submit',
  notice: 'notice',
  stepList: 'steps',
} as const;

/** The summary stands above the fields but names their labels, so it is rendered after them. */
const ERROR_SUMMARY = '<!-- error summary -->';

const NO_FORM: FormState = { values: {}, errors: {} };

function readSite(file: string): Site {
  return Site.parse(JSON.parse(readFileSync(file, 'utf8')));
}

/**
 * Views, texts and static files of the product, read and checked once at start.
 *
 * @throws Error when the languages' texts differ or `config/site.json` is wrong.
 */
export function createPages({
  viewsDir = join(ROOT, 'views'),
  textsDir = join(ROOT, 'config/texts'),
  assets = productAssets(),
  site = readSite(join(ROOT, 'config/site.json')),
}: {
  viewsDir?: string;
  textsDir?: string;
  assets?: Assets;
  site?: Site;
} = {}): Pages {
  const texts = loadTexts(textsDir);
  const translators: Record<Locale, Translate> = {
    'zh-CN': texts.translator('zh-CN'),
    en: texts.translator('en'),
  };
  const dates = { 'zh-CN': dateFormats('zh-CN'), en: dateFormats('en') };
  // `useWith`: views call helpers by their bare names and may still name their own constants as they like.
  const eta = new Eta({ views: viewsDir, cache: true, useWith: true });

  const requestLocale = (ctx: Context): Locale => ctx.state.locale ?? localeOf(ctx);

  const problemTexts = (ctx: Context, problem: Problem) => {
    const t = translators[requestLocale(ctx)];
    // Codes of the protocol library are an open set; ours are checked by a test.
    const known = texts.has(`problems.${problem.code}.title`) ? problem.code : 'other';
    const text = (part: string) => t(`problems.${known}.${part}`, problem.params);
    return { title: text('title'), happened: text('happened'), next: text('next') };
  };

  function viewOf(ctx: Context, data: Record<string, unknown>): Record<string, unknown> {
    const locale = requestLocale(ctx);
    const t = translators[locale];
    const form = (data.form as FormState | undefined) ?? NO_FORM;
    const options: PageOptions = {};
    const view: Record<string, unknown> = {
      form,
      t,
      locale,
      large: ctx.state.large === true,
      answersForm: ctx.method === 'POST',
      path: ctx.path + ctx.search,
      referenceId: ctx.state.referenceId,
      site: { operator: site.operator[locale], helpPhone: site.helpPhone, helpHours: site.helpHours[locale] },
      asset: assets.url,
      options,
      page: (more: PageOptions) => void Object.assign(options, more),
      icon: (name: string) => assets.text(`icons/${name}.svg`).trim(),
      partial: (name: string, more: object = {}) => eta.render(`partials/${name}`, { ...view, ...more }),
      formatDate: dates[locale].date,
      formatDateTime: dates[locale].dateTime,
      errorOf: (name: string) => errorText(t, dates[locale].date, form.errors[name]),
      hidden: (name: string, value: string) => partialWith('hidden', { name, value }),
      levelBadge: (level: string) => partialWith('level-badge', { level }),
      labels: new Map<string, string>(),
      errorSummary: () => ERROR_SUMMARY,
    };
    const partialWith = (name: string, more: object): string =>
      eta.render(`partials/${name}`, { ...view, options: more });
    for (const [helper, partial] of Object.entries(PARTIALS)) {
      view[helper] = (more: object = {}) => partialWith(partial, more);
    }
    for (const [name, value] of Object.entries(data)) {
      if (name === 'form') continue;
      if (name in view) throw new Error(`A view's data cannot be named ${name}: it is a helper`);
      view[name] = value;
    }
    return view;
  }

  function respond(ctx: Context, name: string, data: Record<string, unknown>, status: number): void {
    const view = viewOf(ctx, data);
    const summary = () => eta.render('partials/error-summary', view);
    const body = eta.render(name, view).replace(ERROR_SUMMARY, summary);
    ctx.status = status;
    ctx.type = 'html';
    ctx.set('content-language', requestLocale(ctx));
    ctx.body = eta.render('layout', { ...view, body });
  }

  return {
    texts,
    assets,
    t: (ctx) => translators[requestLocale(ctx)],
    describe: (ctx, problem) => problemTexts(ctx, problem).happened,
    render(ctx, view, data = {}, { status } = {}) {
      const wrong = Object.keys((data.form as FormState | undefined)?.errors ?? {}).length > 0;
      respond(ctx, view, data, status ?? (wrong ? 422 : 200));
    },
    problem: (ctx, problem) =>
      respond(
        ctx,
        'problem',
        { code: problem.code, wayBack: ctx.state.wayBack, ...problemTexts(ctx, problem) },
        problem.status,
      ),
  };
}

/** Kept per language: making a format costs more than rendering a page. */
function dateFormats(locale: Locale) {
  const formatted = (style: Intl.DateTimeFormatOptions) => {
    const format = new Intl.DateTimeFormat(locale, { timeZone: TIME_ZONE, ...style });
    return (value: Date | string): string => format.format(new Date(value));
  };
  return {
    date: formatted({ dateStyle: 'long' }),
    dateTime: formatted({ dateStyle: 'long', timeStyle: 'short' }),
  };
}

function errorText(
  t: Translate,
  formatDate: (value: Date) => string,
  error: FieldError | undefined,
): string | undefined {
  if (error === undefined) return undefined;
  if (typeof error === 'string') return t(error);
  const shown = Object.entries(error.params).map(([name, value]): [string, string | number] => [
    name,
    value instanceof Date ? formatDate(value) : value,
  ]);
  return t(error.key, Object.fromEntries(shown));
}
