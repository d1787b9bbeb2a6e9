import Router from '@koa/router';
import { LEVELS } from '../assurance/level.ts';
import { ladderPolicy } from '../assurance/policy.ts';
import { lifetimes as defaultLifetimes, type Lifetimes } from '../platform/lifetimes.ts';
import { type LimitTable, readLimits } from '../platform/limits.ts';
import type { Pages } from '../platform/pages.ts';

/** Sections of the text pages; each has `title` and `text` under `information.<page>.<section>`. */
const SECTIONS = {
  help: [
    'noCode',
    'forgotPassword',
    'newPhone',
    'takenPhone',
    'noCamera',
    'raise',
    'minors',
    'fraud',
    'reference',
  ],
  privacy: ['kept', 'purpose', 'shared', 'biometrics', 'safety', 'duration', 'rights', 'cookies', 'contact'],
  accessibility: ['standard', 'large', 'dark', 'keyboard', 'script', 'ways', 'contact'],
} as const;

const HOUR = 60 * 60;

/** The numbers that the texts name, from the policy in force: what is promised is what is done. */
function figures(lifetimes: Lifetimes, limits: LimitTable) {
  return {
    resendSeconds: lifetimes.smsResend,
    codes: limits.sms_phone.points,
    codesHours: limits.sms_phone.seconds / HOUR,
    recoveryHours: lifetimes.recoveryCap / HOUR,
    lostPhoneHours: lifetimes.lostPhoneWait / HOUR,
    liveMinutes: (ladderPolicy.levels.advanced.session.liveCheckWithinSeconds ?? 0) / 60,
  };
}

/**
 * The platform's own pages, open to everybody: `/`, `/help`, `/privacy`, `/accessibility`.
 * @param policy the lifetimes and limits in force, where they are not those of `config/`.
 */
export function informationRoutes(
  pages: Pages,
  {
    lifetimes = defaultLifetimes,
    limits = readLimits(),
  }: { lifetimes?: Lifetimes; limits?: LimitTable } = {},
): Router {
  const router = new Router();
  const facts = figures(lifetimes, limits);
  router.get('/', (ctx) => pages.render(ctx, 'front-door/information/home', { levels: LEVELS, facts }));
  for (const [name, sections] of Object.entries(SECTIONS)) {
    router.get(`/${name}`, (ctx) =>
      pages.render(ctx, 'front-door/information/text', { name, sections, facts }),
    );
  }
  return router;
}
