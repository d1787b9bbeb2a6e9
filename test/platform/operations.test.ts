import { once } from 'node:events';
import { request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import Router from '@koa/router';
import test, { type ExecutionContext } from 'ava';
import Koa from 'koa';
import { machineTime, shiftProcessClock } from '../../src/platform/clock.ts';
import { clockEndpoint } from '../../src/platform/clock-endpoint.ts';
import { createLog, scrub, scrubText } from '../../src/platform/log.ts';
import { createMetrics } from '../../src/platform/metrics.ts';

function capture() {
  const lines: string[] = [];
  const log = createLog({ level: 'info', name: 'test' }, { write: (line) => void lines.push(line) });
  return { log, lines, last: () => JSON.parse(lines.at(-1)!) as Record<string, unknown> };
}

test('a line is one JSON object with level, time and process', (t) => {
  const { log, last } = capture();
  log.info({ route: '/account', ms: 12 }, 'served');
  t.like(last(), { level: 'info', name: 'test', route: '/account', ms: 12, msg: 'served' });
  t.regex(String(last().time), /^\d{4}-\d\d-\d\dT/);
});

test('personal data and secrets do not reach the log, whatever they are called or wherever they hide', (t) => {
  const { log, lines } = capture();
  const secrets = [
    '390101199001011234',
    '39010119900101123X',
    '13900000001',
    '6222020000000000000',
    'hunter2',
    'a@b.cn',
  ];
  log.info(
    { id_number: secrets[0], nested: { list: [{ Phone: secrets[2], password: secrets[4] }] } },
    'by name',
  );
  log.info({ note: `of ${secrets[1]} with ${secrets[2]} and ${secrets[3]}`, who: 13900000001 }, 'by shape');
  log.warn(`somebody typed ${secrets[0]} at ${secrets[5]}`);
  log.error(new Error(`duplicate key ${secrets[2]}`));
  log.error({ err: new Error('outer', { cause: new Error(`inner ${secrets[0]}`) }) }, 'caused');
  log.error({ err: Object.assign(new Error('pg'), { code: '23505', detail: `(phone)=(${secrets[4]})` }) });
  log.info({ url: '/callback?code=hunter2&state=x', headers: { authorization: 'Bearer hunter2' } });
  log.info('GET /x?login_hint=hunter2 with DPoP hunter2');
  log.child({ interaction: 'uid-1' }).info({ sms_code: 'hunter2', code: 'hunter2' });
  t.is(lines.length, 9);
  for (const secret of secrets) t.false(lines.join('').includes(secret), secret);
  t.regex(lines[5]!, /23505/, 'what helps to find the fault stays');
});

test('ids, times and counts stay readable', (t) => {
  const harmless = {
    id: '019ab5e2-7c11-7a3f-8a52-1d2f3c4b5a69',
    at: '2026-11-23T01:02:03.456Z',
    ms: 1763859723456,
    acr: 'urn:ymt:acr:basic',
    rows: 100000,
    code: 'interaction_expired',
    cause: { code: 'ECONNREFUSED' },
  };
  t.deepEqual(scrub(harmless), harmless);
  t.is(scrubText('see /account/history'), 'see /account/history');
});

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

async function serve(t: ExecutionContext, enabled: boolean): Promise<string> {
  const app = new Koa();
  app.use(clockEndpoint(enabled));
  const server: Server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    shiftProcessClock(0);
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Not `fetch`: its connections and time-outs would notice that the clock moves. */
function send(url: string, method: string, body?: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers: { connection: 'close' } }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode!, body: text }));
    });
    sent.on('error', reject).end(body);
  });
}

test.serial('in a sandbox the clock of the whole process moves and comes back', async (t) => {
  const url = `${await serve(t, true)}/sandbox/clock`;
  t.is((await send(url, 'POST', '{"offset": 86400000}')).status, 200);
  t.true(Date.now() - machineTime() > 86_399_000);
  t.is(JSON.parse((await send(url, 'GET')).body).offset, 86_400_000);
  await send(url, 'POST', '{"offset": 0}');
  t.true(Math.abs(Date.now() - machineTime()) < 1_000);
});

test.serial('what is not an offset is refused with what is expected', async (t) => {
  const url = `${await serve(t, true)}/sandbox/clock`;
  for (const body of [
    '',
    'now',
    '{}',
    '{"offset":"1"}',
    '{"offset":1e15}',
    `{"offset":${' '.repeat(2_000)}1}`,
  ]) {
    const answer = await send(url, 'POST', body);
    t.is(answer.status, 400, body.slice(0, 20));
    t.regex(answer.body, /expects/);
  }
});

test.serial('outside a sandbox there is no such thing', async (t) => {
  const url = `${await serve(t, false)}/sandbox/clock`;
  t.is((await send(url, 'POST', '{"offset": 1}')).status, 404);
  t.true(Math.abs(Date.now() - machineTime()) < 1_000);
});
