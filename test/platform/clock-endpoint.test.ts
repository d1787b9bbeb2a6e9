import { once } from 'node:events';
import { request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import Koa from 'koa';
import { machineTime, shiftProcessClock } from '../../src/platform/clock.ts';
import { clockEndpoint } from '../../src/platform/clock-endpoint.ts';

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
