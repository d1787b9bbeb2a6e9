import type { CryptoKey, JWK, KeyObject } from 'jose';
import { importJWK, SignJWT } from 'jose';
import type { Database } from '../platform/database.ts';
import type { StoredEvent } from './chain.ts';
import { EVENT_COLUMNS, linkHash } from './chain.ts';

/** The key that signs heads: ES256, named so that `verify` finds its public half. */
export interface SealingKey {
  kid: string;
  key: CryptoKey | KeyObject;
  publicJwk: JWK;
}

/** Makes a sealing key of a private ES256 JWK (RFC 7518 §6.2). */
export async function sealingKeyOf(jwk: JWK & { kid: string }): Promise<SealingKey> {
  const { kid, kty = 'EC', crv, x, y } = jwk;
  const key = (await importJWK(jwk, 'ES256')) as CryptoKey;
  return { kid, key, publicJwk: { kty, crv, x, y } as JWK };
}

/** What a head says: the chain up to number `seq` hashes to `hash`. */
export const HEAD_TYPE = 'ymt-audit-head+jwt';

/**
 * Links waiting events into the chain and signs the new head, all in one transaction, so that a crash
 * leaves either none of it or all of it. Events are linked in the order in which the queue shows them, not
 * by their time: one that committed late is linked late.
 *
 * @param most how many events one call may link; call again while it returns that many.
 * @returns how many were linked; 0 too when another process is sealing.
 */
export async function seal(
  db: Database,
  { key, kid, publicJwk }: SealingKey,
  now: Date,
  most = 1_000,
): Promise<number> {
  return db.transaction(async (tx) => {
    const [chain] = await tx.query<{ seq: number; hash: Buffer }>(
      'select seq, hash from audit_chain where id = 1 for update skip locked',
    );
    if (!chain) return 0;
    const events = await tx.query<StoredEvent>(
      `with taken as (
         delete from audit_unsealed
         where event_id in (select event_id from audit_unsealed order by event_id limit $1)
         returning event_id
       )
       select ${EVENT_COLUMNS} from taken join audit_events e on e.id = taken.event_id order by e.id`,
      [most],
    );
    if (events.length === 0) return 0;
    let { seq, hash } = chain;
    const seqs: number[] = [];
    const ids: string[] = [];
    const hashes: Buffer[] = [];
    for (const event of events) {
      seq += 1;
      hash = linkHash(hash, seq, event);
      seqs.push(seq);
      ids.push(event.id);
      hashes.push(hash);
    }
    const jws = await new SignJWT({ seq, hash: hash.toString('base64url') })
      .setProtectedHeader({ alg: 'ES256', typ: HEAD_TYPE, kid })
      .setIssuedAt(now)
      .sign(key);
    await tx.query(
      `insert into audit_links (seq, event_id, hash, sealed_at)
       select seq, event_id, hash, $4 from unnest($1::bigint[], $2::uuid[], $3::bytea[]) as l (seq, event_id, hash)`,
      [seqs, ids, hashes, now],
    );
    await tx.query('insert into audit_heads (seq, hash, jws, sealed_at) values ($1, $2, $3, $4)', [
      seq,
      hash,
      jws,
      now,
    ]);
    await tx.query(
      'insert into audit_keys (kid, public_jwk, since) values ($1, $2, $3) on conflict (kid) do nothing',
      [kid, JSON.stringify(publicJwk), now],
    );
    await tx.query('update audit_chain set seq = $1, hash = $2 where id = 1', [seq, hash]);
    return events.length;
  });
}

/** Seals until nothing waits, for the scheduled job. Returns how many events were linked. */
export async function sealAll(db: Database, key: SealingKey, now: Date, batch = 1_000): Promise<number> {
  let total = 0;
  for (;;) {
    const linked = await seal(db, key, now, batch);
    total += linked;
    if (linked < batch) return total;
  }
}

/** How many events wait to be sealed, and since when: for the gauge that alarms when sealing stands still. */
export async function waiting(db: Database): Promise<{ count: number; oldestAt: Date | undefined }> {
  const [row] = await db.query<{ count: number; oldest: Date | null }>(
    'select count(*) as count, min(at) as oldest from audit_unsealed',
  );
  return { count: row?.count ?? 0, oldestAt: row?.oldest ?? undefined };
}
