/*
 * Base45 (RFC 9285): bytes in the 45 characters that a QR code packs most densely as text.
 */

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:';
const VALUES = new Map(Array.from(ALPHABET, (letter, value) => [letter, value]));

/**
 * @param {Uint8Array} bytes
 * @returns {string}
 */
export function encodeBase45(bytes) {
  let text = '';
  for (let i = 0; i < bytes.length; i += 2) {
    const pair = i + 1 < bytes.length;
    let rest = pair
      ? /** @type {number} */ (bytes[i]) * 256 + /** @type {number} */ (bytes[i + 1])
      : bytes[i];
    for (let letters = pair ? 3 : 2; letters > 0; letters -= 1) {
      text += ALPHABET[/** @type {number} */ (rest) % 45];
      rest = Math.floor(/** @type {number} */ (rest) / 45);
    }
  }
  return text;
}

/**
 * The bytes of a Base45 text, or undefined for what no bytes encode to: another character, a letter left
 * over, a group beyond its largest value (RFC 9285 §6 asks decoders to refuse all three).
 *
 * @param {string} text
 * @returns {Uint8Array<ArrayBuffer> | undefined}
 */
export function decodeBase45(text) {
  if (text.length % 3 === 1) return undefined;
  const bytes = new Uint8Array(Math.floor(text.length / 3) * 2 + (text.length % 3 === 2 ? 1 : 0));
  for (let from = 0, to = 0; from < text.length; from += 3) {
    const group = text.slice(from, from + 3);
    let value = 0;
    for (let i = group.length - 1; i >= 0; i -= 1) {
      const digit = VALUES.get(/** @type {string} */ (group[i]));
      if (digit === undefined) return undefined;
      value = value * 45 + digit;
    }
    if (value > (group.length === 3 ? 0xffff : 0xff)) return undefined;
    if (group.length === 3) bytes[to++] = value >> 8;
    bytes[to++] = value & 0xff;
  }
  return bytes;
}
