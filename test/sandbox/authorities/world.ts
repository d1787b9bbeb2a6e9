import type { ExecutionContext } from 'ava';
import { type Authorities, startAuthorities } from '../../../sandbox/authorities/server.ts';
import { loadPeople, type Person } from '../../../sandbox/people/person.ts';

export const people = loadPeople();

/** The sandbox person with this user name. */
export function personNamed(username: string): Person {
  const person = people.find((each) => each.username === username);
  if (!person) throw new Error(`nobody is called ${username}`);
  return person;
}

/** An outside world of the test's own, closed at its end. */
export async function freshWorld(t: ExecutionContext): Promise<Authorities> {
  const authorities = await startAuthorities({ port: 0, people });
  t.teardown(authorities.close);
  return authorities;
}

/** Who asks: the pair every check is bound to. */
export const identityOf = ({ name, id_number }: Person) => ({ name, idNumber: id_number });

/** The JSON of an answer, of the shape that the test expects. */
export const jsonOf = async <Shape>(response: Response | Promise<Response>): Promise<Shape> =>
  (await (await response).json()) as Shape;
