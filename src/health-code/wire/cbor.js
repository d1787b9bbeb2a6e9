/*
 * CBOR (RFC 8949), in its one deterministic form (§4.2.1) and no other: what can be written in two ways could be
 * shown twice.
 */
import { decode, encode, rfc8949EncodeOptions, Tagged } from './cborg.js';

/** COSE_Sign1 (RFC 9052 §4.2). */
const SIGN1 = 18;

/**
 * @param {unknown} value numbers, texts, byte strings, arrays and maps; maps as `Map`.
 * @returns {Uint8Array<ArrayBuffer>}
 */
export const encodeCbor = (value) => encode(value, rfc8949EncodeOptions);

/** @param {unknown} value */
export const tagSign1 = (value) => new Tagged(SIGN1, value);

/**
 * @param {unknown} value
 * @returns {unknown} what the tag of COSE_Sign1 stands before, or undefined.
 */
export const untagSign1 = (value) =>
  value instanceof Tagged && value.tag === SIGN1 ? value.value : undefined;

const STRICT = {
  strict: true,
  useMaps: true,
  rejectDuplicateMapKeys: true,
  allowIndefinite: false,
  allowUndefined: false,
  allowInfinity: false,
  allowNaN: false,
  allowBigInt: false,
  tags: { [SIGN1]: Tagged.decoder(SIGN1) },
};

/**
 * @param {Uint8Array} bytes
 * @returns {unknown} the value, or undefined for bytes that are not deterministic CBOR.
 */
export function decodeCbor(bytes) {
  try {
    const value = decode(bytes, STRICT);
    const again = encodeCbor(value);
    return again.length === bytes.length && again.every((byte, i) => byte === bytes[i]) ? value : undefined;
  } catch {
    return undefined;
  }
}
