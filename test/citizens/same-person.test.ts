import test from 'ava';
import { type Holder, isSamePerson } from '../../src/citizens/same-person.ts';

const smith: Holder = { documentType: 'passport', name: 'John Smith', birthDate: '1979-02-14' };
const zhang: Holder = { documentType: 'resident_id', name: '张三', birthDate: '1990-01-02' };
const { birthDate: _, ...unborn } = smith;

for (const [what, one, other, same] of [
  ['a passport again, in capitals', smith, { ...smith, name: 'JOHN  SMITH' }, true],
  ['a passport whose holder’s birthday is not known', unborn, smith, true],
  ['a passport with another name', smith, { ...smith, name: 'Juan Herrero' }, false],
  ['a passport with another birthday', smith, { ...smith, birthDate: '1979-02-15' }, false],
  ['a passport numbered like an ID card', { ...zhang, documentType: 'passport' }, zhang, false],
  ['an ID card after a change of name', zhang, { ...zhang, name: '张三丰' }, true],
] as const) {
  test(`${what}: ${same ? 'the same person' : 'somebody else'}`, (t) => {
    t.is(isSamePerson(one, other), same);
    t.is(isSamePerson(other, one), same);
  });
}
