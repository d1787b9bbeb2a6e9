import Router from '@koa/router';
import type { Context } from 'koa';
import { sameName } from '../citizens/names.ts';
import type { Clock } from '../platform/clock.ts';
import type { Database } from '../platform/database.ts';
import type { Cipher } from '../platform/field-encryption.ts';
import { bodyParser, type FormState, formOf } from '../platform/http/forms.ts';
import type { Pages } from '../platform/pages.ts';
import { Problem } from '../platform/problem.ts';
import { requireActivation } from './activation.ts';
import type { Decision } from './assess.ts';
import { checkedInSince, checkIn } from './checkin.ts';
import { decideFor, NoRuleSet } from './decide.ts';
import { readDecisions } from './decision-store.ts';
import { declare } from './declare.ts';
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
import { type Holder, readHolder } from './people.ts';
import { healthSettings } from './settings.ts';

export interface HealthDeps {
  db: Database;
  cipher: Cipher;
  pages: Pages;
  clock: Clock;
  /** Who is logged in in this browser; undefined when it was sent to log in first. */
  signedIn(ctx: Context): Promise<{ citizenId: string; sessionUid?: string | undefined } | undefined>;
}

/** The citizen's pages of the health code: `/health/code`, `/health/declare`, `/health/checkin`. */
export function healthRoutes(deps: HealthDeps): Router {
  const { db, cipher, pages, clock, signedIn } = deps;
  const router = new Router();

  /** Runs a page for the citizen who is logged in, while the module is on. */
  const forCitizen =
    (
      page: (
        ctx: Context,
        me: { holder: Holder; sessionUid?: string | undefined; now: Date },
      ) => Promise<void>,
    ) =>
    async (ctx: Context): Promise<void> => {
      const now = clock();
      await requireActivation(db, now);
      const me = await signedIn(ctx);
      if (!me) return;
      const holder = await readHolder(db, cipher, me.citizenId);
      try {
        await page(ctx, { holder, sessionUid: me.sessionUid, now });
      } catch (error) {
        if (error instanceof NoRuleSet) throw new Problem('health_unavailable', 503, {}, { cause: error });
        throw error;
      }
    };

  const nav = (ctx: Context, current: string) =>
    ['code', 'checkin', 'declare'].map((name) => ({
      href: `/health/${name}`,
      label: pages.t(ctx)(`healthCode.nav.${name}`),
      current: name === current,
    }));

  const temperatures = (now: Date) => (ruleSetAt(ruleSets, now.getTime()) ?? ruleSets[0]!).temperature;

  router.use('/health', bodyParser());
  router.get('/health', (ctx) => ctx.redirect('/health/code'));

  router.get(
    '/health/code',
    forCitizen(async (ctx, { holder, now }) => {
      const decision = await db.transaction((tx) => decideFor(tx, holder.citizenId, now));
      const run = decision.trace.filter(({ code }) => code === 'run').at(-1);
      pages.render(ctx, 'health-code/code', {
        nav: nav(ctx, 'code'),
        decision,
        holder,
        step: nextStep(decision),
        runDays: ['RED', 'YELLOW'].includes(decision.colour) ? run?.days : undefined,
        history: await readDecisions(db, holder.citizenId, 10),
        done: ['declared', 'checkedIn'].find((done) => done === ctx.query.done),
      });
    }),
  );

  const showDeclaration = (ctx: Context, now: Date, form?: FormState) => {
    const { first, today } = exposureDays(now);
    pages.render(ctx, 'health-code/declare', {
      nav: nav(ctx, 'declare'),
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
      nav: nav(ctx, 'checkin'),
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

/** Which advice goes with a decision: a key below `healthCode.next`. */
export function nextStep({ colour, reasons, earliestExit, rules }: Decision): string {
  const [first = ''] = reasons;
  if (first === rules.grey.level) return 'level';
  if (colour === 'GREY') return 'declare';
  if (Object.values(rules.overrides.codes).includes(first)) return 'order';
  if (colour === 'GREEN') return 'green';
  if (colour === 'YELLOW') return 'run';
  if (first === rules.red.unproven) return 'prove';
  return earliestExit ? 'clock' : 'openCase';
}
