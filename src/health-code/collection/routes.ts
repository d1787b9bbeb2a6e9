import { createHash } from 'node:crypto';
import Router from '@koa/router';
import type { Context } from 'koa';
import type { Pages } from '../../platform/pages.ts';
import { Problem } from '../../platform/problem.ts';
import { requireActivation } from '../activation.ts';
import { staleSources } from '../facts.ts';
import { healthSettings } from '../settings.ts';
import { type LineAnswer, lineAnswer } from './answer.ts';
import { awaitBatch, type BatchAnswer, dropBatch, finishBatch, keepBatch } from './batches.ts';
import { BrokenStream, bodyOf } from './body.ts';
import { type Feed, readFeed } from './feeds.ts';
import { type IngestDeps, ingest, StreamRefused } from './ingest.ts';
import { collectionSettings } from './settings.ts';
import { isSource } from './sources.ts';

/** The API that sources' programs get tokens for. */
export const INGEST_API = 'urn:ymt:health-ingest';

export interface CollectionDeps extends IngestDeps {
  pages: Pages;
  log: { error(fields: object, message: string): void };
  /** Which program calls, by its token for an API of ours. */
  machineCaller(
    authorization: string | undefined,
    api: string,
  ): Promise<{ clientId: string; scopes: ReadonlySet<string> } | undefined>;
}

const KEY = /^[A-Za-z0-9._:-]{1,100}$/;

/**
 * `POST /health/ingest/{source}`: rows of one source, NDJSON, gzip if wished. `GET` tells what we have of it.
 */
