import type { Database, Queryable } from '../../platform/database.ts';
import { newId } from '../../platform/id.ts';
import type { Feed } from './feeds.ts';
import { collectionSettings } from './settings.ts';

/** The answer that was given to a batch: its last line, and the lines it refused. */
export interface BatchAnswer {
  rows: number;
  kept: number;
  refused: number;
  changed: number;
  watermark: string | undefined;
  refusals: { line: number; reason: string; field?: string | undefined }[];
}

export type Claim =
  | { state: 'ours'; holder: string }
  /** Somebody is loading the same batch at this moment. */
  | { state: 'running' }
  | { state: 'done'; digest: Buffer; answer: BatchAnswer };

interface Row {
  holder: string;
  finished_at: Date | null;
  digest: Buffer | null;
  answer: BatchAnswer | null;
}

/**
 * Takes a batch up under the key that its sender gave it. Of any number of requests at once one gets it; what
 * a dead process left is taken over.
 */
export async function claimBatch(
  db: Queryable,
  { clientId, source }: Feed,
  key: string,
  now: Date,
): Promise<Claim> {
  const holder = newId();
  const silentSince = new Date(now.getTime() - collectionSettings.takeOverSeconds * 1_000);
  const [row] = await db.query<Row>(
    `insert into health_batches as b (client_id, source, key, holder, seen_at) values ($1, $2, $3, $4, $5)
     on conflict (client_id, source, key) do update set
       holder = case when b.finished_at is null and b.seen_at < $6 then excluded.holder else b.holder end,
       seen_at = case when b.finished_at is null and b.seen_at < $6 then excluded.seen_at else b.seen_at end
     returning holder, finished_at, digest, answer`,
    [clientId, source, key, holder, now, silentSince],
  );
  if (row?.finished_at && row.digest && row.answer) {
    return { state: 'done', digest: row.digest, answer: row.answer };
  }
  return row?.holder === holder ? { state: 'ours', holder } : { state: 'running' };
}

/** The same, waiting a little for whoever loads the same batch at this moment. */
export async function awaitBatch(
  db: Database,
  feed: Feed,
  key: string,
  clock: () => Date,
  waitMs = collectionSettings.waitSeconds * 1_000,
): Promise<Claim> {
  const STEP_MS = 100;
  for (let waited = 0; ; waited += STEP_MS) {
    const claim = await claimBatch(db, feed, key, clock());
    if (claim.state !== 'running' || waited >= waitMs) return claim;
    await new Promise((resolve) => setTimeout(resolve, STEP_MS));
  }
}

/** Says that the batch is still being worked on. */
export async function keepBatch(
  db: Queryable,
  { clientId, source }: Feed,
  { key, holder, now }: { key: string; holder: string; now: Date },
): Promise<void> {
  await db.query(
    `update health_batches set seen_at = $5
     where client_id = $1 and source = $2 and key = $3 and holder = $4 and finished_at is null`,
    [clientId, source, key, holder, now],
  );
}

/** Keeps the answer, for whoever sends the same batch again. */
export async function finishBatch(
  db: Queryable,
  { clientId, source }: Feed,
  done: { key: string; holder: string; digest: Buffer; answer: BatchAnswer; now: Date },
): Promise<void> {
  await db.query(
    `update health_batches set finished_at = $5, seen_at = $5, digest = $6, answer = $7
     where client_id = $1 and source = $2 and key = $3 and holder = $4 and finished_at is null`,
    [clientId, source, done.key, done.holder, done.now, done.digest, JSON.stringify(done.answer)],
  );
}

/** Gives a batch up, so that it can be sent again at once. */
export async function dropBatch(
  db: Queryable,
  { clientId, source }: Feed,
  { key, holder }: { key: string; holder: string },
): Promise<void> {
  await db.query(
    `delete from health_batches
     where client_id = $1 and source = $2 and key = $3 and holder = $4 and finished_at is null`,
    [clientId, source, key, holder],
  );
}
