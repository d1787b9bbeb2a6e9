import type Router from '@koa/router';
import type { Context } from 'koa';
import { record } from '../../audit/log.ts';
import type { FrontDoorDeps } from '../deps.ts';
import { hoursOf } from '../hours.ts';
import { isLifted } from '../lifted.ts';
import { maskName } from '../masked.ts';
import { sideCheckRoutes } from '../side-check-pages.ts';
import { recoveryKeeper } from './browser.ts';
import { nextRecoveryStep, recoveryWays, whyOneMore } from './steps.ts';
import type { Recovery } from './store.ts';

/** How somebody who cannot log in proves who they are: the same for everybody, account or not. */
export function recoveryProofRoutes(router: Router, deps: FrontDoorDeps): void {
  const { clock, pages, limits } = deps;
  const { at, find, change, identify } = recoveryKeeper(deps);

  function show(ctx: Context, { kind, file }: Recovery, status?: 422): void {
    ctx.state.formActions = [...deps.checkOrigins];
    const why = nextRecoveryStep(kind, file) === 'prove_again' ? whyOneMore(file) : undefined;
    const about = { who: maskName(file.name), hours: hoursOf('freshSim') };
    const page = { ...about, why, latest: file.latest, ...recoveryWays(kind, file) };
    pages.render(ctx, 'front-door/recover-prove', page, { status: status ?? 200 });
  }

  sideCheckRoutes<Recovery>(router, deps, {
    base: '/recover',
    purpose: 'recovery',
    awaiting: (ctx) => at(ctx, 'prove', 'prove_again'),
    async open(ctx) {
      const recovery = await find(ctx);
      return recovery?.state === 'started' || recovery?.state === 'proved' ? recovery : undefined;
    },
    personOf: ({ file }) => file,
    checksOf: ({ file }) => file,
    waysOf: ({ kind, file }) => recoveryWays(kind, file),
    async count({ id, file }) {
      if (!(await isLifted(deps, file.idNumber))) await limits.consume('proofing', id);
    },
    change: (recovery, changed) =>
      change(recovery, async (tx, newest) => {
        const checks = await changed(tx, newest);
        const { pending: _1, latest: _2, ...file } = newest.file;
        return checks && { ...file, ...checks };
      }),
    refused: (tx, { kind }, reason) =>
      record(tx, { type: 'recovery.refused', detail: { kind, reason }, at: clock() }),
    show,
    proved: identify,
  });
}