export function collectionRoutes(deps: CollectionDeps): Router {
  const { db, clock } = deps;
  const router = new Router({ prefix: '/health/ingest' });

  /** @throws Problem 404, 401, 403 in that order: names of sources are no secret. */
  async function feedOf(ctx: Context, source: string): Promise<Feed> {
    ctx.state.api = true;
    if (!isSource(source)) throw new Problem('ingest_source_unknown', 404);
    const caller = await deps.machineCaller(ctx.get('authorization') || undefined, INGEST_API);
    if (!caller) {
      ctx.set('www-authenticate', 'Bearer realm="health-ingest"');
      throw new Problem('ingest_token', 401);
    }
    if (!caller.scopes.has(`ingest:${source}`)) throw new Problem('ingest_source_not_yours', 403);
    await requireActivation(db, clock());
    return { clientId: caller.clientId, source };
  }

  router.get('/:source', async (ctx) => {
    const feed = await feedOf(ctx, ctx.params.source!);
    const state = await readFeed(db, feed);
    const seen = state && [{ source: feed.source, receivedAt: state.receivedAt.getTime() }];
    ctx.body = {
      source: feed.source,
      watermark: state?.watermark?.toISOString() ?? null,
      received_at: state?.receivedAt.toISOString() ?? null,
      kept: state?.kept ?? 0,
      refused: state?.refused ?? 0,
      stale: seen !== undefined && staleSources(seen, clock().getTime()).length > 0,
      stale_after_hours: healthSettings.sources[feed.source]?.staleAfterHours,
    };
  });

  router.post('/:source', async (ctx) => {
    const feed = await feedOf(ctx, ctx.params.source!);
    const key = ctx.get('idempotency-key');
    if (key !== '' && !KEY.test(key)) throw new Problem('ingest_key', 400);
    const body = bodyOf(ctx.req);
    const answer = lineAnswer(ctx);
    if (key === '') return settled(answer, () => load(ctx, answer, { feed, body }));
    const claim = await awaitBatch(db, feed, key, clock);
    if (claim.state === 'running') {
      ctx.set('retry-after', '5');
      throw new Problem('ingest_running', 409);
    }
    if (claim.state === 'done') return repeat(ctx, answer, { body, key, ...claim });
    const { holder } = claim;
    return settled(answer, () => load(ctx, answer, { feed, body, batch: { key, holder } }));
  });

  /** Ends the handler when the answer begins, or fails before that. */
  async function settled(answer: LineAnswer, work: () => Promise<void>): Promise<void> {
    let begun = false;
    const working = work().catch((error: unknown) => {
      if (!begun) throw error;
      // The answer is under way, so its last line says it.
      deps.log.error({ err: error }, 'a health batch failed');
      answer.end({ outcome: 'incomplete', reason: 'internal' }, 500);
    });
    await Promise.race([working, answer.begun]);
    begun = true;
  }

  const sentence = (ctx: Context, reason: string) => deps.pages.t(ctx)(`healthCollection.reasons.${reason}`);
  const refusalLine = (ctx: Context, { line, reason, field }: BatchAnswer['refusals'][number]) => ({
    line,
    outcome: 'refused',
    reason,
    ...(field !== undefined && { field }),
    message: sentence(ctx, reason),
  });
  const lastLine = (key: string | undefined, { refusals: _, ...counts }: BatchAnswer) => ({
    outcome: 'complete',
    ...(key !== undefined && { batch: key }),
    ...counts,
  });
  /** Nothing good in a whole batch is an error that a program should notice by the status alone. */
  const statusOf = ({ rows, kept }: BatchAnswer) => (rows > 0 && kept === 0 ? 422 : 200);

  async function load(
    ctx: Context,
    answer: LineAnswer,
    {
      feed,
      body,
      batch,
    }: { feed: Feed; body: AsyncIterable<Buffer>; batch?: { key: string; holder: string } },
  ): Promise<void> {
    const refusals: BatchAnswer['refusals'] = [];
    let acknowledged = 0;
    try {
      const done = await ingest(
        deps,
        { feed, body },
        {
          refused(refusal) {
            refusals.push(refusal);
            answer.write(refusalLine(ctx, refusal));
          },
          async acknowledged(line) {
            acknowledged = line;
            answer.write({ acknowledged: line });
            if (batch) await keepBatch(db, feed, { ...batch, now: clock() });
            if (line >= collectionSettings.chunkRows) answer.stream();
          },
        },
      );
      const { digest, watermark, ...counts } = done;
      const given: BatchAnswer = {
        ...counts,
        watermark: watermark === undefined ? undefined : new Date(watermark).toISOString(),
        refusals,
      };
      if (batch) await finishBatch(db, feed, { ...batch, digest, answer: given, now: clock() });
      answer.end(lastLine(batch?.key, given), statusOf(given));
    } catch (error) {
      if (batch) await dropBatch(db, feed, batch);
      const reason = brokenBy(error);
      if (reason === undefined) throw error;
      const last = { outcome: 'incomplete', reason, message: sentence(ctx, reason), acknowledged };
      answer.end(last, reason === 'stream_broken' ? 400 : 422);
    }
  }

  /** A batch that was loaded before gets the answer that it got, and is not loaded. */
  async function repeat(
    ctx: Context,
    answer: LineAnswer,
    {
      body,
      key,
      digest,
      answer: given,
    }: { body: AsyncIterable<Buffer>; key: string; digest: Buffer; answer: BatchAnswer },
  ): Promise<void> {
    const hash = createHash('sha256');
    try {
      for await (const bytes of body) hash.update(bytes);
    } catch (error) {
      const reason = brokenBy(error);
      if (reason === undefined) throw error;
      return answer.end(
        { outcome: 'incomplete', reason, message: sentence(ctx, reason), acknowledged: 0 },
        400,
      );
    }
    if (!hash.digest().equals(digest)) throw new Problem('ingest_key_reused', 422);
    for (const refusal of given.refusals) answer.write(refusalLine(ctx, refusal));
    answer.end({ ...lastLine(key, given), repeated: true }, statusOf(given));
  }

  return router;
}

const brokenBy = (error: unknown): string | undefined => {
  if (error instanceof BrokenStream) return 'stream_broken';
  return error instanceof StreamRefused ? error.reason : undefined;
};
