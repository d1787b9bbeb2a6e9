import type Router from '@koa/router';
import { record } from '../../audit/log.ts';
import { lifetimes } from '../../platform/lifetimes.ts';
import { Problem } from '../../platform/problem.ts';
import { requireActivation } from '../activation.ts';
import { citizenAnswers, citizenPages } from '../citizen-page.ts';
import { healthSettings } from '../settings.ts';
import { COLOURS } from '../wire/attestation.js';
import { toBase64Url } from '../wire/jws.js';
import { attest, DeviceKey, withdrawAttestations } from './attest.ts';
import { ForBody, ownerMark } from './code-page.ts';
import type { ShowDeps } from './deps.ts';
import { liveLists, statusList } from './status-lists.ts';
import { whose } from './whose.ts';

const AttestBody = ForBody.extend({ key: DeviceKey });
/** Lists are the same for everybody: whatever stands between may keep them for a minute. */
const SHARED = 'public, max-age=60';

/**
 * What phones need to show codes without network, and doors to check them: attestations, the page that works
 * without network, the province's keys, the status lists.
 */
export function offlineRoutes(router: Router, deps: ShowDeps): void {
  const { db, pages, clock, keys, issuer } = deps;

  router.post(
    '/health/code/attestation',
    citizenAnswers(deps)(async (ctx, me) => {
      const body = AttestBody.safeParse(ctx.request.body);
      if (!body.success) throw new Problem('bad_request', 400);
      const { now } = me;
      const { holder } = await whose(deps, me, body.data.for);
      const shownBy = me.holder.citizenId;
      const made = await attest(db, keys, { holder, shownBy, device: body.data.key, now });
      ctx.body = {
        attestation: toBase64Url(made.attestation),
        colour: made.colour,
        name: holder.maskedName,
        last_two: holder.lastTwo,
        owner: ownerMark(shownBy),
        now: now.getTime(),
        expires_at: made.expiresAt.getTime(),
        renew_at: now.getTime() + lifetimes.healthOfflineRenew * 1_000,
      };
    }),
  );

  router.post(
    '/health/code/withdraw',
    citizenPages(deps)(async (ctx, { holder: { citizenId }, sessionUid, now }) => {
      await db.transaction(async (tx) => {
        await withdrawAttestations(tx, { citizenId });
        await record(tx, { type: 'health.codes_withdrawn', citizenId, sessionUid, at: now });
      });
      ctx.status = 303;
      ctx.redirect('/health/code?done=withdrawn');
    }),
  );

  // Nobody is asked to log in: the page holds nothing but words, the phone fills in what it keeps.
  router.get('/health/code/offline', async (ctx) => {
    await requireActivation(db, clock());
    pages.render(ctx, 'health-code/offline', { colours: COLOURS });
  });

  router.get('/health/trust', async (ctx) => {
    const now = clock();
    await requireActivation(db, now);
    // With the platform's time in it, by which devices set their clocks: not to be kept by anybody in between.
    ctx.body = { region: healthSettings.region, keys: await keys.trusted(now), now: now.getTime() };
  });

  router.get('/health/status-lists', async (ctx) => {
    await requireActivation(db, clock());
    const numbers = await liveLists(db);
    ctx.set('cache-control', SHARED);
    ctx.body = { status_lists: numbers.map((list) => `${issuer}/health/status-lists/${list}`) };
  });

  router.get('/health/status-lists/:list', async (ctx) => {
    const now = clock();
    await requireActivation(db, now);
    const list = /^\d{1,9}$/.test(ctx.params.list ?? '') ? Number(ctx.params.list) : Number.NaN;
    const token = await statusList(db, keys, { list, issuer, now });
    if (token === undefined) throw new Problem('not_found', 404);
    ctx.set('cache-control', SHARED);
    ctx.type = 'application/statuslist+jwt';
    ctx.body = token;
  });
}
