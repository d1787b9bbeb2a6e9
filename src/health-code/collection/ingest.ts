import { createHash } from 'node:crypto';
import type { Clock } from '../../platform/clock.ts';
import type { Database } from '../../platform/database.ts';
import type { Cipher } from '../../platform/field-encryption.ts';
import { rulesOfStorage } from '../rules-in-force.ts';
import { addRow, type Chunk, chunkSize, emptyChunk } from './chunk.ts';
import { type Feed, noteFreshness } from './feeds.ts';
import { lineSplitter } from './lines.ts';
import { type Reason, type RowRules, readRow } from './row.ts';
import { collectionSettings } from './settings.ts';
import { sourceKind } from './sources.ts';
import { commitChunk } from './store.ts';

export interface IngestDeps {
  db: Database;
  cipher: Cipher;
  clock: Clock;
  /** Province codes known besides `config/provinces.json`. */
  extraProvinces?: readonly string[] | undefined;
}

/** What is told while a stream is read. */
export interface Listener {
  refused(refusal: { line: number; reason: Reason; field?: string | undefined }): void;
  /** Everything up to this line is settled and stays, whatever happens to the rest. */
  acknowledged(line: number): Promise<void> | void;
}

export interface Summary {
  rows: number;
  kept: number;
  refused: number;
  /** Of those kept, the ones that told us something new. */
  changed: number;
  /** The newest fact among them, in milliseconds. */
  watermark: number | undefined;
  /** SHA-256 of everything that was read. */
  digest: Buffer;
}

/** Why a stream was given up: the sender's doing, unlike errors of other kinds. */
export class StreamRefused extends Error {
  override readonly name = 'StreamRefused';
  readonly reason: 'too_many_refused' | 'too_many_rows';
  constructor(reason: StreamRefused['reason']) {
    super(reason);
    this.reason = reason;
  }
}

/**
 * Reads a stream of rows and loads it chunk by chunk. Memory is bounded: one chunk is read while another is
 * loaded, and no more is read before that is done. Good rows are kept, bad ones told; a stream that breaks off
 * leaves what was acknowledged, and sending it again adds nothing twice.
 *
 * @throws StreamRefused; the error of `body` when it breaks off.
 */
export async function ingest(
  deps: IngestDeps,
  { feed, body }: { feed: Feed; body: AsyncIterable<Buffer> },
  listener: Listener,
  settings: Pick<
    typeof collectionSettings,
    'lineBytes' | 'chunkRows' | 'mostRows' | 'mostRefused'
  > = collectionSettings,
): Promise<Summary> {
  const { db, clock } = deps;
  const rules = await rowRules(deps, feed.source);
  const lines = lineSplitter(settings.lineBytes);
  const digest = createHash('sha256');
  const summary = { rows: 0, refused: 0, changed: 0, watermark: undefined as number | undefined };
  let chunk = emptyChunk();
  let lastLine = 0;
  let loading: Promise<void> = Promise.resolve();

  const refuse = (refusal: Parameters<Listener['refused']>[0]) => {
    summary.refused += 1;
    listener.refused(refusal);
    if (summary.refused > settings.mostRefused) throw new StreamRefused('too_many_refused');
  };

  async function load(ready: Chunk, upTo: number): Promise<void> {
    if (chunkSize(ready) > 0) {
      const { changed, refused } = await commitChunk(db, feed, ready, clock());
      summary.changed += changed;
      for (const each of refused) refuse(each);
    }
    await listener.acknowledged(upTo);
  }

  /** Hands a chunk over as soon as the one before is loaded. */
  async function handOver(): Promise<void> {
    await loading;
    const ready = chunk;
    chunk = emptyChunk();
    loading = load(ready, lastLine);
    // Looked at when the next chunk is handed over; until then it is not unhandled.
    loading.catch(() => {});
  }

  async function take(found: ReturnType<typeof lines.push>): Promise<void> {
    for (const line of found) {
      lastLine = line.no;
      summary.rows += 1;
      if (summary.rows > settings.mostRows) throw new StreamRefused('too_many_rows');
      if ('fault' in line) {
        refuse({ line: line.no, reason: line.fault });
        continue;
      }
      const row = readRow(line.text, line.no, rules);
      const refusal = 'reason' in row ? row : addRow(chunk, row);
      if (refusal) refuse({ line: line.no, ...refusal });
      else if (!('reason' in row) && !row.late)
        summary.watermark = Math.max(summary.watermark ?? row.at, row.at);
      if (chunkSize(chunk) >= settings.chunkRows) await handOver();
    }
  }

  try {
    for await (const bytes of body) {
      digest.update(bytes);
      await take(lines.push(bytes));
    }
    await take(lines.end());
  } catch (error) {
    // What is being loaded is finished first: it is acknowledged, or it is not.
    await loading;
    throw error;
  }
  await handOver();
  await loading;
  const now = clock();
  if (summary.rows === 0 || summary.refused > 0) {
    await noteRefused(db, feed, summary, now);
  }
  return { ...summary, kept: summary.rows - summary.refused, digest: digest.digest() };
}

/** An empty batch says that the source is alive; one of which nothing was good says nothing. */
async function noteRefused(
  db: Database,
  feed: Feed,
  { rows, refused }: { rows: number; refused: number },
  now: Date,
): Promise<void> {
  if (rows > 0 && rows === refused) return;
  await db.transaction((tx) => noteFreshness(tx, feed, { now, refused }));
}

async function rowRules(
  { db, cipher, clock, extraProvinces }: IngestDeps,
  source: string,
): Promise<RowRules> {
  const now = clock();
  const { rules, any } = await rulesOfStorage(db, now);
  return { source: sourceKind(source, any), rules, cipher, now: now.getTime(), extraProvinces };
}
