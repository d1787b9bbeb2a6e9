import Router from '@koa/router';
import { z } from 'zod';
import type { Outcomes, Person } from '../people/person.ts';
import { bodyOf } from './body.ts';
import {
  type Authority,
  hasNumber,
  isPerson,
  localPhone,
  newReference,
  sameName,
  troubled,
  type World,
} from './world.ts';

const named = { name: z.string().min(1), idNumber: z.string().min(1) };
const registerQuestion = z.object({
  ...named,
  documentType: z.string(),
  birthDate: z.iso.date().optional(),
});
const recheckQuestion = registerQuestion.extend({ reference: z.string().min(1) });
const ownerQuestion = z.object({ ...named, phone: z.string().min(1) });
const simQuestion = z.object({ phone: z.string().min(1) });
const stayQuestion = z.object({
  phone: z.string().min(1),
  province: z.string().regex(/^\d{2}$/),
  from: z.iso.date(),
  to: z.iso.date(),
});
const guardianQuestion = z.object({ guardian: z.object(named), child: z.object(named) });
const cardQuestion = z.object({ ...named, cardNumber: z.string().min(1), phone: z.string().optional() });

/** Only what is an answer; `down` and `slow` were played before. */
function told<Answer extends string>(
  outcomes: Outcomes,
  key: keyof Outcomes,
  answers: readonly Answer[],
): Answer | undefined {
  return answers.find((answer) => answer === outcomes[key]);
}

/** Questions with an answer at once: registers, carriers, card issuers. */
export function questions(world: World): Router {
  const router = new Router();

  const register = (authority: 'police' | 'entry_exit', path: string) => {
    const source = { source: authority };
    router.post(`${path}/confirm`, async (ctx) => {
      const question = bodyOf(ctx, registerQuestion);
      const person = world.byDocument(question.idNumber);
      if (await troubled(ctx, world, authority, person?.outcomes.register)) return;
      ctx.body = { ...registered(person, question), reference: newReference(authority), ...source };
    });
    // Somebody confirmed before, by the name and number of that time.
    router.post(`${path}/recheck`, async (ctx) => {
      const question = bodyOf(ctx, recheckQuestion);
      const person = world.byDocument(question.idNumber);
      if (await troubled(ctx, world, authority, person?.outcomes.register)) return;
      ctx.body = { ...rechecked(person, question), reference: newReference(authority), ...source };
    });
  };
  register('police', '/police');
  register('entry_exit', '/entry-exit');

  router.post('/carrier/owner', async (ctx) => {
    const { phone, name, idNumber } = bodyOf(ctx, ownerQuestion);
    const owner = world.byPhone(phone);
    const shown = owner && ownerOutcome(owner, phone);
    if (await troubled(ctx, world, 'carrier', shown)) return;
    const answer = () => {
      if (!owner || shown === 'unknown') return 'unknown';
      if (shown === 'other_owner') return 'other_owner';
      return hasNumber(owner, idNumber) && isPerson(owner, name) ? 'match' : 'other_owner';
    };
    ctx.body = { outcome: answer(), reference: newReference('carrier'), source: 'carrier' };
  });

  router.post('/carrier/sim', async (ctx) => {
    const { phone } = bodyOf(ctx, simQuestion);
    const owner = world.byPhone(phone);
    if (await troubled(ctx, world, 'carrier', owner && ownerOutcome(owner, phone))) return;
    const hours = owner?.outcomes.sim_changed_hours_ago;
    // Counted from the start of this process, so that a moved clock lets the change grow old.
    const changedAt = hours === undefined ? null : new Date(world.startedAt.getTime() - hours * 3_600_000);
    ctx.body = { changedAt };
  });

  router.post('/carrier/stay', async (ctx) => {
    const { phone } = bodyOf(ctx, stayQuestion);
    const owner = world.byPhone(phone);
    if (await troubled(ctx, world, 'carrier', owner?.outcomes.stay)) return;
    const said = owner ? (told(owner.outcomes, 'stay', ['no', 'unknown']) ?? 'yes') : 'unknown';
    ctx.body = { outcome: said, reference: newReference('carrier'), source: 'carrier' };
  });

  router.post('/police/guardian', async (ctx) => {
    const { guardian, child } = bodyOf(ctx, guardianQuestion);
    const [one, other] = [world.byDocument(guardian.idNumber), world.byDocument(child.idNumber)];
    if (await troubled(ctx, world, 'police', other?.outcomes.register)) return;
    const both = isPerson(one, guardian.name) && isPerson(other, child.name);
    const outcome = !both ? 'unknown' : other.ward_of?.includes(one.username) ? 'match' : 'mismatch';
    ctx.body = { outcome, reference: newReference('police'), source: 'police' };
  });

  const card = (
    authority: Authority & ('social_security_card' | 'bank_card'),
    path: string,
    source: string,
    fits: (person: Person, question: z.infer<typeof cardQuestion>) => boolean,
  ) =>
    router.post(path, async (ctx) => {
      const question = bodyOf(ctx, cardQuestion);
      const person = world.byDocument(question.idNumber);
      if (await troubled(ctx, world, authority, person?.outcomes[authority])) return;
      const answer = () => {
        if (!isPerson(person, question.name) || person.cards[authority] !== question.cardNumber)
          return 'mismatch';
        if (!fits(person, question)) return 'mismatch';
        return told(person.outcomes, authority, ['mismatch', 'blocked']) ?? 'match';
      };
      ctx.body = { outcome: answer(), reference: newReference(authority), source };
    });
  card('social_security_card', '/cards/social-security', 'social_security', () => true);
  card('bank_card', '/cards/bank', 'bank', (person, { phone = '' }) => person.phone === localPhone(phone));

  return router;
}

type RegisterQuestion = z.infer<typeof registerQuestion>;

/** What the register says to somebody who names a person for the first time. */
function registered(
  person: Person | undefined,
  { name, idNumber, documentType, birthDate }: RegisterQuestion,
) {
  if (!person || person.document_type !== documentType) return { outcome: 'unknown' };
  const { renamed_to, renumbered_to } = person.outcomes;
  if (renumbered_to !== undefined && renumbered_to !== idNumber.toUpperCase()) return { outcome: 'unknown' };
  const shown = told(person.outcomes, 'register', ['mismatch', 'unknown', 'deceased']);
  if (shown !== undefined) return { outcome: shown };
  const right =
    sameName(renamed_to ?? person.name, name) && (birthDate === undefined || birthDate === person.birth_date);
  return { outcome: right ? 'match' : 'mismatch' };
}

/** The same, of somebody it has confirmed before: what has changed since is told. */
function rechecked(person: Person | undefined, question: RegisterQuestion) {
  const { renamed_to, renumbered_to, register } = person?.outcomes ?? {};
  const moved = renamed_to !== undefined || renumbered_to !== undefined;
  if (!person || register !== undefined || !moved || !sameName(person.name, question.name)) {
    return registered(person, question);
  }
  return { outcome: 'changed', name: renamed_to ?? person.name, idNumber: renumbered_to ?? person.id_number };
}

/** A person's second number is always in order: it is the way out when the first is not. */
const ownerOutcome = (owner: Person, phone: string) =>
  localPhone(phone) === owner.phone ? owner.outcomes.carrier : undefined;
