import type { Middleware } from 'koa';
import type { Queryable } from './platform/database.ts';

/** `GET /healthz`: the process answers. `GET /readyz`: it can serve, its database too. */
export function probes(db: Queryable): Middleware {
  return async (ctx, next) => {
    if (ctx.path === '/healthz') {
      ctx.body = { status: 'ok' };
      return;
    }
    if (ctx.path !== '/readyz') return next();
    try {
      await db.query('select 1 from sessions limit 1');
      ctx.body = { status: 'ready' };
    } catch {
      ctx.status = 503;
      ctx.body = { status: 'database unreachable or not migrated' };
    }
  };
}
