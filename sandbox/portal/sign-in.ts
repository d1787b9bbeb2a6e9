import { randomBytes } from 'node:crypto';
import Router from '@koa/router';
import type { Context } from 'koa';
import * as openid from 'openid-client';
import { errorPage } from './error-page.ts';
import { LEVELS, type Level, reaches } from './level.ts';
import type { Portal } from './portal.ts';
import { type Ask, type Pending, PlatformUnreachable, type RelyingParty } from './relying-party.ts';

/** Sends the browser to the platform and remembers why. @throws PlatformUnreachable */
export async function leave(ctx: Context, portal: Portal, party: RelyingParty, ask: Ask): Promise<void> {
  const { redirectTo, state, pending } = await party.begin(ask);
  portal.sessions.remember(portal.sessions.open(ctx), state, pending);
  ctx.set('cache-control', 'no-store');
  ctx.status = 303;
  ctx.redirect(redirectTo);
}

/** The same for somebody who asked for it: if the platform is away, a page says so. */
export async function leaveOrExplain(
  ctx: Context,
  portal: Portal,
  party: RelyingParty,
  ask: Ask,
): Promise<void> {
  try {
    await leave(ctx, portal, party, ask);
  } catch (error) {
    if (!(error instanceof PlatformUnreachable)) throw error;
    errorPage(ctx, portal, { code: 'platform_unreachable', again: ctx.url });
  }
}

/** Only a path of this portal: anything else would make the login an open redirect. */
export const localPath = (text: unknown): string =>
  typeof text === 'string' && /^\/(?![/\\])[\x21-\x7e]*$/.test(text) ? text : '/';

const levelFrom = (text: unknown): Level | undefined => LEVELS.find((level) => level === text);

/** `/login`, `/register`, and the way back for every client of this portal. */
export function signIn(portal: Portal): Router {
  const router = new Router();
  const answers = createAnswers();

  router.get('/login', (ctx) =>
    leaveOrExplain(ctx, portal, portal.main, {
      kind: 'login',
      returnTo: localPath(ctx.query.to),
      preferred: levelFrom(ctx.query.level),
      prompt: ctx.query.prompt === 'login' ? 'login' : undefined,
      formPost: portal.settings.look === 'tax',
    }),
  );

  // Registered at the platform and nowhere else, but whoever sets out from here comes back here, logged in.
  router.get('/register', (ctx) =>
    leaveOrExplain(ctx, portal, portal.main, { kind: 'login', returnTo: '/', prompt: 'create' }),
  );

  for (const party of [portal.main, portal.epidemic]) {
    if (!party) continue;
    const { pathname } = new URL(party.redirectUri);
    router.get(pathname, (ctx) =>
      arrive(ctx, portal, party, answers.take(ctx.query.answer) ?? ctx.querystring),
    );
    // A cross-site POST comes without our SameSite=Lax cookie; the GET that follows it has it again.
    router.post(pathname, (ctx) => {
      const body = new URLSearchParams(ctx.request.body as Record<string, string>);
      ctx.status = 303;
      ctx.redirect(`${pathname}?answer=${answers.keep(body.toString())}`);
    });
  }
  return router;
}

async function arrive(ctx: Context, portal: Portal, party: RelyingParty, query: string): Promise<void> {
  const parameters = new URLSearchParams(query);
  const state = parameters.get('state') ?? '';
  const session = portal.sessions.of(ctx);
  const pending = session?.pending.get(state);
  if (!session || !pending) {
    // Nobody asked for a visitor's sign-in, so nobody is told that it was lost.
    if (state.startsWith('v.')) return goTo(ctx, '/?visitor=1');
    return errorPage(ctx, portal, { code: 'login_expired', again: '/login' });
  }
  session.pending.delete(state);
  try {
    const login = await party.complete(query, state, pending);
    if (pending.required && !reaches(login.acr, pending.required)) {
      return errorPage(ctx, portal, { code: 'level_too_low', again: pending.returnTo });
    }
    portal.sessions.login(ctx, session, party.clientId, login);
    goTo(ctx, pending.returnTo);
  } catch (error) {
    if (pending.kind !== 'login') {
      session.skipSilent = true;
      return goTo(ctx, pending.returnTo);
    }
    errorPage(ctx, portal, { code: codeOf(error), again: againAfter(pending, party, portal) });
  }
}

const againAfter = ({ returnTo }: Pending, party: RelyingParty, portal: Portal) =>
  returnTo === '/' && party === portal.main ? '/login' : returnTo;

/** The platform's own error code, if it is one; the text beside it is for developers and is not shown. */
function codeOf(error: unknown): string {
  if (error instanceof openid.AuthorizationResponseError) return error.error;
  if (error instanceof PlatformUnreachable) return 'platform_unreachable';
  if (error instanceof openid.ResponseBodyError) return error.error;
  return 'login_failed';
}

function goTo(ctx: Context, path: string): void {
  ctx.set('cache-control', 'no-store');
  ctx.status = 303;
  ctx.redirect(path);
}

const MOST_ANSWERS = 1_000;

/** Posted answers, kept for the one GET that follows; the code never stands in an address. */
function createAnswers() {
  const kept = new Map<string, string>();
  return {
    keep(answer: string): string {
      const oldest = kept.size >= MOST_ANSWERS && kept.keys().next().value;
      if (oldest) kept.delete(oldest);
      const id = randomBytes(16).toString('base64url');
      kept.set(id, answer);
      return id;
    },
    take(id: unknown): string | undefined {
      if (typeof id !== 'string') return undefined;
      const answer = kept.get(id);
      kept.delete(id);
      return answer;
    },
  };
}
