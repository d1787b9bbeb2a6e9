import { randomBytes } from 'node:crypto';
import { type CryptoKey, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose';
import type { Database, Queryable } from '../../platform/database.ts';
import type { Cipher } from '../../platform/field-encryption.ts';
import { KID_BYTES } from '../wire/cose.js';

/*
 * The keys under which the province signs attestations and status lists: of their own, because doors keep them for
 * a day and longer, and because what signs a login must not sign a health code.
 */

const PURPOSE = 'health_key';
/** Longer than doors may go without fetching the keys anew. */
const ANNOUNCED_MS = 2 * 86_400_000;
/** Keys change four times a year. */
const SIGNS_MS = 90 * 86_400_000;
/** Longer than anything signed is valid. */
const KEPT_MS = 2 * 86_400_000;
/** Keys are among the few things that a process may remember. */
const REMEMBERED_MS = 5_000;

type PrivateKey = JWK & { kid: string };

interface Stored {
  jwk: PrivateKey;
  signsFrom: Date;
}

/** A public key as doors fetch it. `kid` is base64url, as are the coordinates. */
export interface TrustedKey {
  kid: string;
  x: string;
  y: string;
}

export interface HealthKeys {
  /** The key that signs at `now`, made when there is none yet. */
  signer(now: Date): Promise<{ key: CryptoKey; kid: string }>;
  /** All keys that a door may meet: those that signed lately, the one that signs, the one that will. */
  trusted(now: Date): Promise<TrustedKey[]>;
}

async function readKeys(db: Queryable, cipher: Cipher): Promise<Stored[]> {
  const rows = await db.query<{ kid: string; private_jwk: Buffer; signs_from: Date }>(
    'select kid, private_jwk, signs_from from health_keys order by signs_from, kid',
  );
  return rows.map((row) => ({
    jwk: JSON.parse(cipher.unsealShared(PURPOSE, row.kid, row.private_jwk)) as PrivateKey,
    signsFrom: row.signs_from,
  }));
}

async function addKey(tx: Queryable, cipher: Cipher, signsFrom: Date): Promise<void> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  const kid = randomBytes(KID_BYTES).toString('base64url');
  const jwk = JSON.stringify({ ...(await exportJWK(privateKey)), kid, alg: 'ES256' });
  await tx.query('insert into health_keys (kid, private_jwk, signs_from) values ($1, $2, $3)', [
    kid,
    cipher.sealShared(PURPOSE, kid, jwk),
    signsFrom,
  ]);
}

const inForce = (keys: readonly Stored[], now: Date) =>
  keys.filter(({ signsFrom }) => signsFrom <= now).at(-1);

/**
 * Makes the first key, announces the next one before the present one is old, and forgets those whose signatures
 * have all ended. Safe when several processes do it at once.
 */
export async function tendHealthKeys(db: Database, cipher: Cipher, now: Date): Promise<void> {
  await db.transaction(async (tx) => {
    await tx.query('lock table health_keys in share row exclusive mode');
    const keys = await readKeys(tx, cipher);
    const current = inForce(keys, now);
    if (!current) return addKey(tx, cipher, now);
    const next = keys.at(-1)!;
    const due = current.signsFrom.getTime() + SIGNS_MS - ANNOUNCED_MS;
    if (next === current && now.getTime() >= due)
      await addKey(tx, cipher, new Date(now.getTime() + ANNOUNCED_MS));
    if (now.getTime() - current.signsFrom.getTime() > KEPT_MS)
      await tx.query('delete from health_keys where signs_from < $1', [current.signsFrom]);
  });
}

/** The health keys of a process, read again every few seconds. */
export function openHealthKeys(db: Database, cipher: Cipher): HealthKeys {
  let kept: { keys: Stored[]; until: number } | undefined;
  const imported = new Map<string, CryptoKey>();

  async function keysAt(now: Date): Promise<Stored[]> {
    const time = performance.now();
    if (kept && kept.until > time && inForce(kept.keys, now)) return kept.keys;
    let keys = await readKeys(db, cipher);
    if (!inForce(keys, now)) {
      await tendHealthKeys(db, cipher, now);
      keys = await readKeys(db, cipher);
    }
    kept = { keys, until: time + REMEMBERED_MS };
    return keys;
  }

  return {
    async signer(now) {
      const { jwk } = inForce(await keysAt(now), now)!;
      let key = imported.get(jwk.kid);
      if (!key) {
        key = (await importJWK(jwk, 'ES256')) as CryptoKey;
        imported.set(jwk.kid, key);
      }
      return { key, kid: jwk.kid };
    },
    trusted: async (now) =>
      (await keysAt(now)).map(({ jwk }) => ({ kid: jwk.kid, x: jwk.x ?? '', y: jwk.y ?? '' })),
  };
}
