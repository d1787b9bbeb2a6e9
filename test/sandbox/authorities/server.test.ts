import test from 'ava';
import { freshWorld, jsonOf, people, personNamed } from './world.ts';

const post = (url: string, body: unknown) =>
  fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });

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
