import test from 'ava';
import type { SmsMessage } from '../../sandbox/authorities/sms.ts';
import { AuthorityUnavailable } from '../../src/authorities/ask.ts';
import { createSmsGateway } from '../../src/authorities/sms.ts';
import { freshWorld, jsonOf, personNamed } from '../sandbox/authorities/world.ts';

test('messages arrive newest first, one inbox a number, with the code read out', async (t) => {
  const { url } = await freshWorld(t);
  const gateway = createSmsGateway(url, fetch);
  const to = personNamed('fu_xiaolan').phone;
  t.truthy((await gateway.send({ to, text: '【一码通】验证码 135790，5 分钟内有效。' })).reference);
  await gateway.send({ to: `+86${to}`, text: '【一码通】您的密码已修改。<b>' });
  await gateway.send({ to: personNamed('deng_yutong').phone, text: '别人的短信' });
  const inbox = await jsonOf<SmsMessage[]>(fetch(`${url}/sms.json?phone=${to}`));
  t.deepEqual(
    inbox.map(({ text, code }) => [text.slice(5, 8), code]),
    [
      ['您的密', null],
      ['验证码', '135790'],
    ],
  );
  t.false(Number.isNaN(Date.parse(inbox[0]?.at ?? '')));
  t.is((await jsonOf<SmsMessage[]>(fetch(`${url}/sms.json`))).length, 3);
});

test('the inbox page shows the messages and escapes them', async (t) => {
  const { url } = await freshWorld(t);
  await createSmsGateway(url, fetch).send({ to: '13900000000', text: '<img src=x> 246810' });
  const page = await (await fetch(`${url}/sms?phone=13900000000`)).text();
  t.regex(page, /&lt;img src=x&gt; 246810/);
  t.notRegex(page, /<img|<script/);
});

test('a gateway that refuses this number is unavailable and keeps nothing', async (t) => {
  const { url } = await freshWorld(t);
  const to = personNamed('pan_wuxin').phone;
  const error = await t.throwsAsync(createSmsGateway(url, fetch).send({ to, text: 'x' }), {
    instanceOf: AuthorityUnavailable,
  });
  t.is(error.kind, 'sms');
  t.deepEqual(await (await fetch(`${url}/sms.json?phone=${to}`)).json(), []);
});
