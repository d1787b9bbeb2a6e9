import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { z } from 'zod';

/** How the values of environment variables are written. Messages follow the variable's name: "ISSUER must …". */

const NEW_KEY = 'Make one with: openssl rand -base64 32';
const KEY_BYTES = 32;

/** Comma-separated items; spaces around them and empty ones do not count. */
export const list = z.string().transform((text) =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== ''),
);

const keyMessage = `must be ${KEY_BYTES} bytes in base64. ${NEW_KEY}`;

export const base64Key = z
  .base64({ error: keyMessage })
  .transform((text) => Buffer.from(text, 'base64'))
  .refine((bytes) => bytes.length === KEY_BYTES, { error: keyMessage });

export const origin = z.string().transform((text, ctx) => {
  const refuse = (message: string) => {
    ctx.addIssue({ code: 'custom', message });
    return z.NEVER;
  };
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password || url.search || url.hash) {
    return refuse('must be an origin such as https://id.example.gov.cn');
  }
  if (url.pathname !== '/') {
    return refuse(`must have no path. Use ${url.origin}, or give the platform a host name of its own`);
  }
  return url.origin;
});

export const origins = list
  .refine((items) => items.every((item) => origin.safeParse(item).success), {
    error: 'must be origins such as https://portal.internal:8443, comma-separated',
  })
  .transform((items) => items.map((item) => new URL(item).origin));

export const httpAddress = z.url({
  protocol: /^https?$/,
  error: 'must be an address such as https://authorities.example.gov.cn',
});

export const databaseAddress = z.url({
  protocol: /^postgres(ql)?$/,
  error: 'must be postgres://user:password@host:5432/database',
});

export const networks = list.refine(
  (items) => items.every((item) => isIP(item) !== 0 || ipaddr.isValidCIDR(item)),
  { error: 'must be addresses or networks such as 10.0.0.0/8, comma-separated' },
);

/** `id:base64,id:base64`; the first is the current one. */
export const masterKeys = list.transform((items, ctx) => {
  const keys: Record<string, Buffer> = {};
  for (const item of items) {
    const [id = '', text = ''] = item.split(/:(.*)/s);
    const bytes = Buffer.from(text, 'base64');
    if (!/^[a-z0-9-]{1,32}$/i.test(id) || bytes.length !== KEY_BYTES || keys[id]) {
      ctx.addIssue({
        code: 'custom',
        message: `must be id:key,id:key, each id once, each key ${KEY_BYTES} bytes in base64. ${NEW_KEY}`,
      });
      return z.NEVER;
    }
    keys[id] = bytes;
  }
  const current = Object.keys(keys)[0];
  if (current !== undefined) return { current, keys };
  ctx.addIssue({ code: 'custom', message: `must hold at least one id:key. ${NEW_KEY}` });
  return z.NEVER;
});

export const cookieKeys = list.refine((keys) => keys.length > 0 && keys.every((each) => each.length >= 32), {
  error: `must be secrets of at least 32 characters, comma-separated, the current one first. ${NEW_KEY}`,
});

export const wholeNumber = (least: number, most: number) =>
  z.string().transform((text, ctx) => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    ctx.addIssue({ code: 'custom', message: `must be a whole number from ${least} to ${most}` });
    return z.NEVER;
  });

export const flag = z.enum(['0', '1'], { error: 'must be 1 or 0' }).transform((text) => text === '1');
