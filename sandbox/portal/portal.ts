import type { Context } from 'koa';
import type { LocalSession, LocalSessions } from './local-sessions.ts';
import type { Login, RelyingParty } from './relying-party.ts';
import type { PortalSettings } from './settings.ts';

/** What the routes of one portal share. */
export interface Portal {
  readonly settings: PortalSettings;
  readonly main: RelyingParty;
  readonly epidemic: RelyingParty | undefined;
  readonly sessions: LocalSessions;
}

/** Who is here at the portal itself. A visitor's token that ran out counts as nobody. */
export function visitorOf(portal: Portal, ctx: Context): { session?: LocalSession; login?: Login } {
  const session = portal.sessions.of(ctx);
  const login = session?.logins.get(portal.main.clientId);
  if (login && isAnonymous(login) && login.until <= new Date()) return { session };
  return { session, login };
}

/** Whether a citizen is logged in here through any of the portal's clients. */
export function isSignedIn(portal: Portal, ctx: Context): boolean {
  const logins = [...(portal.sessions.of(ctx)?.logins.values() ?? [])];
  return logins.some((login) => !isAnonymous(login));
}

export const isAnonymous = (login: Login): boolean => login.acr === 'urn:ymt:acr:anonymous';
