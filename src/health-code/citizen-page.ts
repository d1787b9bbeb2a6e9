import type { Context } from 'koa';
import type { Clock } from '../platform/clock.ts';
import type { Database } from '../platform/database.ts';
import type { Cipher } from '../platform/field-encryption.ts';
import type { Limits } from '../platform/limits.ts';
import type { Pages } from '../platform/pages.ts';
import { Problem } from '../platform/problem.ts';
import { requireActivation } from './activation.ts';
import { type Holder, readHolder } from './people.ts';
import { NoRuleSet } from './rules-in-force.ts';

/** Who is logged in in this browser. */
export interface SignedIn {
  citizenId: string;
  sessionUid?: string | undefined;
}

export interface HealthDeps {
  db: Database;
  cipher: Cipher;
  pages: Pages;
  clock: Clock;
  limits: Limits;
  /** The public origin. */
  issuer: string;
  /** Who is logged in in this browser; undefined when it was sent to log in first. */
  signedIn(ctx: Context): Promise<SignedIn | undefined>;
  /** The same for requests of scripts, which are sent nowhere. */
  current(ctx: Context): Promise<SignedIn | undefined>;
}

/** What a page is told about the citizen who looks at it. */
export interface Me {
  holder: Holder;
  sessionUid?: string | undefined;
  now: Date;
}

export type CitizenPage = (ctx: Context, me: Me) => Promise<void>;

/** Makes handlers of pages for the citizen who is logged in, while the module is on. */
export const citizenPages = (deps: HealthDeps) => handlers(deps, deps.signedIn);

/** The same for what scripts ask for: JSON, and 401 `health_not_signed_in` instead of a way to log in. */
export const citizenAnswers = (deps: HealthDeps) =>
  handlers(deps, async (ctx) => {
    ctx.state.api = true;
    const me = await deps.current(ctx);
    if (!me) throw new Problem('health_not_signed_in', 401);
    return me;
  });

function handlers({ db, cipher, clock }: HealthDeps, who: HealthDeps['signedIn']) {
  return (page: CitizenPage) =>
    async (ctx: Context): Promise<void> => {
      const now = clock();
      await requireActivation(db, now);
      const me = await who(ctx);
      if (!me) return;
      const holder = await readHolder(db, cipher, me.citizenId);
      await withRules(() => page(ctx, { holder, sessionUid: me.sessionUid, now }));
    };
}

/** @throws Problem `health_unavailable` 503 where `work` finds no rule set in force. */
export async function withRules<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof NoRuleSet) throw new Problem('health_unavailable', 503, {}, { cause: error });
    throw error;
  }
}

const PAGES = ['code', 'checkin', 'declare', 'travel', 'family', 'appeals'];

/** The links between the citizen's health pages. */
export const healthNav = (pages: Pages, ctx: Context, current: string) =>
  PAGES.map((name) => ({
    href: `/health/${name}`,
    label: pages.t(ctx)(`healthCode.nav.${name}`),
    current: name === current,
  }));
