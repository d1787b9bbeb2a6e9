import type { CryptoKey, KeyObject } from 'jose';
import { jwtVerify } from 'jose';
import type { Database, Queryable } from '../platform/database.ts';
import type { StoredEvent } from './chain.ts';
import { EVENT_COLUMNS, GENESIS, linkHash } from './chain.ts';
import { HEAD_TYPE } from './seal.ts';

export type Breakage =
  | 'event_changed'
  | 'event_missing'
  | 'number_missing'
  | 'start_not_signed'
  | 'head_changed'
  | 'head_signature'
  | 'head_missing'
  | 'chain_shortened';

export interface Verdict {
  /** Numbers of the chain that were checked, first and last; 0 and 0 for an empty chain. */
  from: number;
  through: number;
  /** The first thing that is wrong, in the order of the chain. */
  broken: { seq: number; eventId: string | undefined; what: Breakage } | undefined;
  /** Events that no link holds yet, oldest first; `unsealedMore` counts the ones not listed. */
  unsealed: { id: string; type: string; at: Date }[];
  unsealedMore: number;
  /** The last signed head, to be kept outside and given to the next run as `known`. */
  head: { seq: number; hash: string } | undefined;
}

/** A link with its event, which may be gone, and its head, if one was signed there. */
interface Link extends Omit<StoredEvent, 'id'> {
  seq: number;
  event_id: string;
  hash: Buffer;
  id: string | null;
  jws: string | null;
  head_hash: Buffer | null;
}

type PublicKey = CryptoKey | KeyObject;

async function signed(jws: string, seq: number, hash: Buffer, keyOf: (kid: string) => PublicKey | undefined) {
  try {
    const { payload } = await jwtVerify(
      jws,
      (header) => {
        const key = keyOf(header.kid ?? '');
        if (!key) throw new Error('unknown key');
        return key;
      },
      { algorithms: ['ES256'], typ: HEAD_TYPE },
    );
    return payload.seq === seq && payload.hash === hash.toString('base64url');
  } catch {
    return false;
  }
}

/**
 * Walks the sealed chain from its oldest kept link, in one snapshot, and names the first thing wrong with it.
 *
 * @param options.keyOf finds the public key of a head by its `kid`.
 * @param options.known a head noted earlier, outside: the only thing that shows a chain cut off at its end.
 */
export async function verify(
  db: Database,
  options: {
    keyOf: (kid: string) => PublicKey | undefined;
    known?: { seq: number; hash: string } | undefined;
    batch?: number;
  },
): Promise<Verdict> {
  return db.transaction(async (tx) => {
    await tx.query('set transaction isolation level repeatable read, read only');
    const unsealed = await listUnsealed(tx);
    return { ...(await walk(tx, options)), ...unsealed };
  });
}

async function walk(
  db: Queryable,
  { keyOf, known, batch = 1_000 }: Parameters<typeof verify>[1],
): Promise<Omit<Verdict, 'unsealed' | 'unsealedMore'>> {
  const verdict: Awaited<ReturnType<typeof walk>> = {
    from: 0,
    through: 0,
    broken: undefined,
    head: undefined,
  };
  const fail = (seq: number, eventId: string | undefined, what: Breakage) => {
    verdict.broken = { seq, eventId, what };
    return verdict;
  };
  const [chain] = await db.query<{ seq: number; hash: Buffer; oldest: number | null }>(
    'select seq, hash, (select min(seq) from audit_links) as oldest from audit_chain where id = 1',
  );
  if (!chain) return fail(0, undefined, 'chain_shortened');

  // What was purged ended at a signed head, which stays: the rest hangs on it.
  const first = chain.oldest ?? chain.seq + 1;
  let hash: Buffer = GENESIS;
  if (first > 1) {
    const [anchor] = await db.query<{ hash: Buffer; jws: string }>(
      'select hash, jws from audit_heads where seq = $1',
      [first - 1],
    );
    if (!anchor || !(await signed(anchor.jws, first - 1, anchor.hash, keyOf))) {
      return fail(first, undefined, 'start_not_signed');
    }
    hash = anchor.hash;
    verdict.head = { seq: first - 1, hash: hash.toString('base64url') };
  }
  verdict.from = chain.oldest ?? 0;
  let seq = first - 1;
  for (;;) {
    const links = await db.query<Link>(
      `select l.seq, l.event_id, l.hash, h.jws, h.hash as head_hash, ${EVENT_COLUMNS}
       from audit_links l
       left join audit_events e on e.id = l.event_id
       left join audit_heads h on h.seq = l.seq
       where l.seq > $1 order by l.seq limit $2`,
      [seq, batch],
    );
    for (const link of links) {
      if (link.seq !== seq + 1) return fail(seq + 1, undefined, 'number_missing');
      if (link.id === null) return fail(link.seq, link.event_id, 'event_missing');
      seq = link.seq;
      hash = linkHash(hash, seq, { ...link, id: link.id });
      if (!hash.equals(link.hash)) return fail(seq, link.event_id, 'event_changed');
      if (known?.seq === seq && known.hash !== hash.toString('base64url')) {
        return fail(seq, link.event_id, 'event_changed');
      }
      if (link.jws === null || !link.head_hash) continue;
      if (!hash.equals(link.head_hash)) return fail(seq, link.event_id, 'head_changed');
      if (!(await signed(link.jws, seq, hash, keyOf))) return fail(seq, link.event_id, 'head_signature');
      verdict.head = { seq, hash: hash.toString('base64url') };
    }
    verdict.through = seq;
    if (links.length < batch) break;
  }
  const signedThrough = verdict.head?.seq ?? 0;
  if (seq < chain.seq || seq < (known?.seq ?? 0)) return fail(seq + 1, undefined, 'chain_shortened');
  if (seq > signedThrough) return fail(signedThrough + 1, undefined, 'head_missing');
  if (seq > chain.seq || !hash.equals(chain.hash)) return fail(seq, undefined, 'head_changed');
  return verdict;
}

async function listUnsealed(db: Queryable): Promise<Pick<Verdict, 'unsealed' | 'unsealedMore'>> {
  const rows = await db.query<{ id: string; type: string; at: Date; total: number }>(
    `select e.id, e.type, e.at, count(*) over () as total from audit_events e
     where not exists (select 1 from audit_links l where l.event_id = e.id)
     order by e.id limit 100`,
  );
  return {
    unsealed: rows.map(({ id, type, at }) => ({ id, type, at })),
    unsealedMore: (rows[0]?.total ?? 0) - rows.length,
  };
}
