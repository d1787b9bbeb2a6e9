/*
 * The code that a phone shows without network (kind B): `HK2:` and a COSE_Sign1 of the phone's key over the time,
 * the question of the gate if it asked one, and the province's attestation of that key.
 */
import { isWhole, readAttestation } from './attestation.js';
import { decodeBase45, encodeBase45 } from './base45.js';
import { decodeCbor, encodeCbor } from './cbor.js';
import { isBytes, readSign1, writeSign1 } from './cose.js';

/** @import { webcrypto } from 'node:crypto' */

export const OFFLINE = 'HK2:';
/** A gate's question: eight digits, shown as a QR code or typed. */
export const QUESTION = 'HKN:';
const NONCE = /^\d{8}$/;

/** Issued at (RFC 8392) and nonce (RFC 9711), and a number of our own. */
const IAT = 6;
const EAT_NONCE = 10;
const ATTESTATION = -65538;
/** No QR code holds more; what is longer is not looked at. */
const LONGEST = 4296;

/**
 * @param {{ attestation: Uint8Array, time: number, nonce?: string | undefined }} shown `time` in seconds.
 * @param {webcrypto.CryptoKey} deviceKey
 * @returns {Promise<string>}
 */
export async function writeOfflineCode({ attestation, time, nonce }, deviceKey) {
  /** @type {Map<number, unknown>} */
  const claims = new Map([[IAT, time]]);
  if (nonce !== undefined) claims.set(EAT_NONCE, nonce);
  claims.set(ATTESTATION, attestation);
  return OFFLINE + encodeBase45(await writeSign1(encodeCbor(claims), deviceKey));
}

/**
 * @param {string} text
 * @returns what the code says, not yet verified; undefined for what is none.
 */
export function readOfflineCode(text) {
  if (!text.startsWith(OFFLINE) || text.length > LONGEST) return undefined;
  const bytes = decodeBase45(text.slice(OFFLINE.length));
  const sign1 = bytes && readSign1(bytes);
  if (!sign1 || sign1.kid) return undefined;
  const claims = decodeCbor(sign1.payload);
  if (!(claims instanceof Map)) return undefined;
  const time = claims.get(IAT);
  const nonce = claims.get(EAT_NONCE);
  const inner = claims.get(ATTESTATION);
  if (claims.size !== (nonce === undefined ? 2 : 3) || !isWhole(time) || !isBytes(inner)) return undefined;
  if (nonce !== undefined && !(typeof nonce === 'string' && NONCE.test(nonce))) return undefined;
  const province = readAttestation(inner);
  return province && { device: sign1, time, nonce: /** @type {string | undefined} */ (nonce), province };
}

/** A gate's question, to be shown once. */
export function newNonce() {
  const [number = 0] = crypto.getRandomValues(new Uint32Array(1));
  return String(number % 100_000_000).padStart(8, '0');
}

/**
 * The eight digits in what was scanned or typed, spaces and full-width digits allowed.
 *
 * @param {string} text
 * @returns {string | undefined}
 */
export function readNonce(text) {
  const plain = text.normalize('NFKC').replace(/\s/g, '').replace(QUESTION, '');
  return NONCE.test(plain) ? plain : undefined;
}
