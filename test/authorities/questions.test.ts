import test from 'ava';
import type { SmsMessage } from '../../sandbox/authorities/sms.ts';
import type { Person } from '../../sandbox/people/person.ts';
import { AuthorityUnavailable } from '../../src/authorities/ask.ts';
import { createCards } from '../../src/authorities/cards.ts';
import { createCarrier } from '../../src/authorities/carrier.ts';
import { createRegister } from '../../src/authorities/register.ts';
import { createSmsGateway } from '../../src/authorities/sms.ts';
import { freshWorld, identityOf, jsonOf, personNamed } from '../sandbox/authorities/world.ts';

const document = (person: Person) => ({ documentType: person.document_type, ...identityOf(person) });

for (const [username, outcome, source] of [
  ['deng_yutong', 'match', 'police'],
  ['ayiguli', 'match', 'police'],
  ['shen_weiming', 'mismatch', 'police'],
  ['cai_guyuan', 'deceased', 'police'],
  ['jia_wuzong', 'unknown', 'police'],
  ['chan_kayan', 'match', 'entry_exit'],
  ['ho_wengfai', 'match', 'entry_exit'],
  ['chang_yachu', 'match', 'entry_exit'],
  ['maria_santos', 'match', 'entry_exit'],
  ['john_smith', 'match', 'entry_exit'],
] as const) {
  test(`the register says ${outcome} for ${username}`, async (t) => {
    const { url } = await freshWorld(t);
    const answer = await createRegister(url, fetch).confirm(document(personNamed(username)));
    t.is(answer.outcome, outcome);
    t.is(answer.source, source);
    t.regex(answer.reference, new RegExp(`^${source}-`));
  });
}

test('somebody else’s name does not match, and a number that nobody has is unknown', async (t) => {
  const { url } = await freshWorld(t);
  const register = createRegister(url, fetch);
  const asked = document(personNamed('deng_yutong'));
  t.is((await register.confirm({ ...asked, name: '别人' })).outcome, 'mismatch');
  t.is((await register.confirm({ ...asked, idNumber: '11010519491231002X' })).outcome, 'unknown');
});

test('a register that is down is unavailable, and says which', async (t) => {
  const { url } = await freshWorld(t);
  const error = await t.throwsAsync(createRegister(url, fetch).confirm(document(personNamed('wei_qinghe'))), {
    instanceOf: AuthorityUnavailable,
  });
  t.is(error.kind, 'police');
});

test('a register that keeps silent is unavailable after the time-out', async (t) => {
  const { url } = await freshWorld(t);
  const register = createRegister(url, fetch, { timeoutMs: 50 });
  await t.throwsAsync(register.confirm(document(personNamed('wei_manman'))), {
    instanceOf: AuthorityUnavailable,
  });
});

test('a register that nobody runs is unavailable', async (t) => {
  const register = createRegister('http://127.0.0.1:9', fetch);
  await t.throwsAsync(register.confirm(document(personNamed('deng_yutong'))), {
    instanceOf: AuthorityUnavailable,
  });
});

test('an outage begins and ends on demand', async (t) => {
  const { url, outage } = await freshWorld(t);
  const register = createRegister(url, fetch);
  const asked = document(personNamed('deng_yutong'));
  outage('police', 'down');
  await t.throwsAsync(register.confirm(asked), { instanceOf: AuthorityUnavailable });
  outage('police', 'off');
  t.is((await register.confirm(asked)).outcome, 'match');
});

test('a person who dies is deceased from then on', async (t) => {
  const { url, outcomes } = await freshWorld(t);
  const person = personNamed('han_songnian');
  outcomes(person.id_number, { register: 'deceased' });
  t.is((await createRegister(url, fetch).confirm(document(person))).outcome, 'deceased');
});

test('an answer outside the contract is unavailable, and the error quotes nothing of it', async (t) => {
  const odd = async () =>
    Response.json({ outcome: 'perhaps', reference: 'r', source: 'police', name: '邓雨桐' });
  const error = await t.throwsAsync(
    createRegister('http://register.example', odd).confirm(document(personNamed('deng_yutong'))),
    { instanceOf: AuthorityUnavailable },
  );
  t.regex(String((error.cause as Error).message), /outcome/);
  t.notRegex(`${error.message} ${String(error.cause)}`, /perhaps|邓雨桐/);
});

test('personal data travels in the body, not in the address', async (t) => {
  const asked: string[] = [];
  const spy = async (url: string) => {
    asked.push(url);
    return Response.json({ outcome: 'match', reference: 'r', source: 'police' });
  };
  const person = personNamed('deng_yutong');
  await createRegister('http://register.example/', spy).confirm(document(person));
  t.deepEqual(asked, ['http://register.example/police/confirm']);
});

const phoneOf = (username: string) => {
  const person = personNamed(username);
  return { phone: person.phone, ...identityOf(person) };
};

