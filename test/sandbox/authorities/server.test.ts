import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { startAuthorities } from '../../../sandbox/authorities/server.ts';
import { machineTime, shiftProcessClock } from '../../../src/platform/clock.ts';
import { freshWorld, jsonOf, people, personNamed } from './world.ts';

const post = (url: string, body: unknown) =>
  fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });

test.afterEach.always(() => shiftProcessClock(0));

test('it is healthy, and its front page lists the people', async (t) => {
  const { url } = await freshWorld(t);
  t.deepEqual(await (await fetch(`${url}/healthz`)).json(), { status: 'ok' });
  const page = await (await fetch(`${url}/`)).text();
  for (const { username } of people) t.true(page.includes(username), username);
  t.is((await fetch(`${url}/style.css`)).headers.get('content-type'), 'text/css; charset=utf-8');
});

test('an outage by HTTP stops one authority only', async (t) => {
  const { url } = await freshWorld(t);
  const { name, id_number, phone } = personNamed('deng_yutong');
  const owner = () => post(`${url}/carrier/owner`, { name, idNumber: id_number, phone });
  t.is((await post(`${url}/outage`, { authority: 'carrier', mode: 'down' })).status, 200);
  t.is((await owner()).status, 503);
  t.is((await post(`${url}/sms/send`, { to: phone, text: 'x' })).status, 200);
  await post(`${url}/outage`, { authority: 'carrier', mode: 'off' });
  t.is((await owner()).status, 200);
  t.is((await post(`${url}/outage`, { authority: 'weather', mode: 'down' })).status, 400);
});

test('a person’s outcome can be changed by HTTP, in this world only', async (t) => {
  const [here, there] = [await freshWorld(t), await freshWorld(t)];
  const { name, id_number, document_type } = personNamed('han_songnian');
  const confirm = (url: string) =>
    jsonOf<{ outcome: string }>(
      post(`${url}/police/confirm`, { name, idNumber: id_number, documentType: document_type }),
    );
  await post(`${here.url}/outcomes`, { id_number, outcomes: { register: 'deceased' } });
  t.is((await confirm(here.url)).outcome, 'deceased');
  t.is((await confirm(there.url)).outcome, 'match');
  await post(`${here.url}/outcomes`, { id_number, outcomes: { register: null } });
  t.is((await confirm(here.url)).outcome, 'match');
});

test('a malformed question is refused with the names of the fields', async (t) => {
  const { url } = await freshWorld(t);
  const response = await post(`${url}/carrier/owner`, { name: '某人' });
  t.is(response.status, 400);
  t.regex((await jsonOf<{ error: string }>(response)).error, /idNumber, phone/);
});

test('a body that is not JSON, or not sent as JSON, is refused with what is expected', async (t) => {
  const { url } = await freshWorld(t);
  const error = async (path: string, body: string | undefined, type?: string) => {
    const headers: Record<string, string> = type === undefined ? {} : { 'content-type': type };
    const response = await fetch(`${url}${path}`, { method: 'POST', headers, ...(body && { body }) });
    t.is(response.status, 400, body);
    return (await jsonOf<{ error: string }>(response)).error;
  };
  const json = 'application/json';
  const times = 'expected is {"now": date-time} or {"advance": number from -3155760000 to 3155760000}';
  t.regex(await error('/clock', 'advance=60', json), /^the body is not JSON: /);
  for (const [body, fields] of [
    ['{}', 'now, advance'],
    ['{"now":"2031-05-01T00:00:00Z","advance":1}', 'advance, now'],
    ['{"advance":"x"}', 'now, advance'],
    ['{"advance":1e30}', 'advance'],
  ] as const) {
    t.is(await error('/clock', body, json), `missing or malformed: ${fields}; ${times}`);
  }
  const bare = await error('/clock', '{"advance":60}', 'text/plain');
  t.true(bare.includes('without the header content-type: application/json') && bare.endsWith(times), bare);
  t.regex(await error('/sms/send', '{', json), /expected is \{"to": string, "text": string\}$/);
  t.regex(await error('/outage', '[]', json), /malformed: the body; expected is \{"authority": "police" \| /);
  t.regex(
    await error('/outcomes', '{"id_number":"1","outcomes":{"face":"x","faec":null}}', json),
    /outcomes\.face, outcomes\.faec/,
  );
  t.regex(await error('/health-sources', undefined), /"id_number": string/);
  t.regex(await error('/checks/face/start', '{', json), /"returnTo": uri/);
});

/** A peer that remembers what it was told. */
async function peer(t: ExecutionContext, status = 200) {
  const told: { path: string | undefined; offset: number }[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    told.push({ path: request.url, offset: JSON.parse(body).offset });
    response.writeHead(status).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, told };
}

async function world(t: ExecutionContext, clockPeers: string[]) {
  const authorities = await startAuthorities({ port: 0, people: [], clockPeers });
  t.teardown(authorities.close);
  return (body: unknown) =>
    fetch(`${authorities.url}/clock`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
}

test.serial('advancing moves this process and every peer by the same offset, and adds up', async (t) => {
  const [a, b] = [await peer(t), await peer(t)];
  const move = await world(t, [a.url, `${b.url}/`]);
  t.is((await move({ advance: 60 })).status, 200);
  t.is((await move({ advance: 30 })).status, 200);
  t.is(a.told[0]?.path, '/sandbox/clock');
  t.deepEqual(
    a.told.map(({ offset }) => Math.round(offset / 1000)),
    [60, 90],
  );
  t.deepEqual(b.told, a.told);
  t.is(Math.round((Date.now() - machineTime()) / 1000), 90);
});

test.serial('a time may be named', async (t) => {
  const move = await world(t, []);
  const answer = await jsonOf<{ now: string }>(move({ now: '2031-05-01T08:00:00+08:00' }));
  t.true(answer.now.startsWith('2031-05-01T00:00:'));
});

test.serial('a peer that does not take the time is named', async (t) => {
  const [good, bad] = [await peer(t), await peer(t, 403)];
  const move = await world(t, [good.url, bad.url]);
  const response = await move({ advance: 1 });
  t.is(response.status, 502);
  const { error, message } = await jsonOf<{ error: string; message: string }>(response);
  t.is(error, 'clock_not_moved');
  t.true(message.includes(bad.url));
  t.false(message.includes(good.url));
});

test.serial('nonsense moves nothing', async (t) => {
  const move = await world(t, []);
  for (const body of [
    {},
    { advance: 'much' },
    { now: 'tomorrow' },
    { now: '2031-05-01T00:00:00Z', advance: 1 },
  ]) {
    t.is((await move(body)).status, 400);
  }
  t.is(Date.now() - machineTime(), 0);
});
