import test from 'ava';
import { AuthorityUnavailable } from '../../src/authorities/ask.ts';
import { createCarrier } from '../../src/authorities/carrier.ts';
import { freshWorld, identityOf, personNamed } from '../sandbox/authorities/world.ts';

const question = (username: string) => {
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
    const answer = await createCarrier(url, fetch).owner(question(username));
    t.is(answer.outcome, outcome);
    t.is(answer.source, 'carrier');
  });
}

test('a number of somebody else has another owner; the own second number matches', async (t) => {
  const { url } = await freshWorld(t);
  const carrier = createCarrier(url, fetch);
  const asked = question('ding_guiying');
  t.is((await carrier.owner({ ...asked, phone: personNamed('deng_yutong').phone })).outcome, 'other_owner');
  const second = personNamed('ding_guiying').other_phones?.[0] ?? '';
  t.is((await carrier.owner({ ...asked, phone: second })).outcome, 'match');
  t.is((await carrier.owner({ ...asked, phone: `+86${second}` })).outcome, 'match');
});

test('a carrier that is down or silent is unavailable', async (t) => {
  const { url } = await freshWorld(t);
  const carrier = createCarrier(url, fetch, { timeoutMs: 50 });
  const down = await t.throwsAsync(carrier.owner(question('xue_yunqi')), {
    instanceOf: AuthorityUnavailable,
  });
  t.is(down.kind, 'carrier');
  await t.throwsAsync(carrier.owner(question('yan_siqi')), { instanceOf: AuthorityUnavailable });
  await t.throwsAsync(carrier.simChangedAt(question('xue_yunqi').phone), {
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
