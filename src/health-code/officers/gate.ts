import type { Context } from 'koa';
import type { Clock } from '../../platform/clock.ts';
import type { Database, Queryable } from '../../platform/database.ts';
import type { Cipher } from '../../platform/field-encryption.ts';
import type { Pages } from '../../platform/pages.ts';
import { Problem } from '../../platform/problem.ts';
import type { Peers } from '../exchange/peers.ts';
import { healthSettings } from '../settings.ts';
import { mayHave, type Role } from './roles.ts';
import { type Grant, rolesOf } from './store.ts';

/** Who is logged in at intermediate or above. */
export interface OfficerSession {
  citizenId: string;
  /** Whether the login is as new as was asked. */
  fresh: boolean;
}

export interface OfficerDeps {
  db: Database;
  cipher: Cipher;
  pages: Pages;
  clock: Clock;
  /** Province codes known besides `config/provinces.json`, in ID numbers of orders. */
  extraProvinces?: readonly string[] | undefined;
  /** The other provinces as they are configured now. */
  peers?: (() => Promise<Peers | undefined>) | undefined;
  /**
   * Who is logged in at intermediate or above, or undefined when the browser was sent to log in.
   *
   * @param wish.within how old the login may be, in seconds. A page is asked for with a new login; of a form that
   *   was posted `fresh` tells, so that nothing typed is lost.
   */
  officerSignedIn(
    ctx: Context,
    wish: { backTo: string; within?: number; ask: boolean },
  ): Promise<OfficerSession | undefined>;
}

export interface Officer {
  citizenId: string;
  /** For the audit log. */
  actor: string;
  roles: ReadonlySet<Role>;
  /** The role, among these, in which the officer acts, with the organisation that it is held for. */
  as(...roles: Role[]): Grant | undefined;
  /** The login is new enough to act. */
  fresh: boolean;
  now: Date;
}

export type OfficerPage = (ctx: Context, officer: Officer) => Promise<void>;

export interface OfficerGate {
  /** A page that only shows; who has one of `roles` sees it. */
  look(roles: readonly Role[], page: OfficerPage): (ctx: Context) => Promise<void>;
  /** A page with a form to act by: needs a recent login before anything is typed. */
  form(roles: readonly Role[], page: OfficerPage): (ctx: Context) => Promise<void>;
  /**
   * An act.
   * @param backTo the page of the form, for buttons: they are sent to log in again when that is too long ago.
   *   Without it the page itself looks at `officer.fresh`, and shows what was typed again.
   */
  act(
    roles: readonly Role[],
    page: OfficerPage,
    backTo?: (ctx: Context) => string,
  ): (ctx: Context) => Promise<void>;
}

/** Who may see and do what on the officers' pages. Roles are looked up at each request. */
export function officerGate({ db, clock, officerSignedIn }: OfficerDeps): OfficerGate {
  const { formMinutes, actMinutes } = healthSettings.officers;

  const handler =
    (
      roles: readonly Role[],
      page: OfficerPage,
      { within, ask, backTo }: { within?: number; ask: boolean; backTo?: (ctx: Context) => string },
    ) =>
    async (ctx: Context): Promise<void> => {
      ctx.set('cache-control', 'no-store');
      const wish = { backTo: backTo?.(ctx) ?? ctx.path, ask, ...(within && { within: within * 60 }) };
      const session = await officerSignedIn(ctx, wish);
      if (!session) return;
      await page(ctx, await officerOf(db, session, roles, clock()));
    };

  return {
    look: (roles, page) => handler(roles, page, { ask: true }),
    form: (roles, page) => handler(roles, page, { within: formMinutes, ask: true }),
    act: (roles, page, backTo) =>
      handler(roles, page, {
        within: actMinutes,
        ask: backTo !== undefined,
        ...(backTo && { backTo }),
      }),
  };
}

/**
 * The officer with the roles that count: one that was granted for the wrong kind of organisation is none.
 *
 * @throws Problem 403 `health_not_officer` without any of the `needed` roles, `health_order_org` when only the
 * organisation is not the right one.
 */
async function officerOf(
  db: Queryable,
  { citizenId, fresh }: OfficerSession,
  needed: readonly Role[],
  now: Date,
): Promise<Officer> {
  const granted = await rolesOf(db, citizenId);
  const grants = granted.filter(({ role, orgType }) => mayHave(role, orgType));
  const has = (list: readonly Grant[]) => list.some(({ role }) => needed.includes(role));
  if (!has(grants)) throw new Problem(has(granted) ? 'health_order_org' : 'health_not_officer', 403);
  return {
    citizenId,
    actor: `officer:${citizenId}`,
    roles: new Set(grants.map(({ role }) => role)),
    as: (...roles) => grants.find(({ role }) => roles.includes(role)),
    fresh,
    now,
  };
}
