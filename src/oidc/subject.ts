import { createHmac, hash, type KeyObject } from 'node:crypto';

/**
 * The pairwise subject (OpenID Connect Core 1.0 §8.1): a keyed hash of sector and account. The sector is
 * stored with the client, never derived from a URL, and the key is never rotated: a `sub` is for life.
 */
export const pairwiseSubject = (key: KeyObject, sector: string, accountId: string): string =>
  createHmac('sha256', key).update(`${sector}\n${accountId}`).digest('base64url');

/**
 * Identifiers of a client's grant and `sid` within one session. Being derived, they are the same for two
 * tabs that sign in to the same portal at once; with random ones the tokens of the slower tab would die,
 * because a session remembers one grant a client.
 */
export const grantIdOf = (sessionUid: string, clientId: string): string =>
  hash('sha256', `grant\n${sessionUid}\n${clientId}`, 'base64url');

export const sidOf = (sessionUid: string, clientId: string): string =>
  hash('sha256', `sid\n${sessionUid}\n${clientId}`, 'base64url').slice(0, 32);
