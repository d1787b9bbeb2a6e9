import type { Queryable } from '../../platform/database.ts';
import { staleSources } from '../facts.ts';
import type { Refusal } from './file.ts';
import { sourceOf } from './incoming.ts';
import type { Peer } from './peers.ts';

/** Why nothing more came of a peer: its platform did not answer as it should, or what it sent was refused. */
export type Trouble = Refusal | 'unreachable';

/** Keeps how an attempt to fetch from a peer ended. */
export async function recordContact(
  db: Queryable,
  { issuer, trouble, now }: { issuer: string; trouble: Trouble | undefined; now: Date },
): Promise<void> {
  const begun = trouble === undefined ? null : now;
  await db.query(
    `insert into health_peer_contacts as c (issuer, tried_at, reached_at, trouble, trouble_since)
     values ($1, $2, $3, $4, $5)
     on conflict (issuer) do update set tried_at = excluded.tried_at,
       reached_at = coalesce(excluded.reached_at, c.reached_at), trouble = excluded.trouble,
       trouble_since = case when excluded.trouble is not null then coalesce(c.trouble_since, excluded.trouble_since) end`,
    [issuer, now, trouble === undefined ? now : null, trouble ?? null, begun],
  );
}

/** Forgets what was expected of provinces that are no peers any more. What they said stays until they take it back. */
export async function forgetOthers(db: Queryable, issuers: readonly string[]): Promise<void> {
  await db.query(`delete from health_sources where source like 'peer:%' and source <> all ($1::text[])`, [
    issuers.map(sourceOf),
  ]);
  await db.query('delete from health_peer_contacts where issuer <> all ($1::text[])', [issuers]);
}

/** A province as the officers see it. */
export interface PeerState {
  issuer: string;
  name: string;
  /** Nothing was ever taken from it; nothing lately; or all is well. */
  freshness: 'never' | 'stale' | 'fresh';
  lastFile: { name: string; createdAt: Date; takenAt: Date; rows: number } | undefined;
  triedAt: Date | undefined;
  trouble: { reason: Trouble; since: Date } | undefined;
  /** What was refused, newest first. */
  refused: { name: string; reason: Refusal; firstAt: Date; lastAt: Date; times: number }[];
}

const REFUSED_SHOWN = 5;

/** How the exchange with each peer is, in the order of the configuration. */
export async function readPeerStates(db: Queryable, peers: Iterable<Peer>, now: Date): Promise<PeerState[]> {
  const states: PeerState[] = [];
  for (const { issuer, name } of peers) {
    const [file] = await db.query<{ name: string; created_at: Date; received_at: Date; row_count: number }>(
      `select name, created_at, received_at, row_count from health_peer_files
       where issuer = $1 and state = 'accepted' order by created_at desc, received_at desc limit 1`,
      [issuer],
    );
    const [contact] = await db.query<{ tried_at: Date; trouble: Trouble | null; trouble_since: Date | null }>(
      'select tried_at, trouble, trouble_since from health_peer_contacts where issuer = $1',
      [issuer],
    );
    const [source] = await db.query<{ received_at: Date }>(
      'select received_at from health_sources where source = $1',
      [sourceOf(issuer)],
    );
    const refused = await db.query<{
      name: string;
      reason: Refusal;
      received_at: Date;
      last_at: Date;
      times: number;
    }>(
      `select name, reason, received_at, last_at, times from health_peer_files
       where issuer = $1 and state = 'rejected' order by last_at desc, name limit $2`,
      [issuer, REFUSED_SHOWN],
    );
    const heard = source && [{ source: sourceOf(issuer), receivedAt: source.received_at.getTime() }];
    states.push({
      issuer,
      name,
      freshness: !heard ? 'never' : staleSources(heard, now.getTime()).length > 0 ? 'stale' : 'fresh',
      lastFile: file && {
        name: file.name,
        createdAt: file.created_at,
        takenAt: file.received_at,
        rows: file.row_count,
      },
      triedAt: contact?.tried_at,
      trouble:
        contact?.trouble && contact.trouble_since
          ? { reason: contact.trouble, since: contact.trouble_since }
          : undefined,
      refused: refused.map((row) => ({
        name: row.name,
        reason: row.reason,
        firstAt: row.received_at,
        lastAt: row.last_at,
        times: row.times,
      })),
    });
  }
  return states;
}
