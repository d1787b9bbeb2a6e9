import { z } from 'zod';
import { type AuthorityOptions, ask, at, type Fetch } from './ask.ts';

export interface CardAnswer {
  /** `blocked`: the card is this person's, but reported lost or suspended. */
  outcome: 'match' | 'mismatch' | 'blocked';
  reference: string;
  source: 'social_security' | 'bank';
}

/** Issuers of cards: the social security card centre, and the banks' four-element check. */
export interface Cards {
  /** @throws AuthorityUnavailable */
  socialSecurity(question: { name: string; idNumber: string; cardNumber: string }): Promise<CardAnswer>;
  /** Four elements: name, ID number, card number and the phone left with the bank. @throws AuthorityUnavailable */
  bank(question: { name: string; idNumber: string; cardNumber: string; phone: string }): Promise<CardAnswer>;
}

const answer = z.object({
  outcome: z.enum(['match', 'mismatch', 'blocked']),
  reference: z.string().min(1).max(128),
  source: z.enum(['social_security', 'bank']),
});

/** @param baseUrl where `cards/social-security` and `cards/bank` are. */
export function createCards(baseUrl: string, fetch: Fetch, options?: AuthorityOptions): Cards {
  return {
    socialSecurity({ name, idNumber, cardNumber }) {
      const url = at(baseUrl, 'cards/social-security');
      const body = { name, idNumber, cardNumber };
      return ask(fetch, { kind: 'social_security_card', url, body, answer }, options);
    },
    bank({ name, idNumber, cardNumber, phone }) {
      const url = at(baseUrl, 'cards/bank');
      const body = { name, idNumber, cardNumber, phone };
      return ask(fetch, { kind: 'bank_card', url, body, answer }, options);
    },
  };
}
