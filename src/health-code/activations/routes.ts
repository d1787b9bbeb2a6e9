import type Router from '@koa/router';
import type { Context } from 'koa';
import { z } from 'zod';
import type { Queryable } from '../../platform/database.ts';
import { type FormState, formOf } from '../../platform/http/forms.ts';
import { Problem } from '../../platform/problem.ts';
import { deactivate, isOfProvince, PROVINCE } from '../activation.ts';
import { dayOf, days, formatDay, parseDay, startOf } from '../engine/civil-day.ts';
import { type Officer, type OfficerDeps, officerGate } from '../officers/gate.ts';
import { officerNav } from '../officers/nav.ts';
import { plainText } from '../plain-text.ts';
import { recordId } from '../record-id.ts';
import { healthSettings } from '../settings.ts';
import { approveActivation, readActivations, refuseActivation, requestActivation } from './store.ts';

const LIST = '/health/officer/activations';
const required = 'platform.form.required';

const ActivationForm = z.object({
  legal_basis: plainText({ max: 200, missing: required }),
  region: z.string(required).trim().refine(isOfProvince, 'healthOffice.activation.errors.region'),
  from: z.string(required).max(10),
  to: z.string(required).max(10),
});

/** `/health/officer/activations`: switching the health code on takes two, switching it off one. */
export function activationRoutes(router: Router, deps: OfficerDeps): void {
  const { db, pages } = deps;
  const gate = officerGate(deps);
  const roles = ['activation_approver'] as const;
  const longest = healthSettings.activations.longestDays;

  async function show(ctx: Context, officer: Officer, form?: FormState): Promise<void> {
    pages.render(ctx, 'health-code/officer/activations', {
      nav: officerNav(pages, ctx, officer, 'activations'),
      records: await readActivations(db, officer.now),
      me: officer.citizenId,
      region: healthSettings.region,
      province: PROVINCE,
      today: formatDay(dayOf(officer.now.getTime())),
      longest,
      done: ['requested', 'approved', 'refused', 'withdrawn'].find((done) => done === ctx.query.done),
      form,
    });
  }

  router.get(
    LIST,
    gate.form(roles, (ctx, officer) => show(ctx, officer)),
  );
  router.post(
    LIST,
    gate.act(roles, async (ctx, officer) => {
      const posted = formOf(ctx, ActivationForm);
      const { errors } = posted.form;
      if (!officer.fresh) errors[''] = 'healthOffice.loginOld';
      if (!posted.ok) return show(ctx, officer, posted.form);
      const today = dayOf(officer.now.getTime());
      const from = parseDay(posted.data.from);
      const to = parseDay(posted.data.to);
      if (from === undefined || from < today) errors.from = 'healthOffice.activation.errors.from';
      if (to === undefined || from === undefined || to < from || to - from >= longest) {
        errors.to = { key: 'healthOffice.activation.errors.to', params: { days: longest } };
      }
      if (Object.keys(errors).length > 0 || from === undefined || to === undefined) {
        return show(ctx, officer, posted.form);
      }
      const wish = {
        officer,
        legalBasis: posted.data.legal_basis,
        region: posted.data.region,
        from: new Date(Math.max(startOf(from), officer.now.getTime())),
        to: new Date(startOf(to) + days(1)),
        now: officer.now,
      };
      await db.transaction((tx) => requestActivation(tx, wish));
      back(ctx, 'requested');
    }),
  );

  const back = (ctx: Context, done: string) => {
    ctx.status = 303;
    ctx.redirect(`${LIST}?done=${done}`);
  };
  const button = (
    name: string,
    done: string,
    act: (tx: Queryable, by: { officer: Officer; id: string; now: Date }) => Promise<unknown>,
  ) =>
    router.post(
      `${LIST}/:id/${name}`,
      gate.act(
        roles,
        async (ctx, officer) => {
          const id = recordId(ctx.params.id);
          await db.transaction((tx) => act(tx, { officer, id, now: officer.now }));
          back(ctx, done);
        },
        () => LIST,
      ),
    );
  button('approve', 'approved', approveActivation);
  button('refuse', 'refused', refuseActivation);
  button('withdraw', 'withdrawn', async (tx, { officer, id, now }) => {
    if (!(await deactivate(tx, id, now, officer.actor))) throw new Problem('health_activation_closed', 409);
  });
}
