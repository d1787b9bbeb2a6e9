/*
 * Compact JWS (RFC 7515) with ES256, as far as a door without network needs it: to check what it fetched.
 */

/** @import { webcrypto } from 'node:crypto' */

/** @param {string} text @returns {Uint8Array<ArrayBuffer>} */
export function fromBase64Url(text) {
  const binary = atob(text.replace(/-/g, '+').replace(/_/g, '/'));
  return Uint8Array.from(binary, (letter) => letter.charCodeAt(0));
}

/** @param {Uint8Array} bytes */
export function toBase64Url(bytes) {
  const binary = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
  return btoa(binary).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
}

/** @param {string} part */
const json = (part) => JSON.parse(new TextDecoder().decode(fromBase64Url(part)));

/**
 * @param {string} token
 * @param {string} typ what its header must say it is (RFC 8725 §3.11).
 * @param {ReadonlyMap<string, webcrypto.CryptoKey>} keys public keys by `kid`.
 * @returns {Promise<Record<string, unknown> | undefined>} its payload, or undefined when it is not genuine.
 */
export async function readJws(token, typ, keys) {
  try {
    const [head = '', body = '', signature = '', ...rest] = token.split('.');
    const header = json(head);
    const key = keys.get(header.kid);
    if (rest.length > 0 || header.alg !== 'ES256' || header.typ !== typ || header.crit || !key)
      return undefined;
    const signed = new TextEncoder().encode(`${head}.${body}`);
    const ecdsa = { name: 'ECDSA', hash: 'SHA-256' };
    const genuine = await crypto.subtle.verify(ecdsa, key, fromBase64Url(signature), signed);
    return genuine ? json(body) : undefined;
  } catch {
    return undefined;
  }
}
