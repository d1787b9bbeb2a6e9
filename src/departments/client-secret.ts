import { hash, timingSafeEqual } from 'node:crypto';

const PREFIX = 'sha256:';
const digest = (secret: string): string => PREFIX + hash('sha256', secret, 'base64url');

/** What is stored of a client secret. Secrets are random, so a plain hash is enough. */
export const sealSecret = (secret: string): string => (secret.startsWith(PREFIX) ? secret : digest(secret));

/** Constant-time comparison of a presented secret with a stored one. */
export function secretMatches(stored: string, presented: string): boolean {
  const a = Buffer.from(stored);
  const b = Buffer.from(digest(presented));
  return a.length === b.length && timingSafeEqual(a, b);
}