for (const [username, outcome] of [
  ['deng_yutong', 'match'],
  ['ding_guiying', 'other_owner'],
  ['ye_zhiyuan', 'unknown'],
] as const) {
  test(`the carrier says ${outcome} for ${username}`, async (t) => {
    const { url } = await freshWorld(t);
    const answer = await createCarrier(url, fetch).owner(phoneOf(username));
    t.is(answer.outcome, outcome);
    t.is(answer.source, 'carrier');
  });
}

test('a number of somebody else has another owner; the own second number matches', async (t) => {
  const { url } = await freshWorld(t);
  const carrier = createCarrier(url, fetch);
  const asked = phoneOf('ding_guiying');
  t.is((await carrier.owner({ ...asked, phone: personNamed('deng_yutong').phone })).outcome, 'other_owner');
  const second = personNamed('ding_guiying').other_phones?.[0] ?? '';
  t.is((await carrier.owner({ ...asked, phone: second })).outcome, 'match');
  t.is((await carrier.owner({ ...asked, phone: `+86${second}` })).outcome, 'match');
});

test('the carrier knows a person with a new name or number under the old one too', async (t) => {
  const { url } = await freshWorld(t);
  const carrier = createCarrier(url, fetch);
  for (const username of ['ren_jinyu', 'yao_zhenghao']) {
    const { name, id_number: idNumber, phone, outcomes } = personNamed(username);
    const { renamed_to: newName = name, renumbered_to: newNumber = idNumber } = outcomes;
    t.is((await carrier.owner({ phone, name, idNumber })).outcome, 'match');
    t.is((await carrier.owner({ phone, name: newName, idNumber: newNumber })).outcome, 'match');
  }
});

test('a carrier that is down or silent is unavailable', async (t) => {
  const { url } = await freshWorld(t);
  const carrier = createCarrier(url, fetch, { timeoutMs: 50 });
  const down = await t.throwsAsync(carrier.owner(phoneOf('xue_yunqi')), {
    instanceOf: AuthorityUnavailable,
  });
  t.is(down.kind, 'carrier');
  await t.throwsAsync(carrier.owner(phoneOf('yan_siqi')), { instanceOf: AuthorityUnavailable });
  await t.throwsAsync(carrier.simChangedAt(phoneOf('xue_yunqi').phone), {
    instanceOf: AuthorityUnavailable,
  });
});

test('a SIM changed yesterday has a date, an old one has none', async (t) => {
  const { url } = await freshWorld(t);
  const carrier = createCarrier(url, fetch);
  const changedAt = await carrier.simChangedAt(personNamed('he_junsheng').phone);
  t.true(changedAt instanceof Date);
  t.true(changedAt! < new Date() && changedAt! > new Date(Date.now() - 72 * 3_600_000));
  t.is(await carrier.simChangedAt(personNamed('deng_yutong').phone), undefined);
});

const social = (username: string) => {
  const person = personNamed(username);
  return { ...identityOf(person), cardNumber: person.cards.social_security_card ?? 'NONE' };
};
const bank = (username: string) => {
  const person = personNamed(username);
  return { ...identityOf(person), cardNumber: person.cards.bank_card ?? '0', phone: person.phone };
};

test('a card matches its owner, and nobody else', async (t) => {
  const { url } = await freshWorld(t);
  const cards = createCards(url, fetch);
  const own = await cards.socialSecurity(social('wang_xiulan'));
  t.like(own, { outcome: 'match', source: 'social_security' });
  t.like(await cards.bank(bank('wang_xiulan')), { outcome: 'match', source: 'bank' });
  const others = { ...social('wang_xiulan'), cardNumber: social('li_jianzhong').cardNumber };
  t.is((await cards.socialSecurity(others)).outcome, 'mismatch');
});

test('all four elements of a bank card count', async (t) => {
  const { url } = await freshWorld(t);
  const cards = createCards(url, fetch);
  const asked = bank('wang_xiulan');
  for (const wrong of [
    { name: '别人' },
    { idNumber: personNamed('li_jianzhong').id_number },
    { cardNumber: bank('li_jianzhong').cardNumber },
    { phone: '13900000000' },
  ]) {
    t.is((await cards.bank({ ...asked, ...wrong })).outcome, 'mismatch', Object.keys(wrong)[0]);
  }
});

test('each failure of a card belongs to a person', async (t) => {
  const { url } = await freshWorld(t);
  const cards = createCards(url, fetch);
  t.is((await cards.socialSecurity(social('sun_haoran'))).outcome, 'mismatch');
  t.is((await cards.socialSecurity(social('ma_yuzhen'))).outcome, 'blocked');
  t.is((await cards.bank(bank('hu_binqing'))).outcome, 'mismatch');
  const noSocial = await t.throwsAsync(cards.socialSecurity(social('zhu_tingyu')), {
    instanceOf: AuthorityUnavailable,
  });
  t.is(noSocial.kind, 'social_security_card');
  const noBank = await t.throwsAsync(cards.bank(bank('guo_fangling')), { instanceOf: AuthorityUnavailable });
  t.is(noBank.kind, 'bank_card');
});

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
