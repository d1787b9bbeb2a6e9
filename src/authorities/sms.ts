import { z } from 'zod';
import { type AuthorityOptions, ask, at, type Fetch } from './ask.ts';

/** The gateway that carries text messages. */
export interface SmsGateway {
  /** Resolves when the gateway has taken the message over. @throws AuthorityUnavailable */
  send(message: { to: string; text: string }): Promise<{ reference: string }>;
}

const answer = z.object({ reference: z.string().min(1).max(128) });

/** @param baseUrl where `sms/send` is. */
export function createSmsGateway(baseUrl: string, fetch: Fetch, options?: AuthorityOptions): SmsGateway {
  return {
    send({ to, text }) {
      return ask(fetch, { kind: 'sms', url: at(baseUrl, 'sms/send'), body: { to, text }, answer }, options);
    },
  };
}
