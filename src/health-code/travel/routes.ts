import Router from '@koa/router';
import type { Context } from 'koa';
import { z } from 'zod';
import provinceNames from '../../../config/provinces.json' with { type: 'json' };
import { sameName } from '../../citizens/names.ts';
import { readCitizen } from '../../citizens/store.ts';
import { bodyParser, type FormState, formOf } from '../../platform/http/forms.ts';
import { Problem } from '../../platform/problem.ts';
import { type CitizenPage, citizenPages, type HealthDeps, healthNav, type Me } from '../citizen-page.ts';
import { formatDay } from '../engine/civil-day.ts';
import { exposureDays } from '../forms.ts';
import { noteGuardianAct, noteGuardianLook } from '../guardian-acts.ts';
import { provinceName } from '../province-name.ts';
import { healthSettings } from '../settings.ts';
import { speaker, whose } from '../show/whose.ts';
import { chooserOf, pageOf } from '../statements.ts';
import { readTrip, TravelForm } from './form.ts';
import { declareTrip, readTrips, WAYS, withdrawTrip } from './trip.ts';

export interface TravelDeps extends HealthDeps {
  /** Province codes known besides `config/provinces.json`. */
  extraProvinces: readonly string[];
}

const Withdrawal = z.object({ trip: z.string() });

/** `/health/travel`: where somebody was, when and how; `/health/travel/of/:of` for a child or an elder. */
export function travelRoutes(deps: TravelDeps): Router {
  const { db, cipher, pages } = deps;
  const forCitizen = citizenPages(deps);
  const router = new Router();
  const provinces = [...Object.keys(provinceNames), ...deps.extraProvinces];
  const nameOf = (ctx: Context, code: string) =>
    provinceName(code, ctx.state.locale) ?? pages.t(ctx)('healthTravel.thisProvince');
  const home = (guardianship: string | undefined) => pageOf('travel', guardianship);

  async function show(ctx: Context, me: Me, form?: FormState): Promise<void> {
    const shown = await whose(deps, me, ctx.params.of);
    const { holder, guardianship } = shown;
    const { first, today } = exposureDays(me.now);
    const trips = await readTrips(db, cipher, holder.citizenId);
    await noteGuardianLook(db, { ...holder, by: speaker(me, shown), what: 'declared_travel', now: me.now });
    pages.render(ctx, 'health-code/travel', {
      nav: healthNav(pages, ctx, 'travel'),
      form,
      home: home(guardianship),
      holder,
      acting: guardianship !== undefined,
      family: await chooserOf(deps, me, 'travel', guardianship),
      firstDay: formatDay(first),
      today: formatDay(today),
      provinces: provinces.map((value) => ({ value, label: nameOf(ctx, value) })),
      ways: WAYS,
      keepDays: healthSettings.keepDays.declarations,
      trips: trips.map((trip) => ({
        ...trip,
        where: `${nameOf(ctx, trip.province)} ${trip.city}`,
        from: formatDay(trip.from),
        to: formatDay(trip.to),
      })),
      done: ['declared', 'withdrawn'].find((done) => done === ctx.query.done),
    });
  }

  const declare: CitizenPage = async (ctx, me) => {
    const shown = await whose(deps, me, ctx.params.of);
    const { holder, guardianship } = shown;
    const posted = formOf(ctx, TravelForm);
    if (!posted.ok) return show(ctx, me, posted.form);
    const { errors } = posted.form;
    const trip = readTrip(posted.data, me.now, provinces, errors);
    // A guardian signs with their own name.
    if (!sameName(trip.signature, me.holder.name)) errors.signature = 'healthTravel.errors.signature';
    if (Object.keys(errors).length > 0) return show(ctx, me, posted.form);
    const declaredBy = speaker(me, shown);
    const ask = (await readCitizen(db, cipher, holder.citizenId))?.phone !== undefined;
    try {
      await db.transaction(async (tx) => {
        await declareTrip(tx, cipher, {
          holder,
          trip,
          ask,
          declaredBy,
          sessionUid: me.sessionUid,
          now: me.now,
        });
        await noteGuardianAct(tx, { ...holder, by: declaredBy, what: 'declared_travel', now: me.now });
      });
    } catch (error) {
      if (!(error instanceof Problem && error.code === 'health_trip_known')) throw error;
      errors.province = 'healthTravel.errors.known';
      return show(ctx, me, posted.form);
    }
    ctx.status = 303;
    ctx.redirect(`${home(guardianship)}?done=declared`);
  };

  const withdraw: CitizenPage = async (ctx, me) => {
    const shown = await whose(deps, me, ctx.params.of);
    const posted = formOf(ctx, Withdrawal);
    const id = posted.ok ? posted.data.trip : '';
    const { holder, guardianship } = shown;
    const by = speaker(me, shown);
    await db.transaction(async (tx) => {
      if (await withdrawTrip(tx, { holder, id, by, sessionUid: me.sessionUid, now: me.now }))
        await noteGuardianAct(tx, { ...holder, by, what: 'declared_travel', now: me.now });
    });
    ctx.status = 303;
    ctx.redirect(`${home(guardianship)}?done=withdrawn`);
  };

  router.use('/health/travel', bodyParser());
  for (const base of ['/health/travel', '/health/travel/of/:of']) {
    router.get(base, forCitizen(show));
    router.post(base, forCitizen(declare));
    router.post(`${base}/withdraw`, forCitizen(withdraw));
  }
  return router;
}
