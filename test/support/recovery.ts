import type { Person } from '../../sandbox/people/person.ts';
import { follow, givenAccountOf, personNamed, submit, type TestFrontDoor } from './front-door.ts';
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

/** Asks for another phone, until the wait has begun. @param keep ticks that the passkeys shown are one's own. */
export async function loseThePhone(
  door: TestFrontDoor,
  { keep = false, given = async () => {} }: { keep?: boolean; given?(citizenId: string): Promise<void> } = {},
) {
  const person = personNamed('ding_guiying');
  const citizenId = await givenAccountOf(door, person);
  await given(citizenId);
  const phone = person.other_phones![0]!;
  const jar = door.jar();
  await begin(jar, person, 'phone');
  goesOn((await byCard(jar, person)).text.includes('name="phone"'));
  await submit(jar, '/recover/phone', { phone });
  const confirm = await submit(jar, '/recover/code', { code: await door.code(phone) });
  goesOn(confirm.text.includes('/recover/confirm'));
  const waiting = await submit(jar, '/recover/confirm', {
    action: 'continue',
    passkeys_shown: /name="passkeys_shown" value="([^"]*)"/.exec(confirm.text)?.[1] ?? '',
    ...(keep && { keep_passkeys: 'yes' }),
  });
  goesOn(waiting.text.includes('/recover/cancel'));
  return { person, citizenId, phone, jar };
}
function goesOn(holds: boolean): void {
  if (!holds) throw new Error('the recovery did not go on');
}

/** Chooses a check on an authority's own pages, presses a button there and comes back. */
export async function atAuthority(
  door: TestFrontDoor,
  jar: Jar,
  method: string,
  action: 'pass' | 'fail' | 'later' | 'cancel',
  base = '/recover',
) {
  const { location = '' } = await jar.post(`${base}/prove`, new URLSearchParams({ method }));
  goesOn(location.startsWith(door.world.url));
  const body = new URLSearchParams({ action });
  const pressed = await fetch(location, { method: 'POST', redirect: 'manual', body });
  return follow(jar, await jar.get(pressed.headers.get('location') ?? ''));
}

/** What the officer at the desk makes of the newest visit or call of a person. */
export async function officerDecides(
  door: { world: { url: string } },
  person: Person,
  action: 'accept' | 'refuse',
) {
  const desk = await (await fetch(`${door.world.url}/video/officer`)).text();
  const of = desk.slice(desk.indexOf(person.id_number));
  const path = /action="(\/video\/officer\/[^"]+)"/.exec(of)?.[1] ?? '';
  const decided = await fetch(door.world.url + path, {
    method: 'POST',
    redirect: 'manual',
    body: new URLSearchParams({ action }),
  });
  goesOn(decided.status === 303);
}
