/*
 * What the province states about a holder for at most a day: a CWT (RFC 8392) bound to a key of the phone
 * (RFC 8747). The masked name and the last two digits are in it because every verdict shows them and a door without
 * network has no other place to get them from.
 */
import { decodeCbor, encodeCbor } from './cbor.js';
import { COORDINATE_BYTES, isBytes, readSign1, writeSign1 } from './cose.js';

/** @import { webcrypto } from 'node:crypto' */

const EXP = 4;
const CNF = 8;
const HOLDER = -65537;
/** COSE_Key (RFC 9053 §7.1). */
const KTY = 1;
const CRV = -1;
const X = -2;
const Y = -3;
const EC2 = 2;
const P256 = 1;

/** Colours by the number that stands in a code. Never reorder. */
export const COLOURS = /** @type {const} */ (['GREEN', 'YELLOW', 'RED']);
/** @typedef {(typeof COLOURS)[number]} Colour */

const NAME_LONGEST = 32;
const LAST_TWO = /^[0-9A-Z]{2}$/;
const REGION_LARGEST = 999_999;

/**
 * @typedef {object} Attestation
 * @property {Colour} colour
 * @property {string} region administrative division, six digits.
 * @property {number} exp in seconds since 1970.
 * @property {number} status its place in the status lists.
 * @property {string} name masked.
 * @property {string} lastTwo of the document number.
 * @property {import('./cose.js').PublicPoint} device
 */

/**
 * @param {Attestation} attestation
 * @param {{ key: webcrypto.CryptoKey, kid: Uint8Array }} province
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
export function writeAttestation({ colour, region, exp, status, name, lastTwo, device }, { key, kid }) {
  const cose = new Map(
    /** @type {[number, unknown][]} */ ([
      [KTY, EC2],
      [CRV, P256],
      [X, device.x],
      [Y, device.y],
    ]),
  );
  const claims = new Map(
    /** @type {[number, unknown][]} */ ([
      [EXP, exp],
      [CNF, new Map([[1, cose]])],
      [HOLDER, [COLOURS.indexOf(colour), Number(region), status, name, lastTwo]],
    ]),
  );
  return writeSign1(encodeCbor(claims), key, kid);
}

/**
 * @param {Uint8Array} bytes
 * @returns {{ sign1: import('./cose.js').Sign1, kid: Uint8Array<ArrayBuffer>, attestation: Attestation } | undefined}
 *   what it says, not yet verified.
 */
export function readAttestation(bytes) {
  const sign1 = readSign1(bytes);
  if (!sign1?.kid) return undefined;
  const claims = decodeCbor(sign1.payload);
  if (!(claims instanceof Map) || claims.size !== 3) return undefined;
  const exp = claims.get(EXP);
  const holder = claims.get(HOLDER);
  const device = pointOf(claims.get(CNF));
  if (!isWhole(exp) || !device || !Array.isArray(holder) || holder.length !== 5) return undefined;
  const [number, region, status, name, lastTwo] = holder;
  const colour = isWhole(number) ? COLOURS[number] : undefined;
  if (!colour || !isWhole(region) || region > REGION_LARGEST || !isWhole(status)) return undefined;
  if (typeof name !== 'string' || name.length > NAME_LONGEST) return undefined;
  if (typeof lastTwo !== 'string' || !LAST_TWO.test(lastTwo)) return undefined;
  const attestation = { colour, region: String(region).padStart(6, '0'), exp, status, name, lastTwo, device };
  return { sign1, kid: sign1.kid, attestation };
}

/** @param {unknown} value @returns {value is number} */
export const isWhole = (value) => Number.isSafeInteger(value) && /** @type {number} */ (value) >= 0;

/**
 * @param {unknown} cnf
 * @returns {import('./cose.js').PublicPoint | undefined}
 */
function pointOf(cnf) {
  const key = cnf instanceof Map && cnf.size === 1 ? cnf.get(1) : undefined;
  if (!(key instanceof Map) || key.size !== 4 || key.get(KTY) !== EC2 || key.get(CRV) !== P256)
    return undefined;
  const x = key.get(X);
  const y = key.get(Y);
  return isBytes(x, COORDINATE_BYTES) && isBytes(y, COORDINATE_BYTES) ? { x, y } : undefined;
}
