import { randomBytes } from 'node:crypto';
import type { Context } from 'koa';
import type { Login, LogoutNotice, Pending } from './relying-party.ts';

/** A portal's own session with a browser. The cookie holds its id and nothing else. */
export interface LocalSession {
  id: string;
  /** By client id: city A's epidemic page is another client than city A. */
  readonly logins: Map<string, Login>;
  /** Journeys to the platform, by `state`; several tabs may be under way. */
  readonly pending: Map<string, Pending>;
  /** The last silent sign-in failed, so the next page is shown without another try. */
  skipSilent: boolean;
}

export interface LocalSessions {
  of(ctx: Context): LocalSession | undefined;
  /** The browser's session, made if there is none. */
  open(ctx: Context): LocalSession;
  /** Remembers a login under a fresh cookie, so that a cookie planted before it is worth nothing. */
  login(ctx: Context, session: LocalSession, clientId: string, login: Login): void;
  end(ctx: Context, session: LocalSession): void;
  /** Ends what a logout token names. @returns how many logins ended */
  endBy(clientId: string, notice: LogoutNotice): number;
  remember(session: LocalSession, state: string, pending: Pending): void;
}

const MOST_SESSIONS = 5_000;
const MOST_PENDING = 20;

/** Sessions in memory, keyed by cookie, with an index from the platform's `sid`. */
export function createLocalSessions(cookie: string, secure: boolean): LocalSessions {
  const sessions = new Map<string, LocalSession>();
  const bySid = new Map<string, Set<LocalSession>>();
  const sidKey = (clientId: string, sid: string) => `${clientId} ${sid}`;

  const newId = () => randomBytes(32).toString('base64url');
  const setCookie = (ctx: Context, value: string | null) =>
    ctx.cookies.set(cookie, value, { httpOnly: true, sameSite: 'lax', secure, signed: false, path: '/' });

  function forget(session: LocalSession, clientId: string): boolean {
    const { sid } = session.logins.get(clientId) ?? {};
    if (sid !== undefined) {
      const key = sidKey(clientId, sid);
      bySid.get(key)?.delete(session);
      if (bySid.get(key)?.size === 0) bySid.delete(key);
    }
    return session.logins.delete(clientId);
  }

  function drop(session: LocalSession): void {
    for (const clientId of [...session.logins.keys()]) forget(session, clientId);
    sessions.delete(session.id);
  }

  function of(ctx: Context): LocalSession | undefined {
    return sessions.get(ctx.cookies.get(cookie) ?? '');
  }

  return {
    of,
    open(ctx) {
      const known = of(ctx);
      if (known) return known;
      // Maps keep the order of insertion: the oldest goes first.
      const oldest = sessions.size >= MOST_SESSIONS && sessions.values().next().value;
      if (oldest) drop(oldest);
      const session = { id: newId(), logins: new Map(), pending: new Map(), skipSilent: false };
      sessions.set(session.id, session);
      setCookie(ctx, session.id);
      return session;
    },
    login(ctx, session, clientId, login) {
      forget(session, clientId);
      sessions.delete(session.id);
      session.id = newId();
      session.logins.set(clientId, login);
      session.skipSilent = false;
      sessions.set(session.id, session);
      if (login.sid !== undefined) {
        const key = sidKey(clientId, login.sid);
        bySid.set(key, (bySid.get(key) ?? new Set()).add(session));
      }
      setCookie(ctx, session.id);
    },
    end(ctx, session) {
      drop(session);
      setCookie(ctx, null);
    },
    endBy(clientId, { sid, sub }) {
      const named = sid === undefined ? sessions.values() : (bySid.get(sidKey(clientId, sid)) ?? []);
      const ending = [...named].filter((session) => {
        const login = session.logins.get(clientId);
        return login && (sub === undefined || login.sub === sub);
      });
      for (const session of ending) forget(session, clientId);
      return ending.length;
    },
    remember(session, state, pending) {
      session.pending.set(state, pending);
      const oldest = session.pending.size > MOST_PENDING && session.pending.keys().next().value;
      if (oldest) session.pending.delete(oldest);
    },
  };
}
