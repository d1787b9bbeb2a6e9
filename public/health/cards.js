// What a phone keeps to show codes without network: a card for each person, renewed every hour with a new key.
import { post } from './page.js';
import { openStore } from './store.js';
import { exportPoint, newDeviceKey } from './wire/cose.js';
import { fromBase64Url, toBase64Url } from './wire/jws.js';
import { writeOfflineCode } from './wire/offline-code.js';

const DRAWER = 'cards';
const SELF = 'self';
const store = () => openStore('yimatong-health', [DRAWER]);

/** Whether this browser can keep a card at all: WebCrypto needs https. */
export const canKeep = () => Boolean(globalThis.indexedDB && globalThis.crypto?.subtle);

/** All cards of this phone. */
export const readCards = async () => (await store()).all(DRAWER);

export const forgetCards = async () => (await store()).clear(DRAWER);

/** Forgets the cards of anybody who used this phone before. */
export async function forgetOthers(owner) {
  const drawer = await store();
  for (const card of await drawer.all(DRAWER))
    if (card.owner !== owner) await drawer.remove(DRAWER, card.key);
}

/** The platform's time, as far as this phone has learned it. */
export const timeOf = (card) => Date.now() + card.offset;

/**
 * The card of a person, renewed when it is an hour old or its colour is no longer the one given. Without network the
 * old one stays.
 *
 * @param who the guardianship, or '' for oneself.
 * @param colour what the platform says now, where it is known.
 */
export async function renewCard(who, colour) {
  const drawer = await store();
  const key = who || SELF;
  const card = await drawer.get(DRAWER, key);
  const current = card && timeOf(card) < card.renewAt && (!colour || card.colour === colour);
  if (current) return card;
  const pair = await newDeviceKey();
  const { x, y } = await exportPoint(pair.publicKey);
  const asked = { key: { x: toBase64Url(x), y: toBase64Url(y) }, ...(who && { for: who }) };
  let answer;
  try {
    answer = await post('/health/code/attestation', asked);
  } catch {
    return card;
  }
  const { status, body } = answer;
  // No longer a colour, or no longer somebody one acts for.
  if (status === 404 || status === 409) await drawer.remove(DRAWER, key);
  if (status !== 200) return status === 401 ? card : undefined;
  const fresh = {
    key,
    who,
    owner: body.owner,
    name: body.name,
    lastTwo: body.last_two,
    colour: body.colour,
    attestation: fromBase64Url(body.attestation),
    expiresAt: body.expires_at,
    renewAt: body.renew_at,
    offset: body.now - Date.now(),
    privateKey: pair.privateKey,
  };
  await drawer.put(DRAWER, key, fresh);
  return fresh;
}

/** A code of this moment. @param nonce a gate's question. */
export const codeOf = (card, nonce) =>
  writeOfflineCode(
    { attestation: card.attestation, time: Math.floor(timeOf(card) / 1000), nonce },
    card.privateKey,
  );
