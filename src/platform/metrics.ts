import { AsyncLocalStorage } from 'node:async_hooks';
import type { Middleware } from 'koa';
import type pg from 'pg';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

export interface Metrics {
  /** For counters of the rooms' own. */
  registry: Registry;
  /** Times every request and counts its round trips to the database. The route is a pattern, never an address: addresses are endless and may be personal. */
  http: Middleware;
  /** For `openDatabase`'s `onQuery`. */
  onQuery(): void;
  /** Reports how many connections the pool has, and how many callers wait for one. */
  watchPool(pool: pg.Pool): void;
  /** `GET /metrics`. */
  endpoint: Middleware;
}

/** What a router or the protocol library found; anything else is counted together. */
function routeOf(ctx: { state: { route?: unknown }; _matchedRoute?: unknown; routerPath?: unknown }): string {
  const route = ctx.state.route ?? ctx._matchedRoute;
  return typeof route === 'string' ? route : 'other';
}

/**
 * Figures for Prometheus, one registry a process.
 *
 * A middleware may set `ctx.state.route` to the pattern to count under; otherwise the router's own is taken.
 */
export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const durations = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Time to answer a request',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [registry],
  });
  const queries = new Counter({
    name: 'database_queries_total',
    help: 'Round trips to the database',
    registers: [registry],
  });
  const queriesOfRequest = new Histogram({
    name: 'http_request_database_queries',
    help: 'Round trips to the database to answer one request',
    labelNames: ['method', 'route'],
    buckets: [0, 1, 2, 3, 5, 8, 13, 21, 34],
    registers: [registry],
  });
  const request = new AsyncLocalStorage<{ queries: number }>();
  return {
    registry,
    async http(ctx, next) {
      const stop = durations.startTimer();
      const count = { queries: 0 };
      const record = (status: number) => {
        const known = ['GET', 'POST', 'HEAD', 'PUT', 'DELETE', 'OPTIONS'].includes(ctx.method);
        const labels = { method: known ? ctx.method : 'other', route: routeOf(ctx) };
        stop({ ...labels, status });
        queriesOfRequest.observe(labels, count.queries);
      };
      try {
        await request.run(count, next);
        record(ctx.status);
      } catch (error) {
        // Koa answers it only after this middleware.
        record((error as { status?: number }).status ?? 500);
        throw error;
      }
    },
    onQuery() {
      queries.inc();
      const count = request.getStore();
      if (count) count.queries += 1;
    },
    watchPool(pool) {
      new Gauge({
        name: 'database_connections',
        help: 'Connections of the pool, and callers waiting for one',
        labelNames: ['state'],
        registers: [registry],
        collect() {
          this.set({ state: 'busy' }, pool.totalCount - pool.idleCount);
          this.set({ state: 'idle' }, pool.idleCount);
          this.set({ state: 'waiting' }, pool.waitingCount);
        },
      });
    },
    async endpoint(ctx) {
      ctx.type = registry.contentType;
      ctx.body = await registry.metrics();
    },
  };
}
