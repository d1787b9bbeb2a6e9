/*
 * What a door's page says of a code: the device's own verdict, the platform's, or the words for having neither.
 */
import { OFFLINE } from './offline-code.js';

/**
 * A verdict as pages show it. `needs_network`: nobody could be asked. `off`: the platform checks no codes at all at
 * present. `too_many`: it takes no more tries for now.
 *
 * @typedef {{ verdict: string, colour?: string, name?: string, last_two?: string }} Said
 */

/**
 * @typedef {object} Asking
 * @property {string} code what was scanned or typed.
 * @property {string | undefined} nonce the question that this gate asked.
 * @property {(code: string) => Promise<(Said & { digest?: string }) | undefined>} here the device's own verdict on an
 *   offline code, with the digest of the showing where it was remembered; undefined while it knows no key.
 * @property {() => Promise<{ status: number, body: any }>} there asks the platform. Throws when there is no answer.
 * @property {(digest: string) => Promise<unknown>} forget that a showing was seen.
 */

/** Refused by the device, whatever the platform would say. */
const LEAVES_OPEN = ['valid', 'wrong_colour', 'unchecked', 'unknown'];

/**
 * @param {Asking} asking
 * @returns {Promise<{ said?: Said, answered?: boolean, signedOut?: true }>} `answered`: whether the platform gave a
 *   verdict; undefined when it was not asked. `signedOut`: the device is no longer one of a venue.
 */
export async function verdictAtDoor({ code, nonce, here, there, forget }) {
  const plain = code.trim().toUpperCase();
  const offline = plain.startsWith(OFFLINE);
  if (!offline && nonce !== undefined) return { said: { verdict: 'wrong_nonce' } };
  const own = offline ? await here(plain) : undefined;
  if (own && !LEAVES_OPEN.includes(own.verdict)) return { said: own };
  const { status, body } = await there().catch(() => ({ status: 0, body: undefined }));
  if (status === 200 && typeof body?.verdict === 'string') return { said: body, answered: true };

  const off = status === 404 && body?.error === 'health_off';
  // Whoever is sent away without a verdict may show the same code again.
  if ((off || status === 401) && own?.digest !== undefined) await forget(own.digest);
  if (off) return { said: { verdict: 'off' }, answered: true };
  if (status === 401) return { signedOut: true };
  return { said: own ?? { verdict: status === 429 ? 'too_many' : 'needs_network' }, answered: false };
}
