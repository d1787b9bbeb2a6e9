import type { Middleware } from 'koa';
import { z } from 'zod';
import { machineTime, shiftProcessClock } from './clock.ts';

export const CLOCK_PATH = '/sandbox/clock';

const MAX_BYTES = 1_000;
/** Ten years each way: beyond that ids and certificates break, and nobody wants to try it. */
const MAX_OFFSET = 10 * 365 * 86_400_000;
const body = z.strictObject({ offset: z.int().min(-MAX_OFFSET).max(MAX_OFFSET) });

const isLoopback = (address: string | undefined) =>
  address !== undefined && /^(127\.|::1$|::ffff:127\.)/.test(address);

async function readBody(stream: AsyncIterable<Buffer>): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    bytes += chunk.length;
    if (bytes > MAX_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

const parse = (text: string | undefined) => {
  try {
    return body.safeParse(JSON.parse(text ?? ''));
  } catch {
    return body.safeParse(undefined);
  }
};

/**
 * `POST /sandbox/clock {"offset": milliseconds}` moves this process's clock, so that all processes of a sandbox
 * can be moved together; `GET` tells where it stands. Answers this machine only, whatever a proxy says of the
 * sender. Mount it before body parsers, and never outside a sandbox.
 *
 * @param enabled `settings.sandbox`; otherwise it lets every request pass by.
 */
export function clockEndpoint(enabled: boolean): Middleware {
  if (!enabled) return (_ctx, next) => next();
  return async (ctx, next) => {
    if (ctx.path !== CLOCK_PATH) return next();
    if (!isLoopback(ctx.req.socket.remoteAddress)) {
      ctx.status = 403;
      ctx.body = { error: 'only from this machine' };
      return;
    }
    if (ctx.method === 'POST') {
      const parsed = parse(await readBody(ctx.req));
      if (!parsed.success) {
        ctx.status = 400;
        ctx.body = { error: 'expects {"offset": milliseconds}, at most ten years either way' };
        return;
      }
      shiftProcessClock(parsed.data.offset);
    }
    ctx.body = { now: new Date().toISOString(), offset: Math.round(Date.now() - machineTime()) };
  };
}
