import type Router from '@koa/router';
import type { Context } from 'koa';
import { z } from 'zod';
import { bodyParser, type FormState, formOf } from '../../platform/http/forms.ts';
import { Problem } from '../../platform/problem.ts';
import { citizenPages, type HealthDeps, healthNav, type Me } from '../citizen-page.ts';
import { decideFor } from '../decide.ts';
import { readDecision } from '../decision-store.ts';
import { ordersAbout } from '../orders/store.ts';
import { plainText } from '../plain-text.ts';
import { recordId } from '../record-id.ts';
import { fileAppeal, withdrawAppeal } from './file-appeal.ts';
import { readAppeal, readAppeals } from './store.ts';

const AppealForm = z.object({
  text: plainText({ min: 10, max: 2_000, missing: 'healthAppeals.form.errors.text' }),
});

/** `/health/appeals`: the citizen asks that a decision be looked at again, and sees what became of it. */
export function appealRoutes(router: Router, deps: HealthDeps): void {
  const { db, cipher, pages } = deps;
  const forCitizen = citizenPages(deps);
  router.use('/health/appeals', bodyParser());

  router.get(
    '/health/appeals',
    forCitizen(async (ctx, { holder, now }) => {
      const decision = await db.transaction((tx) => decideFor(tx, holder.citizenId, now));
      pages.render(ctx, 'health-code/appeals', {
        nav: healthNav(pages, ctx, 'appeals'),
        appeals: await readAppeals(db, cipher, holder.citizenId),
        decision,
        orders: await ordersAbout(db, holder.subject, now),
        now,
      });
    }),
  );

  /** The decision that is meant: the one in the address, or the present one. */
  async function meant(ctx: Context, { holder, now }: Me) {
    const given = ctx.query.decision;
    const id =
      typeof given === 'string' && given !== ''
        ? recordId(given)
        : (await db.transaction((tx) => decideFor(tx, holder.citizenId, now))).id;
    const decision = id && (await readDecision(db, holder.citizenId, id));
    if (!decision) throw new Problem('health_no_decision', 404);
    return decision;
  }

  async function showForm(ctx: Context, me: Me, form?: FormState): Promise<void> {
    const decision = await meant(ctx, me);
    pages.render(ctx, 'health-code/appeal-new', { nav: healthNav(pages, ctx, 'appeals'), decision, form });
  }
  router.get(
    '/health/appeals/new',
    forCitizen((ctx, me) => showForm(ctx, me)),
  );
  router.post(
    '/health/appeals/new',
    forCitizen(async (ctx, me) => {
      const posted = formOf(ctx, AppealForm);
      if (!posted.ok) return showForm(ctx, me, posted.form);
      const { id: decisionId } = await meant(ctx, me);
      const { id } = await db.transaction((tx) =>
        fileAppeal(tx, cipher, { ...me, decisionId, text: posted.data.text }),
      );
      ctx.status = 303;
      ctx.redirect(`/health/appeals/${id}?done=filed`);
    }),
  );

  router.get(
    '/health/appeals/:id',
    forCitizen(async (ctx, { holder, now }) => {
      const appeal = await readAppeal(db, cipher, holder.citizenId, recordId(ctx.params.id));
      if (!appeal) throw new Problem('health_no_record', 404);
      pages.render(ctx, 'health-code/appeal', {
        nav: healthNav(pages, ctx, 'appeals'),
        appeal,
        now,
        done: ['filed', 'withdrawn'].find((done) => done === ctx.query.done),
      });
    }),
  );
  router.post(
    '/health/appeals/:id/withdraw',
    forCitizen(async (ctx, { holder, now }) => {
      const id = recordId(ctx.params.id);
      await db.transaction((tx) => withdrawAppeal(tx, { holder, id, now }));
      ctx.status = 303;
      ctx.redirect(`/health/appeals/${id}?done=withdrawn`);
    }),
  );
}
