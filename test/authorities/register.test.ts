import test from 'ava';
import type { Person } from '../../sandbox/people/person.ts';
import { AuthorityUnavailable } from '../../src/authorities/ask.ts';
import { createRegister } from '../../src/authorities/register.ts';
import { freshWorld, identityOf, personNamed } from '../sandbox/authorities/world.ts';

const question = (person: Person) => ({ documentType: person.document_type, ...identityOf(person) });

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
    const answer = await createRegister(url, fetch).confirm(question(personNamed(username)));
    t.is(answer.outcome, outcome);
    t.is(answer.source, source);
    t.regex(answer.reference, new RegExp(`^${source}-`));
  });
}

test('somebody else’s name does not match, and a number that nobody has is unknown', async (t) => {
  const { url } = await freshWorld(t);
  const register = createRegister(url, fetch);
  const asked = question(personNamed('deng_yutong'));
  t.is((await register.confirm({ ...asked, name: '别人' })).outcome, 'mismatch');
  t.is((await register.confirm({ ...asked, idNumber: '11010519491231002X' })).outcome, 'unknown');
});

test('a register that is down is unavailable, and says which', async (t) => {
  const { url } = await freshWorld(t);
  const error = await t.throwsAsync(createRegister(url, fetch).confirm(question(personNamed('wei_qinghe'))), {
    instanceOf: AuthorityUnavailable,
  });
  t.is(error.kind, 'police');
});

test('a register that keeps silent is unavailable after the time-out', async (t) => {
  const { url } = await freshWorld(t);
  const register = createRegister(url, fetch, { timeoutMs: 50 });
  await t.throwsAsync(register.confirm(question(personNamed('wei_manman'))), {
    instanceOf: AuthorityUnavailable,
  });
});

test('a register that nobody runs is unavailable', async (t) => {
  const register = createRegister('http://127.0.0.1:9', fetch);
  await t.throwsAsync(register.confirm(question(personNamed('deng_yutong'))), {
    instanceOf: AuthorityUnavailable,
  });
});

test('an outage begins and ends on demand', async (t) => {
  const { url, outage } = await freshWorld(t);
  const register = createRegister(url, fetch);
  const asked = question(personNamed('deng_yutong'));
  outage('police', 'down');
  await t.throwsAsync(register.confirm(asked), { instanceOf: AuthorityUnavailable });
  outage('police', 'off');
  t.is((await register.confirm(asked)).outcome, 'match');
});

test('a person who dies is deceased from then on', async (t) => {
  const { url, outcomes } = await freshWorld(t);
  const person = personNamed('han_songnian');
  outcomes(person.id_number, { register: 'deceased' });
  t.is((await createRegister(url, fetch).confirm(question(person))).outcome, 'deceased');
});

test('an answer outside the contract is unavailable, and the error quotes nothing of it', async (t) => {
  const odd = async () =>
    Response.json({ outcome: 'perhaps', reference: 'r', source: 'police', name: '邓雨桐' });
  const error = await t.throwsAsync(
    createRegister('http://register.example', odd).confirm(question(personNamed('deng_yutong'))),
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
  await createRegister('http://register.example/', spy).confirm(question(person));
  t.deepEqual(asked, ['http://register.example/police/confirm']);
});
