import { bodyParser as koaBodyParser } from '@koa/bodyparser';
import type { Context, Middleware } from 'koa';
import type { z } from 'zod';
import { Problem } from '../problem.ts';

/**
 * What is wrong with one field: the key of a text, or the key and values for its placeholders; a `Date` is shown as
 * the pages show days.
 */
export type FieldError = string | { key: string; params: Record<string, string | number | Date> };
/** Field name → what is wrong with it, in the order of the schema. */
export type FormErrors = Record<string, FieldError>;

/** What the views get as `form`, so that nothing that was typed is lost. Fields with secrets are never shown again. */
export interface FormState {
  values: Record<string, string>;
  errors: FormErrors;
}

export type FormResult<T> = { ok: true; data: T; form: FormState } | { ok: false; form: FormState };

/** Larger than any form here; a companies' import will have a parser of its own. */
const LIMIT = '64kb';

/**
 * Reads form and JSON bodies into `ctx.request.body`. Put it on the routers of pages, never before the protocol
 * library, which reads its own bodies. Harmless when it runs twice.
 */
export function bodyParser(): Middleware {
  const parse = koaBodyParser({ enableTypes: ['json', 'form'], formLimit: LIMIT, jsonLimit: LIMIT });
  return (ctx, next) => (ctx.request.body === undefined ? parse(ctx, next) : next());
}

const SECRET = /password|code/;

/** The text fields of the body, each once: of a name that came twice the last one counts. */
function fieldsOf(ctx: Context): Record<string, string> {
  const body = ctx.request.body;
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return {};
  const fields: Record<string, string> = {};
  for (const [name, raw] of Object.entries(body)) {
    const value: unknown = Array.isArray(raw) ? raw.at(-1) : raw;
    if (typeof value === 'string') fields[name] = value;
    else if (typeof value === 'number' || typeof value === 'boolean') fields[name] = String(value);
  }
  return fields;
}

/** Schemas name the text key as zod's message (`z.string().min(1, 'frontDoor.login.usernameMissing')`). */
const isTextKey = (message: string): boolean => /^[a-z]\w*(\.\w+)+$/.test(message);

function fieldError(issue: z.core.$ZodIssue, value: string | undefined): FieldError {
  if (isTextKey(issue.message)) return issue.message;
  if (value === undefined || value === '') return 'platform.form.required';
  if (issue.code === 'too_big')
    return { key: 'platform.form.tooLong', params: { max: Number(issue.maximum) } };
  if (issue.code === 'too_small')
    return { key: 'platform.form.tooShort', params: { min: Number(issue.minimum) } };
  return 'platform.form.invalid';
}

/**
 * Parses the posted form with a schema. Needs `bodyParser` before it.
 *
 * @returns the parsed data, or what is wrong by field. Both carry `form` for showing the page again: pass it to
 *   `pages.render` as `form`, add to `form.errors` what only the database knows.
 */
export function formOf<T>(ctx: Context, schema: z.ZodType<T>): FormResult<T> {
  const fields = fieldsOf(ctx);
  const values = Object.fromEntries(Object.entries(fields).filter(([name]) => !SECRET.test(name)));
  const parsed = schema.safeParse(fields);
  if (parsed.success) return { ok: true, data: parsed.data, form: { values, errors: {} } };
  const errors: FormErrors = {};
  for (const issue of parsed.error.issues) {
    const name = String(issue.path[0] ?? '');
    errors[name] ??= fieldError(issue, fields[name]);
  }
  return { ok: false, form: { values, errors } };
}

/** Refuses everything but POST: for acts that must not follow from a link. */
export const requirePost: Middleware = (ctx, next) => {
  if (ctx.method !== 'POST') throw new Problem('method_not_allowed', 405);
  return next();
};
