import Router from '@koa/router';
import type { Context } from 'koa';
import { z } from 'zod';
import type { Outcomes, Person } from '../people/person.ts';
import { type Authority, localPhone, newReference, troubled, type World } from './world.ts';

/** Reads the JSON body by a schema; answers 400 naming the fields otherwise. */
export function bodyOf<T>(ctx: Context, schema: z.ZodType<T>): T {
  const parsed = schema.safeParse(ctx.request.body ?? {});
  if (parsed.success) return parsed.data;
  const fields = parsed.error.issues.map((issue) => issue.path.join('.')).join(', ');
  return ctx.throw(400, `missing or malformed: ${fields}`);
}

const named = { name: z.string().min(1), idNumber: z.string().min(1) };
const registerQuestion = z.object({ ...named, documentType: z.string() });
const ownerQuestion = z.object({ ...named, phone: z.string().min(1) });
const simQuestion = z.object({ phone: z.string().min(1) });
const cardQuestion = z.object({ ...named, cardNumber: z.string().min(1), phone: z.string().optional() });

/** Names are compared as a clerk would: without regard to case and doubled spaces. */
const sameName = (a: string, b: string) => plain(a) === plain(b);
const plain = (name: string) => name.normalize('NFKC').trim().replace(/\s+/g, ' ').toUpperCase();

const isPerson = (person: Person | undefined, name: string): person is Person =>
  person !== undefined && sameName(person.name, name);

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

  const register = (authority: 'police' | 'entry_exit', path: string) =>
    router.post(path, async (ctx) => {
      const { name, idNumber, documentType } = bodyOf(ctx, registerQuestion);
      const person = world.byDocument(idNumber);
      if (await troubled(ctx, world, authority, person?.outcomes.register)) return;
      const answer = () => {
        if (!person || person.document_type !== documentType) return 'unknown';
        const shown = told(person.outcomes, 'register', ['mismatch', 'unknown', 'deceased']);
        return shown ?? (sameName(person.name, name) ? 'match' : 'mismatch');
      };
      ctx.body = { outcome: answer(), reference: newReference(authority), source: authority };
    });
  register('police', '/police/confirm');
  register('entry_exit', '/entry-exit/confirm');

  router.post('/carrier/owner', async (ctx) => {
    const { phone, name, idNumber } = bodyOf(ctx, ownerQuestion);
    const owner = world.byPhone(phone);
    const shown = owner && ownerOutcome(owner, phone);
    if (await troubled(ctx, world, 'carrier', shown)) return;
    const answer = () => {
      if (!owner || shown === 'unknown') return 'unknown';
      if (shown === 'other_owner') return 'other_owner';
      return owner.id_number === idNumber && sameName(owner.name, name) ? 'match' : 'other_owner';
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

/** A person's second number is always in order: it is the way out when the first is not. */
const ownerOutcome = (owner: Person, phone: string) =>
  localPhone(phone) === owner.phone ? owner.outcomes.carrier : undefined;
