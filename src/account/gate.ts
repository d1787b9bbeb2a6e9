import type { Context } from 'koa';
import { accountLevel, sessionStanding } from '../assurance/ladder.ts';
import { type Level, minLevel, reaches } from '../assurance/level.ts';
import { type LoadedStanding, loadStanding } from '../assurance/standing.ts';
import { type Citizen, readCitizen } from '../citizens/store.ts';
import type { Queryable } from '../platform/database.ts';
import { lifetimes } from '../platform/lifetimes.ts';
import { Problem } from '../platform/problem.ts';
import { findSessionByUid } from '../sessions/session-store.ts';
import type { AccountDeps } from './deps.ts';
import { type AccountSession, findAccountSession } from './session-store.ts';
import type { SignInPages } from './sign-in.ts';

/** The citizen whose pages these are. */
export interface Me {
  session: AccountSession;
  citizen: Citizen;
}

/** A citizen who has just logged in, at the level that managing credentials needs. */
export interface FreshMe extends Me {
  /** What a credential enrolled now is good for. */
  level: Level;
  /** Whether the login of the last minutes did without a code by SMS. */
  withoutSms: boolean;
}

export interface Freshness {
  fresh: boolean;
  accountLevel: Level;
  /** The level that the login must have. */
  needed: Level;
  withoutSms: boolean;
}

/** After coming back from a new login the page is shown or refused, never sent for another login at once. */
const LOOP_GUARD_MS = 30_000;

/**
 * Whether a session may manage credentials: a login at most five minutes old, at min(account level,
 * intermediate), counting only proofs of those minutes.
 */
export function freshnessOf(loaded: LoadedStanding, now: Date, seconds = lifetimes.recentLogin): Freshness {
  const { evidence, proofs, cap } = loaded;
  const account = accountLevel(evidence, now, cap).level;
  const needed = minLevel(account, 'intermediate');
  const since = new Date(now.getTime() - seconds * 1000);
  const standing = sessionStanding({ evidence, proofs, cap, at: now, window: { since } });
  const other = standingWithoutSms(loaded, now, since);
  return {
    fresh: standing.loginLevel !== 'anonymous' && reaches(standing.level, needed),
    accountLevel: account,
    needed,
    withoutSms: other.loginLevel !== 'anonymous' && reaches(other.level, needed),
  };
}

const standingWithoutSms = ({ evidence, proofs, cap }: LoadedStanding, at: Date, since: Date) =>
  sessionStanding({
    evidence,
    proofs: proofs.filter(({ method }) => method !== 'sms'),
    cap,
    at,
    window: { since },
  });

export interface Gate {
  /** The citizen, or `undefined` for nobody: for requests of scripts, which cannot be sent anywhere. */
  who(ctx: Context): Promise<Me | undefined>;
  /**
   * The citizen, or `undefined` when the browser was sent to log in first.
   * @param backTo where to go on after a form was sent too late; a page is gone back to by itself.
   */
  signedIn(ctx: Context, backTo?: string): Promise<Me | undefined>;
  /**
   * The citizen with a recent login, or `undefined` when the browser was sent to log in again.
   * @param backTo the page to come back to; a form's own page, since what was typed is not kept.
   */
  fresh(ctx: Context, backTo: string): Promise<FreshMe | undefined>;
  /**
   * The citizen whose session has reached `level`, or `undefined` when the browser was sent to log in.
   * @param wish.within seconds; how old the login may be. Without `ask` nobody is sent away for that alone, and
   *   `fresh` tells: for forms that were posted, whose fields would be lost.
   */
  reached(
    ctx: Context,
    wish: { level: Level; backTo: string; within?: number | undefined; ask: boolean },
  ): Promise<(Me & { fresh: boolean }) | undefined>;
  /** The same as `fresh` for requests of scripts, which cannot be sent anywhere. @throws Problem `login_not_recent` 403 */
  freshOrRefused(ctx: Context): Promise<FreshMe>;
  /**
   * Keeps the session from being ended until the transaction is over: its first step, before it changes a way to log
   * in. What was sent before a recovery or a lock ended all logins must not take effect after it.
   *
   * @throws Problem `login_not_recent` 403 when it was ended meanwhile.
   */
  hold(tx: Queryable, me: Me): Promise<void>;
}

