import test from 'ava';
import { AuthorityUnavailable } from '../../src/authorities/ask.ts';
import { createCards } from '../../src/authorities/cards.ts';
import { freshWorld, identityOf, personNamed } from '../sandbox/authorities/world.ts';

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
