import { randomBytes } from 'node:crypto';
import type { Context } from 'koa';
import { browserHashOf } from '../../assurance/proofing/flow.ts';

const COOKIE = 'ymt_browser';
const TOKEN = /^[\w-]{43}$/;
const SECONDS = 86_400;

/** Hash of this browser's own cookie, which tells a check's browser from any other; it says nothing of a person. */
export function browserOf(ctx: Context): Buffer | undefined {
  const token = ctx.cookies.get(COOKIE, { signed: false });
  return token !== undefined && TOKEN.test(token) ? browserHashOf(token) : undefined;
}

/** The same, giving the browser its cookie first if it has none. */
export function ensureBrowser(ctx: Context): Buffer {
  const known = browserOf(ctx);
  if (known !== undefined) return known;
  const token = randomBytes(32).toString('base64url');
  ctx.cookies.set(COOKIE, token, {
    signed: false,
    httpOnly: true,
    // Lax, not strict: the citizen comes back from an authority's site.
    sameSite: 'lax',
    secure: ctx.secure,
    maxAge: SECONDS * 1000,
    overwrite: true,
  });
  return browserHashOf(token);
}
