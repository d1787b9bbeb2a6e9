import { createHmac, hash, type KeyObject } from 'node:crypto';

/**
 * The pairwise subject (OpenID Connect Core 1.0 §8.1): a keyed hash of sector and account. The sector is
 * stored with the client, never derived from a URL, and the key is never rotated: a `sub` is for life.
 */
const pairwiseSubject = (key: KeyObject, sector: string, accountId: string): string =>
  createHmac('sha256', key).update(`${sector}\n${accountId}`).digest('base64url');

const REMEMBERED = 10_000;

/** The same as a function of sector and account. It remembers the latest: a `sub` is asked for all day and never changes. */
export function pairwiseSubjects(key: KeyObject): (sector: string, accountId: string) => string {
  const known = new Map<string, string>();
  return (sector, accountId) => {
    const of = `${sector}\n${accountId}`;
    let subject = known.get(of);
    if (subject === undefined) {
      if (known.size >= REMEMBERED) known.clear();
      subject = pairwiseSubject(key, sector, accountId);
      known.set(of, subject);
    }
    return subject;
  };
}

/**
 * Identifiers of a client's grant and `sid` within one session. Being derived, they are the same for two
 * tabs that sign in to the same portal at once; with random ones the tokens of the slower tab would die,
 * because a session remembers one grant a client.
 */
export const grantIdOf = (sessionUid: string, clientId: string): string =>
  hash('sha256', `grant\n${sessionUid}\n${clientId}`, 'base64url');

export const sidOf = (sessionUid: string, clientId: string): string =>
  hash('sha256', `sid\n${sessionUid}\n${clientId}`, 'base64url').slice(0, 32);
