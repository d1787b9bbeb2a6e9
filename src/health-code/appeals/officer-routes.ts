import type Router from '@koa/router';
import type { Context } from 'koa';
import { z } from 'zod';
import { recordAccess } from '../../audit/access-log.ts';
import { record } from '../../audit/log.ts';
import { departmentName } from '../../departments/department-name.ts';
import { type FormState, formOf } from '../../platform/http/forms.ts';
import { Problem } from '../../platform/problem.ts';
import { requireActivation } from '../activation.ts';
import { withRules } from '../citizen-page.ts';
import { decideFor } from '../decide.ts';
import { type Officer, type OfficerDeps, officerGate } from '../officers/gate.ts';
import { officerNav } from '../officers/nav.ts';
import { requireOthersAppeal } from '../officers/own-case.ts';
import { readHolder } from '../people.ts';
import { plainText } from '../plain-text.ts';
import { recordId } from '../record-id.ts';
import { healthSettings } from '../settings.ts';
import { claimAppeal, decideAppeal, releaseAppeal } from './decide-appeal.ts';
import { findAppeal, readItems, workList } from './store.ts';

const DecideForm = z.object({
  outcome: z.enum(['upheld', 'rejected'], 'healthOffice.appeal.errors.outcome'),
  answer: plainText({ min: 10, max: 2_000, missing: 'healthOffice.appeal.errors.answer' }),
});

const LIST = '/health/officer/appeals';

/** `/health/officer/appeals`: the work list, and one appeal with what it is about. */
export function appealOfficerRoutes(router: Router, deps: OfficerDeps): void {
  const { db, cipher, pages } = deps;
  const gate = officerGate(deps);
  const item = `${LIST}/:id`;
  const backToItem = (ctx: Context) => `${LIST}/${recordId(ctx.params.id)}`;

  router.get(
    LIST,
    gate.look(['health_officer'], async (ctx, officer) => {
      await requireActivation(db, officer.now);
      const freeAfter = new Date(officer.now.getTime() - healthSettings.appeals.claimHours * 3_600_000);
      const after = typeof ctx.query.after === 'string' ? ctx.query.after : undefined;
      const list = await workList(db, { officerId: officer.citizenId, freeAfter, after });
      pages.render(ctx, 'health-code/officer/appeals', {
        ...list,
        later: after !== undefined,
        nav: officerNav(pages, ctx, officer, 'appeals'),
        me: officer.citizenId,
        now: officer.now,
        done: ['upheld', 'rejected', 'released'].find((done) => done === ctx.query.done),
      });
    }),
  );

  /** The appeal with the little of its citizen that it takes to decide; the citizen sees that it was looked at. */
  async function show(ctx: Context, officer: Officer, form?: FormState): Promise<void> {
    await requireActivation(db, officer.now);
    const appeal = await findAppeal(db, cipher, recordId(ctx.params.id));
    if (!appeal) throw new Problem('health_no_record', 404);
    const { citizenId } = appeal;
    await requireOthersAppeal(db, { appealId: appeal.id, officerId: officer.citizenId });
    const mine = appeal.state === 'open' && appeal.claimedBy === officer.citizenId;
    const holder = mine ? await readHolder(db, cipher, citizenId) : undefined;
    const about =
      holder && (await readItems(db, { citizenId, appealId: appeal.id, subject: holder.subject }));
    for (const item of about ?? []) {
      if (item.kind === 'order' && item.source)
        item.source = await departmentName(db, item.source, ctx.state.locale);
    }
    const decision =
      mine && (await withRules(() => db.transaction((tx) => decideFor(tx, citizenId, officer.now))));
    if (mine) {
      await db.transaction(async (tx) => {
        const at = officer.now;
        const seen = { citizenId, clientId: 'health_office', purpose: 'health_appeal' };
        await recordAccess(tx, { ...seen, what: ['name', 'health_appeal', 'health_code'], at });
        await record(tx, { type: 'health.appeal_seen', citizenId, actor: officer.actor, at });
      });
    }
    pages.render(ctx, 'health-code/officer/appeal', {
      nav: officerNav(pages, ctx, officer, 'appeals'),
      appeal,
      mine,
      holder,
      about,
      decision,
      now: officer.now,
      form,
    });
  }

  router.get(
    item,
    gate.form(['health_officer'], (ctx, officer) => show(ctx, officer)),
  );
  router.post(
    `${item}/claim`,
    gate.act(
      ['health_officer'],
      async (ctx, officer) => {
        await requireActivation(db, officer.now);
        const id = recordId(ctx.params.id);
        await db.transaction((tx) => claimAppeal(tx, { officer, id, now: officer.now }));
        ctx.status = 303;
        ctx.redirect(`${LIST}/${id}`);
      },
      backToItem,
    ),
  );
  router.post(
    `${item}/release`,
    gate.act(
      ['health_officer'],
      async (ctx, officer) => {
        await db.transaction((tx) =>
          releaseAppeal(tx, { officer, id: recordId(ctx.params.id), now: officer.now }),
        );
        ctx.status = 303;
        ctx.redirect(`${LIST}?done=released`);
      },
      backToItem,
    ),
  );
  router.post(
    item,
    gate.act(['health_officer'], async (ctx, officer) => {
      const posted = formOf(ctx, DecideForm);
      if (!officer.fresh) posted.form.errors[''] = 'healthOffice.loginOld';
      if (!posted.ok || !officer.fresh) return show(ctx, officer, posted.form);
      await requireActivation(db, officer.now);
      const decided = { officer, id: recordId(ctx.params.id), ...posted.data, now: officer.now };
      await withRules(() => db.transaction((tx) => decideAppeal(tx, cipher, decided)));
      ctx.status = 303;
      ctx.redirect(`${LIST}?done=${posted.data.outcome}`);
    }),
  );
}
