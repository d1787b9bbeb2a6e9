import Router from '@koa/router';
import type { Context } from 'koa';
import { z } from 'zod';
import { accountLevel } from '../../assurance/ladder.ts';
import { reaches } from '../../assurance/level.ts';
import { readEvidence } from '../../assurance/store.ts';
import { record } from '../../audit/log.ts';
import { endGuardianship, readDependants, readGuardians } from '../../citizens/guardianship.ts';
import { bodyParser, type FormState, formOf } from '../../platform/http/forms.ts';
import { Problem } from '../../platform/problem.ts';
import { type CitizenPage, citizenPages, healthNav, type Me } from '../citizen-page.ts';
import { withdrawAttestations } from '../show/attest.ts';
import { revokePapersBy } from '../show/paper.ts';
import { addChild } from './child.ts';
import type { FamilyDeps } from './deps.ts';
import { requestElder } from './elder.ts';
import { elderCodeRoutes } from './elder-code.ts';
import { readPerson } from './person.ts';

const needed = z.string('platform.form.required').trim().min(1, 'platform.form.required').max(300);
const agree = z.literal('yes', 'healthFamily.errors.agree');
const ChildForm = z.object({ name: needed, id_number: needed, agree });
const ElderForm = z.object({ name: needed, id_number: needed, phone: needed });
const EndForm = z.object({ id: z.string(), as: z.enum(['guardian', 'dependant']) });

const seeOther = (ctx: Context, to: string): void => {
  ctx.status = 303;
  ctx.redirect(to);
};

/** `/health/family`: for whom a citizen acts, who acts for them, and beginning or ending either. */
export function familyRoutes(deps: FamilyDeps): Router {
  const { db, cipher, pages, limits } = deps;
  const forCitizen = citizenPages(deps);
  const router = new Router();
  const nav = (ctx: Context) => healthNav(pages, ctx, 'family');

  /** Only whose own identity is confirmed may answer for somebody else's. */
  const forVouched = (page: CitizenPage) =>
    forCitizen(async (ctx, me) => {
      const { level } = accountLevel(await readEvidence(db, me.holder.citizenId), me.now);
      if (!reaches(level, 'basic')) throw new Problem('health_family_level', 403);
      return page(ctx, me);
    });
  /** Asking about people is slowed down, whoever is asked about. */
  const slowed = (me: Me) => limits.consume('proofing', `guardianship ${me.holder.citizenId}`);
  const showForm = (ctx: Context, kind: 'child' | 'elder', form?: FormState) =>
    pages.render(ctx, `health-code/family-${kind}`, { nav: nav(ctx), form });

  router.use('/health/family', bodyParser());

  router.get(
    '/health/family',
    forCitizen(async (ctx, { holder, now }) => {
      pages.render(ctx, 'health-code/family', {
        nav: nav(ctx),
        dependants: await readDependants(db, cipher, holder.citizenId, now),
        guardians: await readGuardians(db, cipher, holder.citizenId, now),
        done: ['child', 'elder', 'ended'].find((done) => done === ctx.query.done),
      });
    }),
  );

  router.post(
    '/health/family/end',
    forCitizen(async (ctx, { holder, sessionUid, now }) => {
      const posted = formOf(ctx, EndForm);
      if (!posted.ok) return seeOther(ctx, '/health/family');
      const { id, as } = posted.data;
      const me = holder.citizenId;
      const party = as === 'guardian' ? { guardianId: me } : { dependantId: me };
      await db.transaction(async (tx) => {
        const ended = await endGuardianship(tx, { id, party, now });
        if (!ended) return;
        const { dependantId: citizenId, guardianId } = ended;
        await withdrawAttestations(tx, { citizenId, shownBy: guardianId });
        const about = {
          citizenId,
          sessionUid,
          at: now,
          ...(as === 'guardian' && { actor: `guardian:${me}` }),
        };
        if ((await revokePapersBy(tx, { citizenId, issuedBy: guardianId, now })) > 0)
          await record(tx, { type: 'health.paper_revoked', ...about });
        await record(tx, { type: 'guardianship.ended', ...about });
      });
      seeOther(ctx, '/health/family?done=ended');
    }),
  );

  router.get(
    '/health/family/child',
    forVouched(async (ctx) => showForm(ctx, 'child')),
  );
  router.post(
    '/health/family/child',
    forVouched(async (ctx, me) => {
      const posted = formOf(ctx, ChildForm);
      if (!posted.ok) return showForm(ctx, 'child', posted.form);
      const { errors } = posted.form;
      const wrong: Record<string, string> = {};
      const child = readPerson(posted.data, 'child', { ...deps, now: me.now }, wrong);
      if (child) {
        await slowed(me);
        Object.assign(wrong, await addChild(deps, { guardianId: me.holder.citizenId, child, now: me.now }));
      }
      Object.assign(errors, wrong);
      if (Object.keys(errors).length > 0) return showForm(ctx, 'child', posted.form);
      seeOther(ctx, '/health/family?done=child');
    }),
  );

  router.get(
    '/health/family/elder',
    forVouched(async (ctx) => showForm(ctx, 'elder')),
  );
  router.post(
    '/health/family/elder',
    forVouched(async (ctx, me) => {
      const posted = formOf(ctx, ElderForm);
      if (!posted.ok) return showForm(ctx, 'elder', posted.form);
      const wrong: Record<string, string> = {};
      const elder = readPerson(posted.data, 'elder', { ...deps, now: me.now }, wrong);
      if (elder) {
        await slowed(me);
        const { phone } = posted.data;
        const guardianId = me.holder.citizenId;
        const requested = await requestElder(deps, { guardianId, elder, phone, now: me.now });
        if ('id' in requested) return seeOther(ctx, `/health/family/elder/${requested.id}`);
        Object.assign(wrong, requested.refused);
      }
      Object.assign(posted.form.errors, wrong);
      showForm(ctx, 'elder', posted.form);
    }),
  );

  elderCodeRoutes(router, deps, forVouched);
  return router;
}
