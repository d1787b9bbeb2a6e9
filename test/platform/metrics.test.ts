import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import Router from '@koa/router';
import test from 'ava';
import Koa from 'koa';
import { createMetrics } from '../../src/platform/metrics.ts';

test('requests and their round trips are counted under their route, never under their address', async (t) => {
  const metrics = createMetrics();
  const app = new Koa();
  app.silent = true;
  const router = new Router();
  router.get('/people/:id', (ctx) => {
    for (let i = 0; i < 3; i += 1) metrics.onQuery();
    ctx.body = 'ok';
  });
  router.get('/broken', () => {
    throw new Error('broken');
  });
  router.get('/metrics', metrics.endpoint);
  app.use(metrics.http).use(router.routes());
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  for (const path of ['/people/390101199001011234', '/people/2', '/nowhere/13900000001', '/broken']) {
    await (await fetch(origin + path)).text();
  }
  metrics.onQuery();
  const text = await (await fetch(`${origin}/metrics`)).text();
  t.regex(text, /http_request_duration_seconds_count\{method="GET",route="\/people\/:id",status="200"\} 2/);
  t.regex(text, /http_request_duration_seconds_count\{method="GET",route="other",status="404"\} 1/);
  t.regex(text, /route="\/broken",status="500"\} 1/);
  t.regex(text, /database_queries_total 7/);
  t.regex(text, /http_request_database_queries_sum\{method="GET",route="\/people\/:id"\} 6/);
  t.notRegex(text, /13900000001|390101199001011234/);
});
