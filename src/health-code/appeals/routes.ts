import type Router from '@koa/router';
import type { Context } from 'koa';
import { z } from 'zod';
import { departmentName } from '../../departments/department-name.ts';
import { bodyParser, type FormState, formOf } from '../../platform/http/forms.ts';
import { Problem } from '../../platform/problem.ts';
import { citizenPages, type HealthDeps, healthNav, type Me } from '../citizen-page.ts';
import { decideFor } from '../decide.ts';
import { readDecision } from '../decision-store.ts';
import { noteGuardianLook } from '../guardian-acts.ts';
import { ordersAbout } from '../orders/store.ts';
import { plainText } from '../plain-text.ts';
import { recordId } from '../record-id.ts';
import { whose } from '../show/whose.ts';
import { fileAppeal, withdrawAppeal } from './file-appeal.ts';
import { readAppeal, readAppeals } from './store.ts';

const AppealForm = z.object({
  text: plainText({ min: 10, max: 2_000, missing: 'healthAppeals.form.errors.text' }),
});

/**
 * `/health/appeals`: the citizen asks that a decision be looked at again, and sees what became of it; with `?for=` a
 * guardianship, for somebody the citizen acts for.
 */
export function appealRoutes(router: Router, deps: HealthDeps): void {
  const { db, cipher, pages } = deps;
  const citizens = citizenPages(deps);
  router.use('/health/appeals', bodyParser());

  interface Appellant extends Me {
    /** Who acts, when it is not the holder. */
    by: string | undefined;
    /** The end of every address of these pages. */
    suffix(mark: '?' | '&'): string;
    /** Where the code itself is shown. */
    code: string;
  }
  const forCitizen = (page: (ctx: Context, me: Appellant) => Promise<void>) =>
    citizens(async (ctx, me) => {
      const given = ctx.query.for;
      const { holder, guardianship } = await whose(deps, me, typeof given === 'string' ? given : undefined);
      const by = guardianship === undefined ? undefined : me.holder.citizenId;
      const suffix = (mark: '?' | '&') => (guardianship === undefined ? '' : `${mark}for=${guardianship}`);
      const code = guardianship === undefined ? '/health/code' : `/health/code/of/${guardianship}`;
      if (ctx.method === 'GET')
        await noteGuardianLook(db, { ...holder, by, what: 'health_appeal', now: me.now });
      await page(ctx, { ...me, holder, by, suffix, code });
    });
  /** What every page says: for whom, where that is somebody else. */
  const common = (ctx: Context, { holder, by, suffix, code }: Appellant) => ({
    nav: healthNav(pages, ctx, 'appeals'),
    forWhom: by && holder.maskedName,
    code,
    suffix,
  });

  router.get(
    '/health/appeals',
    forCitizen(async (ctx, me) => {
      const { holder, now } = me;
      const decision = await db.transaction((tx) => decideFor(tx, holder.citizenId, now));
      const orders = (await ordersAbout(db, holder.subject, now)).map(async (order) => ({
        ...order,
        organisation: await departmentName(db, order.organisation, ctx.state.locale),
      }));
      pages.render(ctx, 'health-code/appeals', {
        ...common(ctx, me),
        appeals: await readAppeals(db, cipher, holder.citizenId),
        decision,
        orders: await Promise.all(orders),
        now,
      });
    }),
  );

  /** The decision that is meant: the one in the address, or the present one. */
  async function meant(ctx: Context, { holder, now }: Appellant) {
    const given = ctx.query.decision;
    const id =
      typeof given === 'string' && given !== ''
        ? recordId(given)
        : (await db.transaction((tx) => decideFor(tx, holder.citizenId, now))).id;
    const decision = id && (await readDecision(db, holder.citizenId, id));
    if (!decision) throw new Problem('health_no_decision', 404);
    return decision;
  }

  async function showForm(ctx: Context, me: Appellant, form?: FormState): Promise<void> {
    const decision = await meant(ctx, me);
    pages.render(ctx, 'health-code/appeal-new', { ...common(ctx, me), decision, form });
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
      ctx.redirect(`/health/appeals/${id}?done=filed${me.suffix('&')}`);
    }),
  );

  router.get(
    '/health/appeals/:id',
    forCitizen(async (ctx, me) => {
      const { holder, now } = me;
      const appeal = await readAppeal(db, cipher, holder.citizenId, recordId(ctx.params.id));
      if (!appeal) throw new Problem('health_no_record', 404);
      pages.render(ctx, 'health-code/appeal', {
        ...common(ctx, me),
        appeal,
        now,
        done: ['filed', 'withdrawn'].find((done) => done === ctx.query.done),
      });
    }),
  );
  router.post(
    '/health/appeals/:id/withdraw',
    forCitizen(async (ctx, { holder, by, suffix, now }) => {
      const id = recordId(ctx.params.id);
      await db.transaction((tx) => withdrawAppeal(tx, { holder, by, id, now }));
      ctx.status = 303;
      ctx.redirect(`/health/appeals/${id}?done=withdrawn${suffix('&')}`);
    }),
  );
}
