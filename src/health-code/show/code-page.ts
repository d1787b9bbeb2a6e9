import { createHash } from 'node:crypto';
import type Router from '@koa/router';
import { z } from 'zod';
import { lifetimes } from '../../platform/lifetimes.ts';
import { Problem } from '../../platform/problem.ts';
import { qrSvg } from '../../platform/qr.ts';
import type { Decision } from '../assess.ts';
import { type CitizenPage, citizenAnswers, citizenPages, healthNav } from '../citizen-page.ts';
import { decideFor } from '../decide.ts';
import { readDecisions } from '../decision-store.ts';
import { noteGuardianLook } from '../guardian-acts.ts';
import type { ShowDeps } from './deps.ts';
import { issueOnline } from './online-code.ts';
import { family, speaker, whose } from './whose.ts';

const timeZone = 'Asia/Shanghai';
const CLOCKS = { 'zh-CN': dateClock('zh-CN'), en: dateClock('en') };
/** `2026年11月23日 10:00:05`, China's time; the page's script writes it in the same way. */
function dateClock(locale: string): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat(locale, {
    timeZone,
    dateStyle: 'long',
    timeStyle: 'medium',
    hourCycle: 'h23',
  });
}
/** `10:00:55` */
const END = new Intl.DateTimeFormat('sv-SE', { timeZone, timeStyle: 'medium' });

/** What scripts post: whose code, by the guardianship; nothing for one's own. */
export const ForBody = z.object({ for: z.string().optional() });

/** Tells browsers apart whose codes they keep, and nothing else. */
export const ownerMark = (citizenId: string): string =>
  createHash('sha256').update(`health ${citizenId}`).digest('base64url').slice(0, 16);

/**
 * `/health/code`: the colour, why, what to do next, and a code for the door; `/health/code/of/:id` for somebody the
 * citizen acts for; `POST /health/code/online` the next code, for the page's script.
 */
export function codePage(router: Router, deps: ShowDeps): void {
  const { db, pages } = deps;
  const forCitizen = citizenPages(deps);

  const show: CitizenPage = async (ctx, me) => {
    const { now } = me;
    const whoseCode = await whose(deps, me, ctx.params.id);
    const { holder, guardianship } = whoseCode;
    const decision = await db.transaction(async (tx) => {
      await noteGuardianLook(tx, { ...holder, by: speaker(me, whoseCode), what: 'health_code', now });
      return decideFor(tx, holder.citizenId, now);
    });
    const run = decision.trace.filter(({ code }) => code === 'run').at(-1);
    const shown = decision.colour === 'GREY' ? undefined : await issueOnline(db, { ...holder, now });
    pages.render(ctx, 'health-code/code', {
      nav: healthNav(pages, ctx, 'code'),
      decision,
      holder,
      guardianship,
      owner: ownerMark(me.holder.citizenId),
      family: await family(deps, me, guardianship),
      shown: shown && { ...shown, svg: qrSvg(shown.code), seconds: lifetimes.healthCode },
      self: ctx.path,
      now,
      clockNow: CLOCKS[ctx.state.locale === 'en' ? 'en' : 'zh-CN'].format(now),
      clockEnd: shown && END.format(shown.expiresAt),
      step: nextStep(decision),
      sources: sourcesShown(decision),
      runDays: ['RED', 'YELLOW'].includes(decision.colour) ? run?.days : undefined,
      history: await readDecisions(db, holder.citizenId, 10),
      done: ['declared', 'checkedIn', 'withdrawn'].find((done) => done === ctx.query.done),
    });
  };
  router.get('/health/code', forCitizen(show));
  router.get('/health/code/of/:id', forCitizen(show));

  router.post(
    '/health/code/online',
    citizenAnswers(deps)(async (ctx, me) => {
      const body = ForBody.safeParse(ctx.request.body);
      if (!body.success) throw new Problem('bad_request', 400);
      const { now } = me;
      const whoseCode = await whose(deps, me, body.data.for);
      const { holder } = whoseCode;
      const { colour, reasons } = await db.transaction(async (tx) => {
        await noteGuardianLook(tx, { ...holder, by: speaker(me, whoseCode), what: 'health_code', now });
        return decideFor(tx, holder.citizenId, now);
      });
      if (colour === 'GREY') throw new Problem('health_no_code', 409);
      const { code, expiresAt } = await issueOnline(db, { ...holder, now });
      ctx.body = {
        code,
        svg: qrSvg(code),
        seconds: (expiresAt.getTime() - now.getTime()) / 1_000,
        now: now.getTime(),
        colour,
        reasons,
      };
    }),
  );
}

/** What a page says that a decision rests on. A declaration without anything in it makes green, too. */
const sourcesShown = ({ sources, colour, input }: Decision): string[] =>
  colour !== 'GREY' && input.declaration ? [...new Set([...sources, 'declaration'])] : sources;

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
