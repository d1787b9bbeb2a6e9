/*
 * Which attestations were taken back: Token Status Lists (IETF OAuth draft, "Status List Token in JWT format"), one
 * bit each, the least significant bit of a byte first. A list says nothing about whom its bits belong to.
 */
import { isWhole } from './attestation.js';
import { fromBase64Url, readJws, toBase64Url } from './jws.js';

/** @import { webcrypto } from 'node:crypto' */

export const STATUS_LIST_TYPE = 'statuslist+jwt';
/** Attestations that share one list. */
export const LIST_SIZE = 2 ** 20;

/** @param {number} status */
export const listOf = (status) => Math.floor(status / LIST_SIZE);

/**
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @param {CompressionStream | DecompressionStream} through
 */
async function pipe(bytes, through) {
  const stream = new Blob([bytes]).stream().pipeThrough(through);
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/**
 * @param {readonly number[]} revoked places within the list.
 * @returns {Promise<{ bits: 1, lst: string }>} the claim `status_list`.
 */
export async function packStatusList(revoked) {
  const bytes = new Uint8Array(LIST_SIZE / 8);
  for (const place of revoked) bytes[place >> 3] = (bytes[place >> 3] ?? 0) | (1 << (place & 7));
  return { bits: 1, lst: toBase64Url(await pipe(bytes, new CompressionStream('deflate'))) };
}

/**
 * A status list that was checked.
 *
 * @typedef {object} StatusList
 * @property {number} list its number.
 * @property {number} at when it was made, in seconds.
 * @property {Uint8Array} bytes
 */

/**
 * @param {string} token
 * @param {ReadonlyMap<string, webcrypto.CryptoKey>} keys the province's, by `kid`.
 * @returns {Promise<StatusList | undefined>} undefined for what the province did not sign.
 */
export async function readStatusList(token, keys) {
  const claims = await readJws(token, STATUS_LIST_TYPE, keys);
  const { sub, iat, status_list: packed } = claims ?? {};
  const [, number] = /\/status-lists\/(\d{1,9})$/.exec(String(sub)) ?? [];
  if (number === undefined || !isWhole(iat) || typeof packed !== 'object' || packed === null)
    return undefined;
  const { bits, lst } = /** @type {Record<string, unknown>} */ (packed);
  if (bits !== 1 || typeof lst !== 'string') return undefined;
  const bytes = await pipe(fromBase64Url(lst), new DecompressionStream('deflate'));
  return bytes.length === LIST_SIZE / 8 ? { list: Number(number), at: iat, bytes } : undefined;
}

/**
 * @param {readonly StatusList[]} lists
 * @param {number} status
 */
export function isRevoked(lists, status) {
  const list = lists.find((each) => each.list === listOf(status));
  const place = status % LIST_SIZE;
  return list !== undefined && ((list.bytes[place >> 3] ?? 0) & (1 << (place & 7))) !== 0;
}

/**
 * @param {readonly StatusList[]} lists
 * @param {number} now in seconds.
 * @returns {number | undefined} how old the oldest list is; undefined without any.
 */
export const listAge = (lists, now) =>
  lists.length === 0 ? undefined : Math.max(0, now - Math.min(...lists.map(({ at }) => at)));
