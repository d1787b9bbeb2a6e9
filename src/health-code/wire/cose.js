/*
 * COSE_Sign1 (RFC 9052 §4.2) with ES256 (RFC 9053 §2.1) and nothing else. WebCrypto's form of an ECDSA signature,
 * r and s side by side, is COSE's.
 */
import { decodeCbor, encodeCbor, tagSign1, untagSign1 } from './cbor.js';

/** @import { webcrypto } from 'node:crypto' */

const ALG = 1;
const KID = 4;
const ES256 = -7;
const ECDSA = { name: 'ECDSA', hash: 'SHA-256' };
const CURVE = { name: 'ECDSA', namedCurve: 'P-256' };
const SIGNATURE_BYTES = 64;
export const KID_BYTES = 8;
export const COORDINATE_BYTES = 32;

/** @typedef {{ x: Uint8Array<ArrayBuffer>, y: Uint8Array<ArrayBuffer> }} PublicPoint a point of P-256. */

/** @param {unknown} value @param {number} [length] @returns {value is Uint8Array<ArrayBuffer>} */
export const isBytes = (value, length) =>
  value instanceof Uint8Array && (length === undefined || value.length === length);

/** @param {Uint8Array} head @param {Uint8Array} payload */
const toBeSigned = (head, payload) => encodeCbor(['Signature1', head, new Uint8Array(0), payload]);

/**
 * @param {Uint8Array} payload
 * @param {webcrypto.CryptoKey} key
 * @param {Uint8Array} [kid] the name of the key, {@link KID_BYTES} long.
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
export async function writeSign1(payload, key, kid) {
  /** @type {Map<number, unknown>} */
  const header = new Map([[ALG, ES256]]);
  if (kid) header.set(KID, kid);
  const head = encodeCbor(header);
  const signature = await crypto.subtle.sign(ECDSA, key, toBeSigned(head, payload));
  return encodeCbor(tagSign1([head, new Map(), payload, new Uint8Array(signature)]));
}

/**
 * What a COSE_Sign1 says, not yet verified.
 *
 * @typedef {object} Sign1
 * @property {Uint8Array<ArrayBuffer> | undefined} kid
 * @property {Uint8Array<ArrayBuffer>} payload
 * @property {Uint8Array<ArrayBuffer>} signed what the signature is over.
 * @property {Uint8Array<ArrayBuffer>} signature
 */

/**
 * Anything unsigned but the signature is refused: it could be changed and the code shown again.
 *
 * @param {Uint8Array} bytes
 * @returns {Sign1 | undefined}
 */
export function readSign1(bytes) {
  const parts = untagSign1(decodeCbor(bytes));
  if (!Array.isArray(parts) || parts.length !== 4) return undefined;
  const [head, unprotected, payload, signature] = parts;
  if (!isBytes(head) || !isBytes(payload) || !isBytes(signature, SIGNATURE_BYTES)) return undefined;
  if (!(unprotected instanceof Map) || unprotected.size > 0) return undefined;
  const header = decodeCbor(head);
  if (!(header instanceof Map) || header.get(ALG) !== ES256) return undefined;
  const kid = header.get(KID);
  if (header.size !== (kid === undefined ? 1 : 2)) return undefined;
  if (kid !== undefined && !isBytes(kid, KID_BYTES)) return undefined;
  return { kid, payload, signed: toBeSigned(head, payload), signature };
}

/**
 * @param {Sign1} sign1
 * @param {webcrypto.CryptoKey} key
 * @returns {Promise<boolean>}
 */
export const verifySign1 = ({ signed, signature }, key) =>
  crypto.subtle.verify(ECDSA, key, signature, signed);

/**
 * @param {PublicPoint} point
 * @returns {Promise<webcrypto.CryptoKey | undefined>} undefined for what is no point of the curve.
 */
export async function importPoint({ x, y }) {
  const raw = new Uint8Array(1 + 2 * COORDINATE_BYTES);
  raw[0] = 4;
  raw.set(x, 1);
  raw.set(y, 1 + COORDINATE_BYTES);
  try {
    return await crypto.subtle.importKey('raw', raw, CURVE, true, ['verify']);
  } catch {
    return undefined;
  }
}

/**
 * @param {webcrypto.CryptoKey} key a public key that may be exported.
 * @returns {Promise<PublicPoint>}
 */
export async function exportPoint(key) {
  const raw = new Uint8Array(await crypto.subtle.exportKey('raw', key));
  return { x: raw.slice(1, 1 + COORDINATE_BYTES), y: raw.slice(1 + COORDINATE_BYTES) };
}

/** A new key pair of a device; its private half cannot be read out, not even by our own pages. */
export const newDeviceKey = () => crypto.subtle.generateKey(CURVE, false, ['sign', 'verify']);
