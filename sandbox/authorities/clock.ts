import Router from '@koa/router';
import { z } from 'zod';
import { machineTime, shiftProcessClock } from '../../src/platform/clock.ts';
import { bodyOf } from './body.ts';

/** A century of seconds: further, and a process would have no date any more. */
const FAR = 3_155_760_000;

const move = z.union([
  z.strictObject({ now: z.iso.datetime({ offset: true }) }),
  z.strictObject({ advance: z.number().min(-FAR).max(FAR) }),
]);

/**
 * `POST /clock` moves the time of the whole sandbox: this process, then every peer. It answers only when all
 * have taken it, because a browser step between two clocks would see tokens from the future.
 *
 * @param peers base URLs of the other processes, which listen at `/sandbox/clock`.
 */
export function clock(peers: readonly string[]): Router {
  const router = new Router();
  const now = () => ({ now: new Date().toISOString(), offset: Date.now() - machineTime() });
  /** One move at a time: two at once could leave two processes at different offsets. */
  let turn: Promise<unknown> = Promise.resolve();

  router.get('/clock', (ctx) => {
    ctx.body = now();
  });

  router.post('/clock', async (ctx) => {
    const asked = bodyOf(ctx, move);
    const moved = turn.then(async () => {
      const target = 'now' in asked ? Date.parse(asked.now) : Date.now() + asked.advance * 1000;
      const offset = Math.round(target - machineTime());
      shiftProcessClock(offset);
      return Promise.all(peers.map((peer) => pass(peer, offset)));
    });
    turn = moved;
    const failed = (await moved).filter((failure) => failure !== undefined);
    if (failed.length === 0) {
      ctx.body = now();
      return;
    }
    ctx.status = 502;
    ctx.body = { error: 'clock_not_moved', message: `not moved: ${failed.join('; ')}`, peers: failed };
  });
  return router;
}

/** @returns what went wrong, beginning with the peer's address; nothing when the peer took the offset. */
async function pass(peer: string, offset: number): Promise<string | undefined> {
  try {
    const response = await fetch(`${peer.replace(/\/+$/, '')}/sandbox/clock`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ offset }),
      signal: AbortSignal.timeout(5_000),
    });
    await response.body?.cancel();
    return response.ok ? undefined : `${peer} (status ${response.status})`;
  } catch (error) {
    return `${peer} (${error instanceof Error ? error.message : 'unreachable'})`;
  }
}
