import { Gauge, type Registry } from 'prom-client';
import type { Database, Queryable } from '../../platform/database.ts';

/** Whose rows these are. References are the client's own: two hospitals may both have a row "1". */
export interface Feed {
  clientId: string;
  source: string;
}

/**
 * Writes down that a feed has told us something, or that it is alive and has nothing to tell.
 *
 * @param told.watermark the newest fact among what it told, in milliseconds.
 */
export async function noteFreshness(
  tx: Queryable,
  { clientId, source }: Feed,
  told: { now: Date; watermark?: number | undefined; kept?: number; refused?: number },
): Promise<void> {
  const newest = told.watermark === undefined ? null : new Date(Math.min(told.watermark, told.now.getTime()));
  await tx.query(
    `insert into health_feeds as f (client_id, source, watermark, received_at, kept, refused)
     values ($1, $2, $3, $4, $5, $6)
     on conflict (client_id, source) do update set
       watermark = greatest(f.watermark, excluded.watermark),
       received_at = greatest(f.received_at, excluded.received_at),
       kept = f.kept + excluded.kept, refused = f.refused + excluded.refused`,
    [clientId, source, newest, told.now, told.kept ?? 0, told.refused ?? 0],
  );
  await tx.query(
    `insert into health_sources as h (source, watermark, received_at) values ($1, $2, $3)
     on conflict (source) do update set watermark = greatest(h.watermark, excluded.watermark)`,
    [source, newest, told.now],
  );
  await heedTheMostSilent(tx, source);
}

/**
 * A kind of source is as fresh as the feed that was silent for longest, so that no hospital hides the silence of
 * another one. The row of the kind is locked by now: what others commit meanwhile is seen by whoever comes last.
 */
async function heedTheMostSilent(tx: Queryable, source: string): Promise<void> {
  await tx.query(
    `update health_sources set received_at = f.received_at
     from (select min(received_at) as received_at from health_feeds where source = $1) f
     where health_sources.source = $1 and f.received_at is not null`,
    [source],
  );
}

/**
 * Forgets the feeds of programs that may not send any more: of them nothing is expected. What they said stays.
 *
 * @param maySend whether a program is registered as that kind of source.
 */
export async function forgetFeeds(
  db: Database,
  maySend: (clientId: string, source: string) => Promise<boolean>,
): Promise<void> {
  const feeds = await db.query<{ client_id: string; source: string }>(
    'select client_id, source from health_feeds order by source, client_id',
  );
  for (const { client_id: clientId, source } of feeds) {
    if (await maySend(clientId, source)) continue;
    await db.transaction(async (tx) => {
      await tx.query('delete from health_feeds where client_id = $1 and source = $2', [clientId, source]);
      await tx.query('select 1 from health_sources where source = $1 for update', [source]);
      await heedTheMostSilent(tx, source);
      await tx.query(
        `delete from health_sources where source = $1 and not exists (select from health_feeds where source = $1)`,
        [source],
      );
    });
  }
}

export interface FeedState {
  watermark: Date | undefined;
  receivedAt: Date;
  kept: number;
  refused: number;
}

/** What we have from a client as a source; undefined when it never sent anything. */
export async function readFeed(db: Queryable, { clientId, source }: Feed): Promise<FeedState | undefined> {
  const [row] = await db.query<{ watermark: Date | null; received_at: Date; kept: number; refused: number }>(
    'select watermark, received_at, kept, refused from health_feeds where client_id = $1 and source = $2',
    [clientId, source],
  );
  return (
    row && {
      watermark: row.watermark ?? undefined,
      receivedAt: row.received_at,
      kept: row.kept,
      refused: row.refused,
    }
  );
}

/** Reports when each feed was last heard of, for Prometheus: who is behind a `D901`. */
export function watchFeeds(registry: Registry, db: Queryable): void {
  new Gauge({
    name: 'health_feed_received_timestamp_seconds',
    help: 'When a client was last heard of as a source of health data',
    labelNames: ['source', 'client'],
    registers: [registry],
    async collect() {
      this.reset();
      const rows = await db.query<{ client_id: string; source: string; received_at: Date }>(
        'select client_id, source, received_at from health_feeds',
      );
      for (const { client_id: client, source, received_at } of rows)
        this.set({ source, client }, received_at.getTime() / 1_000);
    },
  });
}
