/*
 * The verdict on an offline code, decided from what the verifier holds. Doors run it in the browser, the platform
 * runs the same file.
 */
import { importPoint, verifySign1 } from './cose.js';
import { toBase64Url } from './jws.js';
import { readOfflineCode } from './offline-code.js';

/** @import { webcrypto } from 'node:crypto' */

/** How old a code may be, and how far a phone's clock may be ahead, in seconds. */
export const PAST = 60;
export const FUTURE = 30;
/** From this age on the list of revoked codes is called old, and from that one it is no longer gone by. */
export const LIST_OLD = 15 * 60;
export const LIST_USELESS = 24 * 3600;

/**
 * @typedef {'valid' | 'wrong_colour' | 'expired' | 'early' | 'shown_before' | 'withdrawn' | 'wrong_nonce' |
 *   'unchecked' | 'unknown'} OfflineVerdict
 *
 * `early`: the phone's clock is ahead. `withdrawn`: taken back, mostly because the colour got worse. `wrong_nonce`: not an
 * answer to this gate's question. `unchecked`: genuine, but the list of what was taken back is missing or too old.
 */

/**
 * What a verifier holds.
 *
 * @typedef {object} Verifier
 * @property {ReadonlyMap<string, webcrypto.CryptoKey>} keys of the province, by `kid` (base64url).
 * @property {string} region whose codes count here.
 * @property {(status: number) => boolean | Promise<boolean>} revoked whether the attestation at this place was taken back.
 * @property {number | undefined} revokedAge how old that knowledge is, in seconds; undefined for none at all.
 * @property {number} now in seconds.
 * @property {string | undefined} [nonce] the question that this gate asked just now.
 * @property {(digest: string) => boolean | Promise<boolean>} first remembers a showing: whether it is the first one
 *   with this digest at this verifier. Asked last, so that a refused code is not used up.
 */

/**
 * @typedef {object} Checked
 * @property {OfflineVerdict} verdict
 * @property {import('./attestation.js').Attestation} [holder] for any code that is genuine.
 */

/**
 * @param {string} text what was scanned.
 * @param {Verifier} verifier
 * @returns {Promise<Checked>}
 */
export async function verifyOfflineCode(text, { keys, region, revoked, revokedAge, now, nonce, first }) {
  const code = readOfflineCode(text);
  const key = code && keys.get(toBase64Url(code.province.kid));
  if (!code || !key || !(await verifySign1(code.province.sign1, key))) return { verdict: 'unknown' };
  const { attestation: holder } = code.province;
  const deviceKey = await importPoint(holder.device);
  if (!deviceKey || !(await verifySign1(code.device, deviceKey))) return { verdict: 'unknown' };
  if (holder.region !== region) return { verdict: 'unknown' };

  if (now >= holder.exp || code.time < now - PAST) return { verdict: 'expired', holder };
  if (code.time > now + FUTURE) return { verdict: 'early', holder };
  if (code.nonce !== nonce) return { verdict: 'wrong_nonce', holder };
  if (await revoked(holder.status)) return { verdict: 'withdrawn', holder };
  if (revokedAge === undefined || revokedAge > LIST_USELESS) return { verdict: 'unchecked', holder };
  // Over what was signed, not over what was scanned: ECDSA signs the same thing in many ways.
  const digest = await crypto.subtle.digest('SHA-256', code.device.signed);
  if (!(await first(toBase64Url(new Uint8Array(digest))))) return { verdict: 'shown_before', holder };
  return { verdict: holder.colour === 'GREEN' ? 'valid' : 'wrong_colour', holder };
}
