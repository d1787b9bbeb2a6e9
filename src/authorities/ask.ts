import type { z } from 'zod';

/** The kinds of outside sources of truth, as they appear in errors, metrics and the log. */
export type AuthorityKind =
  | 'police'
  | 'entry_exit'
  | 'carrier'
  | 'social_security_card'
  | 'bank_card'
  | 'face'
  | 'alipay'
  | 'live_face'
  | 'voiceprint'
  | 'video'
  | 'counter'
  | 'sms';

/** The part of `fetch` that the clients use; passed in by `main.ts`. */
export type Fetch = (url: string, init?: RequestInit) => Promise<Response>;

export interface AuthorityOptions {
  /** Milliseconds until a silent authority counts as unavailable. */
  timeoutMs?: number;
  /** Told of each question that got no answer, for the operator: whoever asked only offers to try again. */
  onUnavailable?: (error: AuthorityUnavailable) => void;
}

export const AUTHORITY_TIMEOUT_MS = 5_000;

/**
 * The authority did not answer in time, refused, or answered something that is not in its contract. It says
 * nothing about the person: whoever catches this offers to try again, and never treats it as a mismatch.
 */
export class AuthorityUnavailable extends Error {
  override readonly name = 'AuthorityUnavailable';
  readonly kind: AuthorityKind;

  constructor(kind: AuthorityKind, options?: ErrorOptions) {
    super(`authority unavailable: ${kind}`, options);
    this.kind = kind;
  }
}

export interface Question<Answer> {
  kind: AuthorityKind;
  url: string;
  /** Sent as JSON. Personal data travels in the body only, because URLs end in logs. */
  body: Record<string, unknown>;
  answer: z.ZodType<Answer>;
}

/**
 * Asks one question over HTTP and returns the checked answer.
 *
 * @throws AuthorityUnavailable on time-out, refused connection, any status but 2xx, or an answer that does
 * not fit its schema. The cause is kept for the log and holds no personal data.
 */
export async function ask<Answer>(
  fetch: Fetch,
  { kind, url, body, answer }: Question<Answer>,
  { timeoutMs = AUTHORITY_TIMEOUT_MS, onUnavailable }: AuthorityOptions = {},
): Promise<Answer> {
  const unavailable = (cause: unknown) => {
    const error = new AuthorityUnavailable(kind, { cause });
    onUnavailable?.(error);
    return error;
  };
  let received: unknown;
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify(body),
      redirect: 'error',
      // Covers the reading of the body too, so that a slow trickle is no way around it.
      signal: AbortSignal.timeout(timeoutMs),
    });
    if (!response.ok) {
      await response.body?.cancel();
      throw new Error(`status ${response.status}`);
    }
    received = await response.json();
  } catch (cause) {
    throw unavailable(cause);
  }
  const parsed = answer.safeParse(received);
  if (parsed.success) return parsed.data;
  // zod's messages quote no values, but its `input` would: only the paths and our own words are kept.
  const where = parsed.error.issues
    .map(
      ({ path, code, message }) =>
        `${path.join('.') || '(whole answer)'}${code === 'custom' ? `: ${message}` : ''}`,
    )
    .join(', ');
  throw unavailable(new Error(`answer does not fit its schema at ${where}`));
}

/** `baseUrl` with exactly one slash before `path`. */
export const at = (baseUrl: string, path: string): string => `${baseUrl.replace(/\/+$/, '')}/${path}`;