/** Who may see and do what on the citizen's own pages. */
export function createGate({ db, cipher, clock }: AccountDeps, pages: SignInPages): Gate {
  async function who(ctx: Context): Promise<Me | undefined> {
    const cookie = pages.cookieOf(ctx);
    const session = cookie === undefined ? undefined : await findAccountSession(db, cookie, clock());
    if (session === undefined) return undefined;
    // Logged out elsewhere is logged out here, at once.
    const front = await findSessionByUid(db, session.sessionUid, clock());
    if (front?.record.accountId !== session.citizenId) return undefined;
    const citizen = await readCitizen(db, cipher, session.citizenId);
    return citizen?.accountState === 'active' && citizen.state === 'active'
      ? { session, citizen }
      : undefined;
  }

  async function freshness({ session }: Me): Promise<Freshness> {
    const { citizenId, sessionUid } = session;
    return freshnessOf(await loadStanding(db, { citizenId, sessionUid }), clock());
  }

  const asFresh = (me: Me, { accountLevel: level, withoutSms }: Freshness): FreshMe => ({
    ...me,
    level,
    withoutSms,
  });

  return {
    who,
    async signedIn(ctx, backTo = '/account') {
      const me = await who(ctx);
      if (me === undefined) await pages.send(ctx, { returnTo: ctx.method === 'GET' ? ctx.url : backTo });
      return me;
    },
    async fresh(ctx, backTo) {
      const me = await who(ctx);
      if (me === undefined) {
        await pages.send(ctx, { returnTo: backTo });
        return undefined;
      }
      const found = await freshness(me);
      if (found.fresh) return asFresh(me, found);
      const { confirmedAt } = me.session;
      if (confirmedAt && clock().getTime() - confirmedAt.getTime() < LOOP_GUARD_MS) {
        throw new Problem('login_not_recent', 403);
      }
      await pages.send(ctx, { returnTo: backTo, maxAge: lifetimes.recentLogin, level: found.needed });
      return undefined;
    },
    async reached(ctx, { level, backTo, within, ask }) {
      const me = await who(ctx);
      if (me === undefined) {
        await pages.send(ctx, { returnTo: backTo, level });
        return undefined;
      }
      const { citizenId, sessionUid } = me.session;
      const at = clock();
      const facts = { ...(await loadStanding(db, { citizenId, sessionUid })), at };
      const reachedIn = (window?: { since: Date }) =>
        reaches(sessionStanding({ ...facts, window }).level, level);
      const fresh =
        within === undefined ? reachedIn() : reachedIn({ since: new Date(at.getTime() - within * 1000) });
      if (fresh || (!ask && reachedIn())) return { ...me, fresh };
      const { confirmedAt } = me.session;
      if (confirmedAt && at.getTime() - confirmedAt.getTime() < LOOP_GUARD_MS) {
        throw new Problem('login_not_recent', 403);
      }
      await pages.send(ctx, { returnTo: backTo, level, ...(within !== undefined && { maxAge: within }) });
      return undefined;
    },
    async freshOrRefused(ctx) {
      const me = await who(ctx);
      const found = me && (await freshness(me));
      if (!me || !found?.fresh) throw new Problem('login_not_recent', 403);
      return asFresh(me, found);
    },
    async hold(tx, { session, citizen }) {
      // Recoveries, locks and the end of an account hold this row before they end its sessions.
      await tx.query('select 1 from accounts where citizen_id = $1 for update', [citizen.id]);
      const front = await findSessionByUid(tx, session.sessionUid, clock());
      if (front?.record.accountId !== citizen.id) throw new Problem('login_not_recent', 403);
    },
  };
}
