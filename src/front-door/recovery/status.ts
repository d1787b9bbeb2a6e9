import type Router from '@koa/router';
import { AuthorityUnavailable } from '../../authorities/ask.ts';
import { Problem } from '../../platform/problem.ts';
import type { FrontDoorDeps } from '../deps.ts';
import { hoursOf } from '../hours.ts';
import { lastFour } from '../masked.ts';
import { seeOther } from '../paths.ts';
import { showStop } from '../stop.ts';
import { hashOf } from '../ticket.ts';
import { recoveryKeeper, START_AGAIN, toolsOf } from './browser.ts';
import { applyNewPhone, cancelRecovery, objectToRecovery } from './recover.ts';
import { readByStop } from './store.ts';

/** What became of a recovery: for the browser that began it, and for whoever was told of it. */
export function recoveryStatusRoutes(router: Router, deps: FrontDoorDeps): void {
  const { db, cipher, clock, pages, carrier } = deps;
  const { find, goOn } = recoveryKeeper(deps);

  router.get('/recover/status', async (ctx) => {
    let recovery = await find(ctx);
    if (recovery?.state === 'waiting' && recovery.applyAt && recovery.applyAt <= clock()) {
      const due = { recoveryId: recovery.id, now: clock() };
      try {
        await db.transaction((tx) => applyNewPhone(tx, { ...toolsOf(deps), carrier }, due));
      } catch (error) {
        // The job tries again; the page says that it is still waiting.
        if (!(error instanceof AuthorityUnavailable)) throw error;
      }
      recovery = await find(ctx);
    }
    if (!recovery) return showStop(deps, ctx, new Problem('recovery_expired', 410), [START_AGAIN]);
    if (recovery.state === 'started' || recovery.state === 'proved') return goOn(ctx, recovery);
    pages.render(ctx, 'front-door/recover-status', {
      kind: recovery.kind,
      state: recovery.state,
      applyAt: recovery.applyAt,
      capHours: hoursOf('recoveryCap'),
      lastFour: lastFour(recovery.file.phone ?? ''),
    });
  });

  router.post('/recover/cancel', async (ctx) => {
    const recovery = await find(ctx);
    if (recovery) {
      const cancelled = { recoveryId: recovery.id, now: clock() };
      await db.transaction((tx) => cancelRecovery(tx, toolsOf(deps), cancelled));
    }
    seeOther(ctx, '/recover/status');
  });

  router.get('/recover/cancel', (ctx) => seeOther(ctx, '/recover/status'));

  const used = () => new Problem('stop_link_used', 410);

  router.get('/recover/stop/:token', async (ctx) => {
    const recovery = await readByStop(db, cipher, hashOf(ctx.params.token ?? ''), clock());
    if (!recovery) return showStop(deps, ctx, used(), []);
    pages.render(ctx, 'front-door/recover-stop', { kind: recovery.kind, state: recovery.state });
  });

  // Only a button stops anything: messengers and mail gateways open links by themselves.
  router.post('/recover/stop/:token', async (ctx) => {
    const now = clock();
    const recovery = await readByStop(db, cipher, hashOf(ctx.params.token ?? ''), now);
    const outcome =
      recovery && (await db.transaction((tx) => objectToRecovery(tx, toolsOf(deps), { recovery, now })));
    if (!outcome) return showStop(deps, ctx, used(), []);
    pages.render(ctx, 'front-door/recover-stopped', { outcome });
  });
}
