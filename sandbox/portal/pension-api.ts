import { createHash } from 'node:crypto';
import Router from '@koa/router';
import type { Context } from 'koa';
import { acrOf, reaches } from './level.ts';
import type { Portal } from './portal.ts';

/** The API's resource indicator (RFC 8707); it names the API and is not an address to call. */
export const PENSION_RESOURCE = 'https://hrss.example/api';
export const PENSION_SCOPE = 'pension';

export interface Pension {
  months: number;
  balance: number;
  monthly: number;
}

/** Invented figures, always the same for one subject. */
export function pensionOf(sub: string): Pension {
  const seed = createHash('sha256').update(sub).digest().readUInt32BE(0);
  const months = 60 + (seed % 300);
  return { months, balance: months * 412, monthly: 900 + months * 11 };
}

type Verdict =
  | { status: 200; sub: string }
  | { status: 401 | 403; error: string; parameters?: string }
  | { status: 503; error: string };

/** `GET /api/pension`: an API of its own, which trusts what introspection (RFC 7662) says and nothing else. */
export function pensionApi(portal: Portal): Router {
  const router = new Router();
  router.get('/api/pension', async (ctx) => {
    const verdict = await judge(ctx, portal);
    ctx.set('cache-control', 'no-store');
    ctx.status = verdict.status;
    if (verdict.status === 200) {
      ctx.body = pensionOf(verdict.sub);
      return;
    }
    ctx.body = { error: verdict.error };
    if (verdict.status !== 503) {
      const parameters = 'parameters' in verdict && verdict.parameters ? `, ${verdict.parameters}` : '';
      // RFC 6750 §3: a request without any token gets no error code.
      const error = verdict.error === 'token_missing' ? '' : ` error="${verdict.error}"${parameters}`;
      ctx.set('www-authenticate', `Bearer${error}`);
    }
  });
  return router;
}

async function judge(ctx: Context, portal: Portal): Promise<Verdict> {
  const token = /^Bearer ([\w.~+/-]+=*)$/i.exec(ctx.get('authorization'))?.[1];
  if (token === undefined) return { status: 401, error: 'token_missing' };
  const answer = await portal.main.introspect(token).catch(() => undefined);
  if (!answer) return { status: 503, error: 'platform_unreachable' };
  if (!answer.active || typeof answer.sub !== 'string') return { status: 401, error: 'invalid_token' };
  if (![answer.aud].flat().includes(PENSION_RESOURCE)) return { status: 401, error: 'invalid_token' };
  if (!answer.scope?.split(' ').includes(PENSION_SCOPE)) {
    return { status: 403, error: 'insufficient_scope', parameters: `scope="${PENSION_SCOPE}"` };
  }
  if (!reaches(answer.acr, 'intermediate')) {
    // RFC 9470 §3 would have 401; the portal's own page answers it with a step-up.
    return {
      status: 403,
      error: 'insufficient_user_authentication',
      parameters: `acr_values="${acrOf('intermediate')}"`,
    };
  }
  return { status: 200, sub: answer.sub };
}
