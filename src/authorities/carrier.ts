import { z } from 'zod';
import { type AuthorityOptions, ask, at, type Fetch } from './ask.ts';

export interface CarrierAnswer {
  outcome: 'match' | 'other_owner' | 'unknown';
  reference: string;
  source: 'carrier';
}

/** The carriers' joint answer on who owns a mobile number and when its SIM last changed. */
export interface Carrier {
  /** @throws AuthorityUnavailable */
  owner(question: { phone: string; name: string; idNumber: string }): Promise<CarrierAnswer>;
  /**
   * When the SIM of `phone` last changed; `undefined` when the carrier knows of no change.
   * @throws AuthorityUnavailable
   */
  simChangedAt(phone: string): Promise<Date | undefined>;
}

const ownerAnswer = z.object({
  outcome: z.enum(['match', 'other_owner', 'unknown']),
  reference: z.string().min(1).max(128),
  source: z.literal('carrier'),
});
const simAnswer = z.object({ changedAt: z.iso.datetime({ offset: true }).nullable() });

/** @param baseUrl where `carrier/owner` and `carrier/sim` are. */
export function createCarrier(baseUrl: string, fetch: Fetch, options?: AuthorityOptions): Carrier {
  return {
    owner({ phone, name, idNumber }) {
      const url = at(baseUrl, 'carrier/owner');
      return ask(
        fetch,
        { kind: 'carrier', url, body: { phone, name, idNumber }, answer: ownerAnswer },
        options,
      );
    },
    async simChangedAt(phone) {
      const url = at(baseUrl, 'carrier/sim');
      const { changedAt } = await ask(
        fetch,
        { kind: 'carrier', url, body: { phone }, answer: simAnswer },
        options,
      );
      return changedAt === null ? undefined : new Date(changedAt);
    },
  };
}

export interface StayAnswer {
  outcome: 'yes' | 'no' | 'unknown';
  reference: string;
  source: 'carrier';
}

/** The carriers' answer to one question about a declared trip. They say yes or no and never where a phone was. */
export interface StayCarrier {
  /**
   * Whether `phone` was in a province on any of the days.
   *
   * @param question.province two digits of GB/T 2260: nothing finer is asked.
   * @param question.from civil days, inclusive: `2020-04-15`.
   * @throws AuthorityUnavailable
   */
  wasIn(question: { phone: string; province: string; from: string; to: string }): Promise<StayAnswer>;
}

const stayAnswer = z.object({
  outcome: z.enum(['yes', 'no', 'unknown']),
  reference: z.string().min(1).max(128),
  source: z.literal('carrier'),
});

/** @param baseUrl where `carrier/stay` is. */
export function createStayCarrier(baseUrl: string, fetch: Fetch, options?: AuthorityOptions): StayCarrier {
  const url = at(baseUrl, 'carrier/stay');
  return {
    wasIn: ({ phone, province, from, to }) =>
      ask(fetch, { kind: 'carrier', url, body: { phone, province, from, to }, answer: stayAnswer }, options),
  };
}
