import type Router from '@koa/router';
import type { Context } from 'koa';
import { z } from 'zod';
import { record } from '../audit/log.ts';
import { askToClose, cancelClosing, waitingClosing } from '../citizens/closing.ts';
import { type FormState, formOf } from '../platform/http/forms.ts';
import { lifetimes } from '../platform/lifetimes.ts';
import type { AccountDeps } from './deps.ts';
import type { Gate } from './gate.ts';
import { countAttempt } from './limit.ts';
import { tell } from './notify.ts';
import { ownData } from './own-data.ts';

const DATA = '/account/data';
const CLOSE = '/account/close';
const Understood = z.object({ understood: z.string().default('') });
const CHECKED = ['match', 'mismatch', 'unavailable'] as const;

/** What a citizen can ask of the data about them: a copy, a correction, the end of the account. */
export function dataRoutes(router: Router, deps: AccountDeps, gate: Gate): void {
  const { db, clock, pages } = deps;
  const seeOther = (ctx: Context, path: string): void => {
    ctx.status = 303;
    ctx.redirect(path);
  };

  router.get(DATA, async (ctx) => {
    const me = await gate.signedIn(ctx, DATA);
    if (!me) return;
    const { name, documentType } = me.citizen;
    const checked = CHECKED.find((answer) => answer === ctx.query.checked);
    const closing = await waitingClosing(db, me.citizen.id);
    pages.render(ctx, 'account/data', { name, documentType, checked, closeAt: closing?.closeAt });
  });

  // A copy of everything is worth as much to a thief as the account: only right after a login.
  router.post(`${DATA}/export`, async (ctx) => {
    const me = await gate.fresh(ctx, DATA);
    if (!me) return;
    const citizenId = me.citizen.id;
    await countAttempt(deps, me.citizen, 'export', citizenId);
    const data = await ownData(deps, citizenId);
    const at = clock();
    await db.transaction(async (tx) => {
      await record(tx, { type: 'account.exported', citizenId, at });
      await tell(deps, tx, ctx, { phone: me.citizen.phone, what: 'dataExported' });
    });
    const day = at.toISOString().slice(0, 10);
    ctx.set('content-disposition', `attachment; filename="yimatong-${day}.json"`);
    ctx.type = 'application/json; charset=utf-8';
    ctx.body = JSON.stringify(data, undefined, 2);
  });
  // Coming back to this address after the login: the button is pressed again.
  router.get(`${DATA}/export`, (ctx) => seeOther(ctx, DATA));

  router.post(`${DATA}/check`, async (ctx) => {
    const me = await gate.signedIn(ctx, DATA);
    if (!me) return;
    await countAttempt(deps, me.citizen, 'proofing', `register ${me.citizen.id}`);
    const answer = await deps.recheck(me.citizen.id);
    seeOther(ctx, `${DATA}?checked=${CHECKED.find((known) => known === answer) ?? 'mismatch'}`);
  });

  async function showClose(ctx: Context, citizenId: string, form?: FormState): Promise<void> {
    const closing = await waitingClosing(db, citizenId);
    pages.render(ctx, 'account/close', {
      closeAt: closing?.closeAt,
      days: Math.max(1, Math.round(lifetimes.accountClosing / 86_400)),
      ...(form && { form }),
    });
  }

  router.get(CLOSE, async (ctx) => {
    const me = await gate.signedIn(ctx, CLOSE);
    if (me) await showClose(ctx, me.citizen.id);
  });

  router.post(CLOSE, async (ctx) => {
    const me = await gate.fresh(ctx, CLOSE);
    if (!me) return;
    const citizenId = me.citizen.id;
    const posted = formOf(ctx, Understood);
    if (!posted.ok || posted.data.understood !== 'yes') {
      posted.form.errors.understood = 'account.close.notUnderstood';
      return showClose(ctx, citizenId, posted.form);
    }
    await db.transaction(async (tx) => {
      await gate.hold(tx, me);
      const { asked } = await askToClose(tx, { citizenId, now: clock() });
      if (asked) await tell(deps, tx, ctx, { phone: me.citizen.phone, what: 'closingAsked' });
    });
    seeOther(ctx, CLOSE);
  });

  // The way back asks for less than the way there.
  router.post(`${CLOSE}/cancel`, async (ctx) => {
    const me = await gate.signedIn(ctx, CLOSE);
    if (!me) return;
    const citizenId = me.citizen.id;
    await db.transaction(async (tx) => {
      const cancelled = await cancelClosing(tx, { citizenId, now: clock() });
      if (cancelled) await tell(deps, tx, ctx, { phone: me.citizen.phone, what: 'closingCancelled' });
    });
    seeOther(ctx, CLOSE);
  });
  router.get(`${CLOSE}/cancel`, (ctx) => seeOther(ctx, CLOSE));
}
