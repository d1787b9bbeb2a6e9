import type { Person } from '../../sandbox/people/person.ts';
import { givenAccountOf, personNamed, submit, type TestFrontDoor } from './front-door.ts';
import type { Jar } from './http-client.ts';

/** The first page of a recovery. */
export const begin = (jar: Jar, person: Person, lost: 'password' | 'phone') =>
  submit(jar, '/recover', { lost, name: person.name, id_number: person.id_number });

/** Proves who one is by the social security card. */
export const byCard = (jar: Jar, person: Person) =>
  submit(jar, '/recover/prove', {
    method: 'social_security_card',
    card_number: person.cards.social_security_card!,
  });
/** The same by the bank card. */
export const byBank = (jar: Jar, person: Person) =>
  submit(jar, '/recover/prove', {
    method: 'bank_card',
    card_number: person.cards.bank_card!,
    phone: person.phone,
  });

/** Asks for another phone, until the wait has begun. */
export async function loseThePhone(door: TestFrontDoor) {
  const person = personNamed('ding_guiying');
  const citizenId = await givenAccountOf(door, person);
  const phone = person.other_phones![0]!;
  const jar = door.jar();
  await begin(jar, person, 'phone');
  goesOn((await byCard(jar, person)).text.includes('name="phone"'));
  await submit(jar, '/recover/phone', { phone });
  const confirm = await submit(jar, '/recover/code', { code: await door.code(phone) });
  goesOn(confirm.text.includes('/recover/confirm'));
  const waiting = await submit(jar, '/recover/confirm', { action: 'continue' });
  goesOn(waiting.text.includes('/recover/cancel'));
  return { person, citizenId, phone, jar };
}
function goesOn(holds: boolean): void {
  if (!holds) throw new Error('the recovery did not go on');
}
