import type Router from '@koa/router';
import type { Context } from 'koa';
import { z } from 'zod';
import { type FormState, formOf } from '../../platform/http/forms.ts';
import { dayOf, formatDay, parseDay } from '../engine/civil-day.ts';
import { type Officer, type OfficerDeps, officerGate } from '../officers/gate.ts';
import { OFFICER_PAGES, officerNav } from '../officers/nav.ts';
import { plainText } from '../plain-text.ts';
import { recordId } from '../record-id.ts';
import { healthSettings } from '../settings.ts';
import { decideOutage, readOutages, requestOutage } from './store.ts';

const LIST = '/health/officer/outages';
const required = 'platform.form.required';

const OutageForm = z.object({
  day: z.string(required).max(10),
  reason: plainText({ max: 200, missing: required }),
});

/** `/health/officer/outages`: a day on which check-ins could not be taken takes two officers. */
export function outageRoutes(router: Router, deps: OfficerDeps): void {
  const { db, pages } = deps;
  const gate = officerGate(deps);
  const roles = OFFICER_PAGES.outages ?? [];

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
  const back = (ctx: Context, done: string) => {
    ctx.status = 303;
    ctx.redirect(`${LIST}?done=${done}`);
  };

  router.get(
    LIST,
    gate.form(roles, (ctx, officer) => show(ctx, officer)),
  );
  router.post(
    LIST,
    gate.act(roles, async (ctx, officer) => {
      const posted = formOf(ctx, OutageForm);
      const { errors } = posted.form;
      if (!officer.fresh) errors[''] = 'healthOffice.loginOld';
      if (!posted.ok) return show(ctx, officer, posted.form);
      const { first, today } = range(officer.now);
      const day = parseDay(posted.data.day);
      if (day === undefined || day < first || day > today) {
        const params = { from: formatDay(first), to: formatDay(today) };
        errors.day = { key: 'healthCode.declare.errors.dateRange', params };
      }
      if (Object.keys(errors).length > 0 || day === undefined) return show(ctx, officer, posted.form);
      const { reason } = posted.data;
      await db.transaction((tx) => requestOutage(tx, { officer, day, reason, now: officer.now }));
      back(ctx, 'requested');
    }),
  );
  for (const [name, approve, done] of [
    ['approve', true, 'approved'],
    ['refuse', false, 'refused'],
  ] as const) {
    router.post(
      `${LIST}/:id/${name}`,
      gate.act(
        ['health_approver'],
        async (ctx, officer) => {
          const id = recordId(ctx.params.id);
          await db.transaction((tx) => decideOutage(tx, { officer, id, approve, now: officer.now }));
          back(ctx, done);
        },
        () => LIST,
      ),
    );
  }
}
