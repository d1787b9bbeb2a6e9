import { z } from 'zod';
import { type AuthorityOptions, ask, at, type Fetch } from './ask.ts';

export const REDIRECT_CHECKS = ['face', 'alipay', 'live_face', 'voiceprint', 'video', 'counter'] as const;
export type RedirectCheckKind = (typeof REDIRECT_CHECKS)[number];

export interface RedirectCheckStart {
  kind: RedirectCheckKind;
  /** What the authority's page tells the person that the check is for: a link to it may have been passed on. */
  purpose: 'raise_level' | 'recovery' | 'registration';
  name: string;
  idNumber: string;
  /** Absolute URL the browser comes back to, with `state` and `reference` added to its query. */
  returnTo: string;
  /** Opaque; comes back as it was. */
  state: string;
}

export interface RedirectCheckResult {
  outcome: 'passed' | 'failed' | 'pending' | 'cancelled';
  /** The authority's own word for why it failed, such as `not_alike` or `unknown_reference`. */
  reason?: string;
  /** Whom the authority looked at. Empty when it knows no such reference. Compare both with the citizen. */
  name: string;
  idNumber: string;
  decidedAt: Date | undefined;
  /** Whether the person was there, live, when it was decided (for video: the call was still on). */
  live: boolean;
  reference: string;
  source: string;
}

/** Checks that happen on the authority's own pages, or at its counter: the browser goes there and comes back. */
export interface RedirectCheck {
  /** @throws AuthorityUnavailable */
  start(question: RedirectCheckStart): Promise<{ reference: string; redirectTo: string }>;
  /**
   * Asked from server to server; what the browser brought back proves nothing.
   * @throws AuthorityUnavailable
   */
  result(kind: RedirectCheckKind, reference: string): Promise<RedirectCheckResult>;
}

const reference = z.string().min(1).max(128);
const startedOn = (pages: readonly string[]) =>
  z.object({
    reference,
    redirectTo: z
      .url({ protocol: /^https?$/ })
      .refine((page) => pages.includes(new URL(page).origin), { error: 'not on an origin of CHECK_ORIGINS' }),
  });
const result = z.object({
  outcome: z.enum(['passed', 'failed', 'pending', 'cancelled']),
  reason: z.string().max(64).optional(),
  name: z.string(),
  idNumber: z.string(),
  decidedAt: z.iso
    .datetime({ offset: true })
    .nullable()
    .transform((text) => (text === null ? undefined : new Date(text))),
  live: z.boolean(),
  reference,
  source: z.string().min(1).max(64),
});

/**
 * @param baseUrl where `checks/<kind>/start` and `checks/<kind>/result` are.
 * @param pages origins that a check may send the browser to. Our pages allow no others in `form-action`, so that a
 *   check that leads elsewhere counts as not reached instead of ending in a button that does nothing.
 */
export function createRedirectCheck(
  baseUrl: string,
  fetch: Fetch,
  pages: readonly string[],
  options?: AuthorityOptions,
): RedirectCheck {
  const started = startedOn(pages);
  return {
    start({ kind, ...body }) {
      const url = at(baseUrl, `checks/${kind}/start`);
      return ask(fetch, { kind, url, body, answer: started }, options);
    },
    result(kind, reference) {
      const url = at(baseUrl, `checks/${kind}/result`);
      return ask(fetch, { kind, url, body: { reference }, answer: result }, options);
    },
  };
}
