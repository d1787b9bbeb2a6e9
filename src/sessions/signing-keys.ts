import { randomUUID } from 'node:crypto';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import { record } from '../audit/log.ts';
import type { Database, Queryable } from '../platform/database.ts';
import type { Cipher } from '../platform/field-encryption.ts';

const ALGORITHMS = ['ES256', 'RS256'] as const;
type Algorithm = (typeof ALGORITHMS)[number];

const PURPOSE = 'signing_key';

async function newKey(alg: Algorithm): Promise<JWK & { kid: string }> {
  const { privateKey } = await generateKeyPair(alg, { extractable: true, modulusLength: 2048 });
  return { ...(await exportJWK(privateKey)), kid: randomUUID(), alg, use: 'sig' };
}

async function store(tx: Queryable, cipher: Cipher, key: JWK & { kid: string }, position: number, now: Date) {
  await tx.query(
    'insert into signing_keys (kid, position, private_jwk, created_at) values ($1, $2, $3, $4)',
    [key.kid, position, cipher.sealShared(PURPOSE, key.kid, JSON.stringify(key)), now],
  );
  await note(tx, 'made', now);
}

const note = (tx: Queryable, step: 'made' | 'signs' | 'retired', at: Date) =>
  record(tx, { type: 'key.rotated', actor: 'system', detail: { key: 'signing', step }, at });

/** The private keys in use; the first of an algorithm signs. */
export async function readSigningKeys(db: Queryable, cipher: Cipher): Promise<JWK[]> {
  const rows = await db.query<{ kid: string; private_jwk: Buffer }>(
    'select kid, private_jwk from signing_keys where retired_at is null order by position, kid',
  );
  return rows.map(
    ({ kid, private_jwk: sealed }) => JSON.parse(cipher.unsealShared(PURPOSE, kid, sealed)) as JWK,
  );
}

/** Makes one key for each algorithm if there is none yet. Safe when several processes start at once. */
export async function ensureSigningKeys(db: Database, cipher: Cipher, now: Date): Promise<JWK[]> {
  await db.transaction(async (tx) => {
    await tx.query('lock table signing_keys in share row exclusive mode');
    const existing = await readSigningKeys(tx, cipher);
    for (const [index, alg] of ALGORITHMS.entries()) {
      if (existing.some((key) => key.alg === alg)) continue;
      await store(tx, cipher, await newKey(alg), 100 + index, now);
    }
  });
  return readSigningKeys(db, cipher);
}

/** First step of a rotation: a new key at the end, so that relying parties learn it before it signs. */
export async function appendSigningKey(
  db: Database,
  cipher: Cipher,
  alg: Algorithm,
  now: Date,
): Promise<string> {
  const key = await newKey(alg);
  await db.transaction((tx) => store(tx, cipher, key, 1000, now));
  return key.kid;
}

/** Second step, once caches of the published set have expired: the new key signs. */
export const promoteSigningKey = (db: Database, kid: string, now: Date): Promise<void> =>
  db.transaction(async (tx) => {
    const moved = await tx.query(
      `update signing_keys set position = (select min(position) - 1 from signing_keys) where kid = $1
       returning kid`,
      [kid],
    );
    if (moved.length > 0) await note(tx, 'signs', now);
  });

/** Last step, once nothing signed with the old key is valid any more. */
export const retireSigningKey = (db: Database, kid: string, now: Date): Promise<void> =>
  db.transaction(async (tx) => {
    const retired = await tx.query(
      'update signing_keys set retired_at = $2 where kid = $1 and retired_at is null returning kid',
      [kid, now],
    );
    if (retired.length > 0) await note(tx, 'retired', now);
  });
