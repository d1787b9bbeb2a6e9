import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import test from 'ava';
import { finishRequests } from '../src/finish.ts';

/** A server with one request that waits for its answer. */
async function busy() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const asked = once(server, 'request');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const answer = fetch(url).then(
    (response) => response.status,
    () => 'cut',
  );
  const [, response] = (await asked) as [unknown, ServerResponse];
  return { server, url, answer, response };
}

test('the request in flight is answered, and nobody else is let in', async (t) => {
  const { server, url, answer, response } = await busy();
  const finished = finishRequests(server, 60_000);
  await t.throwsAsync(fetch(url));
  response.end('late');
  t.is(await answer, 200);
  t.true(await finished, 'although the browser keeps the connection open');
});

test('a request that does not end is cut off when the time is over', async (t) => {
  const { server, answer } = await busy();
  t.false(await finishRequests(server, 1));
  t.is(await answer, 'cut');
});
