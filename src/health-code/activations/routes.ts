import type Router from '@koa/router';
import type { Context } from 'koa';
import { z } from 'zod';
import type { Queryable } from '../../platform/database.ts';
import type { FormState } from '../../platform/http/forms.ts';
import { Problem } from '../../platform/problem.ts';
import { deactivate, isOfProvince, PROVINCE } from '../activation.ts';
import { dayOf, days, formatDay, parseDay, startOf } from '../engine/civil-day.ts';
import { formPage, rowButton } from '../officers/form-page.ts';
import { type Officer, type OfficerDeps, officerGate } from '../officers/gate.ts';
import { OFFICER_PAGES, officerNav } from '../officers/nav.ts';
import { plainText } from '../plain-text.ts';
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
  const page = { path: LIST, roles: OFFICER_PAGES.activations ?? [] };
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

  formPage(router, gate, page, {
    form: ActivationForm,
    show,
    read(typed, { now }, errors) {
      const from = parseDay(typed.from);
      const to = parseDay(typed.to);
      if (from === undefined || from < dayOf(now.getTime()))
        errors.from = 'healthOffice.activation.errors.from';
      if (to === undefined || from === undefined || to < from || to - from >= longest) {
        errors.to = { key: 'healthOffice.activation.errors.to', params: { days: longest } };
      }
      return from === undefined || to === undefined ? undefined : { ...typed, from, to };
    },
    async act({ legal_basis: legalBasis, region, from, to }, officer) {
      const { now } = officer;
      const wish = {
        legalBasis,
        region,
        from: new Date(Math.max(startOf(from), now.getTime())),
        to: new Date(startOf(to) + days(1)),
      };
      await db.transaction((tx) => requestActivation(tx, { ...wish, officer, now }));
      return 'requested';
    },
  });

  const button = (
    name: string,
    done: string,
    act: (tx: Queryable, by: { officer: Officer; id: string; now: Date }) => Promise<unknown>,
  ) =>
    rowButton(router, gate, page, {
      name,
      done,
      act: (id, officer) => db.transaction((tx) => act(tx, { officer, id, now: officer.now })),
    });
  button('approve', 'approved', approveActivation);
  button('refuse', 'refused', refuseActivation);
  button('withdraw', 'withdrawn', async (tx, { officer, id, now }) => {
    if (!(await deactivate(tx, id, now, officer.actor))) throw new Problem('health_activation_closed', 409);
  });
}
