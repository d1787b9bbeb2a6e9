import Router from '@koa/router';
import type { Context } from 'koa';
import { sameName } from '../citizens/names.ts';
import { bodyParser, type FormState, formOf } from '../platform/http/forms.ts';
import { appealRoutes } from './appeals/routes.ts';
import { checkedInSince, checkIn } from './checkin.ts';
import { citizenPages, type HealthDeps, healthNav } from './citizen-page.ts';
import { declare } from './declare.ts';
import { doorRoutes } from './door/routes.ts';
import { formatDay } from './engine/civil-day.ts';
import { ruleSetAt, ruleSets } from './engine/rule-set.ts';
import {
  CheckinForm,
  DeclareForm,
  exposureDays,
  parseTemperature,
  readDeclaration,
  symptomsOf,
  temperatureError,
} from './forms.ts';
import { healthSettings } from './settings.ts';
import { openHealthKeys } from './show/keys.ts';
import { showRoutes } from './show/routes.ts';

/** The citizen's pages of the health code: `/health/code`, `/health/declare`, `/health/checkin`. */
export function healthRoutes(deps: HealthDeps): Router {
  const { db, cipher, pages } = deps;
  const forCitizen = citizenPages(deps);
  const router = new Router();

  const temperatures = (now: Date) => (ruleSetAt(ruleSets, now.getTime()) ?? ruleSets[0]!).temperature;

  router.use('/health', bodyParser());
  router.get('/health', (ctx) => ctx.redirect('/health/code'));

  const keys = openHealthKeys(db, cipher);
  showRoutes(router, { ...deps, keys });
  doorRoutes(router, { ...deps, keys });
  appealRoutes(router, deps);

  const showDeclaration = (ctx: Context, now: Date, form?: FormState) => {
    const { first, today } = exposureDays(now);
    pages.render(ctx, 'health-code/declare', {
      nav: healthNav(pages, ctx, 'declare'),
      form,
      firstDay: formatDay(first),
      today: formatDay(today),
      symptoms: healthSettings.symptoms,
      keepDays: healthSettings.keepDays.declarations,
    });
  };
  router.get(
    '/health/declare',
    forCitizen(async (ctx, { now }) => showDeclaration(ctx, now)),
  );
  router.post(
    '/health/declare',
    forCitizen(async (ctx, { holder, sessionUid, now }) => {
      const posted = formOf(ctx, DeclareForm);
      if (!posted.ok) return showDeclaration(ctx, now, posted.form);
      const { errors } = posted.form;
      const declared = readDeclaration(posted.data, now, temperatures(now), errors);
      if (!sameName(declared.signature, holder.name))
        errors.signature = 'healthCode.declare.errors.signature';
      if (Object.keys(errors).length > 0) return showDeclaration(ctx, now, posted.form);
      await db.transaction((tx) => declare(tx, cipher, { holder, declared, sessionUid, now }));
      ctx.status = 303;
      ctx.redirect('/health/code?done=declared');
    }),
  );

  const showCheckin = async (ctx: Context, citizenId: string, now: Date, form?: FormState) => {
    const { today } = exposureDays(now);
    pages.render(ctx, 'health-code/checkin', {
      nav: healthNav(pages, ctx, 'checkin'),
      form,
      now,
      symptoms: healthSettings.symptoms,
      doneToday: (await checkedInSince(db, citizenId, today)).has(today),
    });
  };
  router.get(
    '/health/checkin',
    forCitizen((ctx, { holder, now }) => showCheckin(ctx, holder.citizenId, now)),
  );
  router.post(
    '/health/checkin',
    forCitizen(async (ctx, { holder: { citizenId }, sessionUid, now }) => {
      const posted = formOf(ctx, CheckinForm);
      if (!posted.ok) return showCheckin(ctx, citizenId, now, posted.form);
      const temp = parseTemperature(posted.data.temperature, temperatures(now));
      if (temp === undefined) {
        posted.form.errors.temperature = temperatureError(temperatures(now));
        return showCheckin(ctx, citizenId, now, posted.form);
      }
      const said = { temp, symptoms: symptomsOf(posted.data) };
      await db.transaction((tx) => checkIn(tx, { citizenId, said, sessionUid, now }));
      ctx.status = 303;
      ctx.redirect('/health/code?done=checkedIn');
    }),
  );
  return router;
}
