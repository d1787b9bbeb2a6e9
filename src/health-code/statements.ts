import type Router from '@koa/router';
import { sameName } from '../citizens/names.ts';
import { type FormState, formOf } from '../platform/http/forms.ts';
import { checkedInSince, checkIn } from './checkin.ts';
import { type CitizenPage, citizenPages, type HealthDeps, healthNav, type Me } from './citizen-page.ts';
import { declare } from './declare.ts';
import { formatDay } from './engine/civil-day.ts';
import {
  CheckinForm,
  DeclareForm,
  exposureDays,
  parseTemperature,
  readDeclaration,
  symptomsOf,
  temperatureError,
} from './forms.ts';
import { noteGuardianAct } from './guardian-acts.ts';
import { rulesInForce } from './rules-in-force.ts';
import { healthSettings } from './settings.ts';
import { family, type Shown, speaker, whose } from './show/whose.ts';

/** The address of a page of somebody: the citizen's own, or of a child or an elder. */
export const pageOf = (name: string, guardianship: string | undefined): string =>
  guardianship === undefined ? `/health/${name}` : `/health/${name}/of/${guardianship}`;

/** The chooser of a page: the same page of everybody whom the citizen may act for. */
export const chooserOf = async (deps: HealthDeps, me: Me, name: string, guardianship: string | undefined) =>
  (await family(deps, me, guardianship)).map(({ href, ...link }) => ({
    ...link,
    href: href.replace('/code', `/${name}`),
  }));

/** `/health/declare` and `/health/checkin`, and both `/of/:of` somebody whom the citizen acts for. */
export function statementRoutes(router: Router, deps: HealthDeps): void {
  const { db, cipher, pages } = deps;
  const forCitizen = citizenPages(deps);

  /** What both pages say about whom they are for. */
  const about = async (me: Me, name: string, { holder, guardianship }: Shown) => ({
    home: pageOf(name, guardianship),
    about: guardianship === undefined ? undefined : holder.maskedName,
    family: await chooserOf(deps, me, name, guardianship),
  });

  async function showDeclaration(ctx: Parameters<CitizenPage>[0], me: Me, form?: FormState): Promise<void> {
    const shown = await whose(deps, me, ctx.params.of);
    const { first, today } = exposureDays(me.now, await rulesInForce(db, me.now));
    pages.render(ctx, 'health-code/declare', {
      nav: healthNav(pages, ctx, 'declare'),
      ...(await about(me, 'declare', shown)),
      form,
      firstDay: formatDay(first),
      today: formatDay(today),
      symptoms: healthSettings.symptoms,
      keepDays: healthSettings.keepDays.declarations,
    });
  }
  const postDeclaration: CitizenPage = async (ctx, me) => {
    const { now, sessionUid } = me;
    const shown = await whose(deps, me, ctx.params.of);
    const posted = formOf(ctx, DeclareForm);
    if (!posted.ok) return showDeclaration(ctx, me, posted.form);
    const { errors } = posted.form;
    const declared = readDeclaration(posted.data, now, await rulesInForce(db, now), errors);
    // Whoever declares signs, also for somebody else.
    if (!sameName(declared.signature, me.holder.name))
      errors.signature = 'healthCode.declare.errors.signature';
    if (Object.keys(errors).length > 0) return showDeclaration(ctx, me, posted.form);
    const { holder } = shown;
    const declaredBy = speaker(me, shown);
    await db.transaction(async (tx) => {
      await declare(tx, cipher, { holder, declared, declaredBy, sessionUid, now });
      await noteGuardianAct(tx, { ...holder, by: declaredBy, what: 'health_declaration', now });
    });
    ctx.status = 303;
    ctx.redirect(`${pageOf('code', shown.guardianship)}?done=declared`);
  };

  async function showCheckin(ctx: Parameters<CitizenPage>[0], me: Me, form?: FormState): Promise<void> {
    const shown = await whose(deps, me, ctx.params.of);
    const { today } = exposureDays(me.now);
    pages.render(ctx, 'health-code/checkin', {
      nav: healthNav(pages, ctx, 'checkin'),
      ...(await about(me, 'checkin', shown)),
      form,
      now: me.now,
      symptoms: healthSettings.symptoms,
      doneToday: (await checkedInSince(db, shown.holder.citizenId, today)).has(today),
    });
  }
  const postCheckin: CitizenPage = async (ctx, me) => {
    const { now, sessionUid } = me;
    const shown = await whose(deps, me, ctx.params.of);
    const posted = formOf(ctx, CheckinForm);
    if (!posted.ok) return showCheckin(ctx, me, posted.form);
    const { temperature } = await rulesInForce(db, now);
    const temp = parseTemperature(posted.data.temperature, temperature);
    if (temp === undefined) {
      posted.form.errors.temperature = temperatureError(temperature);
      return showCheckin(ctx, me, posted.form);
    }
    const said = { temp, symptoms: symptomsOf(posted.data) };
    const { citizenId } = shown.holder;
    const saidBy = speaker(me, shown);
    await db.transaction(async (tx) => {
      await checkIn(tx, { citizenId, said, saidBy, sessionUid, now });
      await noteGuardianAct(tx, { citizenId, by: saidBy, what: 'health_checkin', now });
    });
    ctx.status = 303;
    ctx.redirect(`${pageOf('code', shown.guardianship)}?done=checkedIn`);
  };

  for (const [path, show, post] of [
    ['/health/declare', showDeclaration, postDeclaration],
    ['/health/checkin', showCheckin, postCheckin],
  ] as const) {
    for (const address of [path, `${path}/of/:of`]) {
      router.get(
        address,
        forCitizen((ctx, me) => show(ctx, me)),
      );
      router.post(address, forCitizen(post));
    }
  }
}
