import { randomUUID } from 'node:crypto';
import type { Context, Middleware } from 'koa';
import { Problem } from '../problem.ts';

/** The part of a pino logger that is needed here. */
export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Shows a problem to a person: `pages.problem`. */
export type ShowProblem = (ctx: Context, problem: Problem) => void;

/** Crockford's base 32: no I, L, O, U, so that it can be read out on the telephone. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** Four letters for five hexadecimal digits. */
function letters(digits: string): string {
  const number = Number.parseInt(digits, 16);
  return [15, 10, 5, 0].map((shift) => ALPHABET[(number >>> shift) & 31]).join('');
}

/** Eight letters in two groups (40 bits), like `K7QM-3XPD`. */
export function newReferenceId(): string {
  // Node keeps random bits for these at hand; `randomBytes` asks for new ones each time.
  const uuid = randomUUID();
  return `${letters(uuid.slice(-10, -5))}-${letters(uuid.slice(-5))}`;
}

/** Gives every request an id: `ctx.state.referenceId`, header `x-reference-id`, on error pages, and in the log. */
export const referenceId: Middleware = (ctx, next) => {
  ctx.state.referenceId = newReferenceId();
  ctx.set('x-reference-id', ctx.state.referenceId);
  return next();
};

const BY_STATUS: Record<number, string> = {
  400: 'bad_request',
  403: 'forbidden',
  404: 'not_found',
  405: 'method_not_allowed',
  413: 'too_large',
  415: 'unsupported_media_type',
};

/**
 * The problem that an error means to the person. Errors of Koa and its body parser carry a `status`; a status
 * below 500 is the sender's mistake and gets a text, everything else is ours and stays `internal`.
 */
export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  const status = error instanceof Error && 'status' in error ? Number(error.status) : 500;
  if (status >= 400 && status < 500)
    return new Problem(BY_STATUS[status] ?? 'bad_request', status, {}, { cause: error });
  return new Problem('internal', 500, {}, { cause: error });
}

/** Whether the answer should be JSON: a program asked (`Accept`, a JSON body, or `ctx.state.api` set by its route). */
const wantsJson = (ctx: Context): boolean =>
  ctx.state.api === true ||
  ctx.accepts('html', 'json') === 'json' ||
  (!/text\/html/.test(ctx.get('accept')) && typeof ctx.is('json') === 'string');

/** Where it happened, without what an address may carry (the token of a link, somebody's number). */
function placeOf(ctx: Context): string {
  const { _matchedRoute: matched } = ctx as { _matchedRoute?: unknown };
  const route = ctx.state.route ?? matched;
  if (typeof route === 'string') return route;
  return ctx.path.replace(/[^/]*\d{6}[^/]*|[^/]{20,}/g, '…');
}

/**
 * Turns whatever is thrown below into a page or into JSON `{error, error_description, reference_id}`, and an
 * unanswered request into `not_found`. What was thrown goes to the log under the same reference id.
 */
export function errors({
  log,
  show,
  describe,
}: {
  log: Log;
  show: ShowProblem;
  /** A sentence about the problem in the language of the request, for JSON answers. */
  describe: (ctx: Context, problem: Problem) => string;
}): Middleware {
  return async (ctx, next) => {
    try {
      await next();
      if (ctx.body == null && (ctx.status === 404 || ctx.status === 405)) {
        throw new Problem(BY_STATUS[ctx.status] ?? 'not_found', ctx.status);
      }
    } catch (error) {
      const problem = problemOf(error);
      const fields = {
        referenceId: ctx.state.referenceId,
        code: problem.code,
        status: problem.status,
        method: ctx.method,
        path: placeOf(ctx),
      };
      if (problem.status >= 500) log.error({ ...fields, err: problem.cause ?? problem }, 'request failed');
      else log.info(fields, 'request refused');
      ctx.status = problem.status;
      if (problem.params.minutes !== undefined)
        ctx.set('retry-after', String(Number(problem.params.minutes) * 60));
      if (!wantsJson(ctx)) show(ctx, problem);
      else {
        ctx.body = {
          error: problem.code,
          error_description: describe(ctx, problem),
          reference_id: ctx.state.referenceId,
        };
      }
    }
  };
}
