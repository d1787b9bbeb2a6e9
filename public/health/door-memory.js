// What a door keeps to check codes without network: the province's keys, the lists of withdrawn codes, and the
// showings that it has seen.
import { openStore } from './store.js';
import { importPoint } from './wire/cose.js';
import { fromBase64Url } from './wire/jws.js';
import { isRevoked, listAge, readStatusList } from './wire/status-list.js';
import { FUTURE, PAST, verifyOfflineCode } from './wire/verify.js';

const KNOWN = 'known';
const SHOWN = 'shown';
const store = await openStore('yimatong-door', [KNOWN, SHOWN]);

let trust;
let lists = [];

const keysOf = async ({ keys }) => {
  const imported = await Promise.all(
    keys.map(async ({ kid, x, y }) => [kid, await importPoint({ x: fromBase64Url(x), y: fromBase64Url(y) })]),
  );
  return new Map(imported.filter(([, key]) => key));
};

async function use(known) {
  trust = known && { ...known, imported: await keysOf(known) };
}

/** The platform's time in seconds, as far as this device has learned it. */
export const doorTime = () => (Date.now() + (trust?.offset ?? 0)) / 1000;

/** What was kept at the last visit. */
export async function recall() {
  await use(await store.get(KNOWN, 'trust'));
  lists = (await store.get(KNOWN, 'lists')) ?? [];
}

async function get(address) {
  const response = await fetch(address, { cache: 'no-store', signal: AbortSignal.timeout(8000) });
  if (!response.ok) throw new TypeError(`${address} answered ${response.status}`);
  return response;
}

/** Fetches keys and lists. Only what the province signed is kept. Throws when there is no network. */
export async function refresh() {
  const { keys, region, now } = await (await get('/health/trust')).json();
  const known = { keys, region, offset: now - Date.now() };
  await use(known);
  const { status_lists: addresses } = await (await get('/health/status-lists')).json();
  const fetched = await Promise.all(
    addresses.map(async (address) => {
      const response = await get(new URL(address).pathname);
      return readStatusList(await response.text(), trust.imported);
    }),
  );
  if (fetched.some((list) => list === undefined)) throw new TypeError('a status list is not genuine');
  lists = fetched;
  await store.put(KNOWN, 'trust', known);
  await store.put(KNOWN, 'lists', lists);
  for (const digest of await store.keys(SHOWN)) {
    if ((await store.get(SHOWN, digest)) < doorTime()) await store.remove(SHOWN, digest);
  }
}

/** Age in seconds of the oldest list; undefined without any. */
export const age = () => listAge(lists, Math.floor(doorTime()));

/**
 * The verdict on an offline code from what this device knows; undefined while it knows no key. `digest` names the
 * showing, where it has been remembered just now.
 */
export async function checkHere(code, nonce) {
  if (!trust) return undefined;
  let shown;
  const { verdict, holder } = await verifyOfflineCode(code, {
    keys: trust.imported,
    region: trust.region,
    revoked: (status) => isRevoked(lists, status),
    revokedAge: age(),
    now: Math.floor(doorTime()),
    nonce,
    async first(digest) {
      const first = await store.add(SHOWN, digest, doorTime() + PAST + FUTURE);
      if (first) shown = digest;
      return first;
    },
  });
  const known = holder && { colour: holder.colour, name: holder.name, last_two: holder.lastTwo };
  return { verdict, kind: 'offline', digest: shown, ...known };
}

/** Takes back that a showing was seen: nobody learned a verdict from it. */
export const forgetShowing = (digest) => store.remove(SHOWN, digest);

/** The name of the venue, for when the page comes from the device itself. */
export const rememberVenue = (name) => store.put(KNOWN, 'venue', name);
export const venueName = () => store.get(KNOWN, 'venue');
