import type Router from '@koa/router';
import type { Context } from 'koa';
import { z } from 'zod';
import type { FormState } from '../../platform/http/forms.ts';
import { dateOf, dayOf, formatDay, parseDay } from '../engine/civil-day.ts';
import { formPage, rowButton } from '../officers/form-page.ts';
import { type Officer, type OfficerDeps, officerGate } from '../officers/gate.ts';
import { OFFICER_PAGES, officerNav } from '../officers/nav.ts';
import { plainText } from '../plain-text.ts';
import { healthSettings } from '../settings.ts';
import { decideOutage, readOutages, requestOutage } from './store.ts';

const LIST = '/health/officer/outages';
const required = 'platform.form.required';

const OutageForm = z.object({
  day: z.string(required).min(1, required).max(10),
  reason: plainText({ max: 200, missing: required }),
});

/** `/health/officer/outages`: a day on which check-ins could not be taken takes two officers. */
export function outageRoutes(router: Router, deps: OfficerDeps): void {
  const { db, pages } = deps;
  const gate = officerGate(deps);
  const page = { path: LIST, roles: OFFICER_PAGES.outages ?? [] };

  const range = (now: Date) => {
    const today = dayOf(now.getTime());
    return { first: today - healthSettings.outages.backDays, today };
  };

  async function show(ctx: Context, officer: Officer, form?: FormState): Promise<void> {
    const { first, today } = range(officer.now);
    pages.render(ctx, 'health-code/officer/outages', {
      nav: officerNav(pages, ctx, officer, 'outages'),
      outages: await readOutages(db),
      me: officer.citizenId,
      mayApprove: officer.roles.has('health_approver'),
      first: formatDay(first),
      today: formatDay(today),
      done: ['requested', 'approved', 'refused'].find((done) => done === ctx.query.done),
      form,
    });
  }
  formPage(router, gate, page, {
    form: OutageForm,
    show,
    read({ day: typed, reason }, { now }, errors) {
      const { first, today } = range(now);
      const day = parseDay(typed);
      if (day !== undefined && day >= first && day <= today) return { day, reason };
      const params = { from: dateOf(first), to: dateOf(today) };
      errors.day = { key: 'healthCode.declare.errors.dateRange', params };
      return undefined;
    },
    async act(wish, officer) {
      await db.transaction((tx) => requestOutage(tx, { ...wish, officer, now: officer.now }));
      return 'requested';
    },
  });
  for (const [name, approve, done] of [
    ['approve', true, 'approved'],
    ['refuse', false, 'refused'],
  ] as const) {
    const act = (id: string, officer: Officer) =>
      db.transaction((tx) => decideOutage(tx, { officer, id, approve, now: officer.now }));
    rowButton(router, gate, { ...page, roles: ['health_approver'] }, { name, done, act });
  }
}
