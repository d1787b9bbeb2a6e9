import { randomUUID } from 'node:crypto';
import type { Context } from 'koa';
import type { Outcomes, Person } from '../people/person.ts';

export const AUTHORITIES = [
  'police',
  'entry_exit',
  'carrier',
  'social_security_card',
  'bank_card',
  'face',
  'alipay',
  'live_face',
  'voiceprint',
  'video',
  'counter',
  'sms',
] as const;
export type Authority = (typeof AUTHORITIES)[number];
export type OutageMode = 'down' | 'slow' | 'off';

/** The world outside the platform: who lives in it and what is broken just now. All in memory. */
export interface World {
  readonly people: readonly Person[];
  readonly startedAt: Date;
  byDocument(idNumber: string): Person | undefined;
  byPhone(phone: string): Person | undefined;
  setOutage(authority: Authority, mode: OutageMode): void;
  outage(authority: Authority): OutageMode;
  /** Changes what one person shows from now on; `null` takes an outcome away. */
  setOutcomes(person: Person, outcomes: { [Key in keyof Outcomes]: Outcomes[Key] | null }): void;
}

export function createWorld(people: readonly Person[]): World {
  // Copied, so that a changed outcome stays in this world.
  const own = people.map((person) => ({ ...person, outcomes: { ...person.outcomes } }));
  const outages = new Map<Authority, OutageMode>();
  const documents = new Map(own.map((person) => [person.id_number, person]));
  const phones = new Map(
    own.flatMap((person) => [person.phone, ...(person.other_phones ?? [])].map((phone) => [phone, person])),
  );
  return {
    people: own,
    startedAt: new Date(),
    byDocument: (idNumber) =>
      documents.get(idNumber.toUpperCase()) ??
      own.find(({ outcomes }) => outcomes.renumbered_to === idNumber.toUpperCase()),
    byPhone: (phone) => phones.get(localPhone(phone)),
    setOutage: (authority, mode) => void outages.set(authority, mode),
    outage: (authority) => outages.get(authority) ?? 'off',
    setOutcomes(person, outcomes) {
      Object.assign(person.outcomes, outcomes);
      for (const [key, value] of Object.entries(outcomes)) {
        if (value === null) delete person.outcomes[key as keyof Outcomes];
      }
    },
  };
}

/** Names are compared as a clerk would: without regard to case and doubled spaces. */
export const sameName = (a: string, b: string): boolean => plain(a) === plain(b);
const plain = (name: string) => name.normalize('NFKC').trim().replace(/\s+/g, ' ').toUpperCase();

/** Outside the register a name or number from before a change is as good as the new one. */
export function isPerson(person: Person | undefined, name: string): person is Person {
  const { name: old, outcomes } = person ?? {};
  return [old, outcomes?.renamed_to].some((each) => each !== undefined && sameName(each, name));
}
export const hasNumber = ({ id_number, outcomes }: Person, idNumber: string): boolean =>
  id_number === idNumber || outcomes.renumbered_to === idNumber;

/** `+86 139…`, `0086139…` and `139…` are one number. */
export const localPhone = (phone: string): string =>
  phone.replace(/\D/g, '').replace(/^(?:00)?86(?=1\d{10}$)/, '');

/** An authority's own transaction id; the prefix tells a reader of logs whose it is. */
export const newReference = (authority: Authority): string => `${authority}-${randomUUID()}`;

/** Longer than any client waits (5 s); then the answer comes after all. */
const SLOW_MS = 15_000;

/**
 * Plays the failure that is due, if any: refuses with 503, or keeps the caller waiting until it hangs up.
 * @param outcome what the person asked about shows at this authority.
 */
export async function troubled(
  ctx: Context,
  world: World,
  authority: Authority,
  outcome: string | undefined,
): Promise<boolean> {
  const outage = world.outage(authority);
  if (outage === 'down' || outcome === 'down') {
    ctx.status = 503;
    ctx.body = { error: 'authority_down', authority };
    return true;
  }
  if (outage === 'slow' || outcome === 'slow') {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, SLOW_MS);
      ctx.res.once('close', () => {
        clearTimeout(timer);
        resolve();
      });
    });
    return ctx.res.destroyed;
  }
  return false;
}
