import { randomUUID } from 'node:crypto';
import type { Context } from 'koa';
import type Provider from 'oidc-provider';
import { type Client, errors, type InteractionResults, type KoaContextWithOIDC } from 'oidc-provider';
import { acrOf } from '../assurance/level.ts';
import { record } from '../audit/log.ts';
import { consentsGiven } from '../consents/store.ts';
import type { Catalogue } from '../departments/catalogue.ts';
import type { Door, Interaction } from '../front-door/door.ts';
import type { Clock } from '../platform/clock.ts';
import type { Database } from '../platform/database.ts';
import { Problem } from '../platform/problem.ts';
import { findSessionByUid } from '../sessions/session-store.ts';
import { SIGN_IN, wantedSets } from './claim-sets.ts';
import { type OwnResult, ownResult } from './interaction-result.ts';
import type { LevelDetails } from './level-check.ts';
import { levelRequest } from './level-request.ts';
import { ownMetadata } from './own-metadata.ts';
import { CREATE } from './policy.ts';
import { anonymousAccountId, isAnonymous } from './subject-standing.ts';

type Details = Awaited<ReturnType<Provider['interactionDetails']>> & { iat: number };

export interface DoorDeps {
  /** The provider of this moment: it is exchanged when signing keys are. */
  provider: () => Provider;
  db: Database;
  catalogue: Catalogue;
  clock: Clock;
}

/** A door that lets visitors in who ask to stay anonymous. */
export interface VisitorDoor extends Door {
  /**
   * Finishes the interaction at once, without a page, when it is such a visitor's.
   *
   * @param admit counts the visitor; throws to turn them away
   * @returns false when it is somebody else's
   */
  letVisitorIn(ctx: Context, admit: () => Promise<void>): Promise<boolean>;
}

/** Which relying party an interaction was for. */
const ORIGIN_COOKIE = 'ymt_origin';
const DAY_MS = 24 * 60 * 60 * 1000;

/** The protocol side of the front door. */
export function createDoor(deps: DoorDeps): VisitorDoor {
  const { db, catalogue, clock } = deps;

  async function read(ctx: Context): Promise<Details> {
    let details: Details;
    try {
      details = (await deps.provider().interactionDetails(ctx.req, ctx.res)) as Details;
    } catch (cause) {
      if (cause instanceof errors.SessionNotFound) {
        await showRemembered(ctx);
        throw new Problem('interaction_expired', 400, {}, { cause });
      }
      throw cause;
    }
    if (details.uid !== ctx.params.uid) throw new Problem('interaction_expired', 400);
    return details;
  }

  async function clientOf(details: Details): Promise<Client> {
    const client = await deps.provider().Client.find(String(details.params.client_id));
    if (client === undefined) throw new Problem('client_disabled', 403);
    return client;
  }

  /**
   * An interaction that is over knows its portal no more, and "go back to the site" needs a button: the browser
   * remembers which it was, by itself for each interaction.
   */
  function rememberWayBack(ctx: Context, { uid }: Details, clientId: string): void {
    ctx.cookies.set(ORIGIN_COOKIE, clientId, {
      path: `/interaction/${uid}`,
      signed: false,
      httpOnly: true,
      sameSite: 'lax',
      secure: ctx.secure,
      maxAge: DAY_MS,
    });
  }

  async function showRemembered(ctx: Context): Promise<void> {
    const clientId = ctx.cookies.get(ORIGIN_COOKIE, { signed: false });
    showWayBack(ctx, clientId ? await deps.provider().Client.find(clientId) : undefined);
  }

  async function finish(ctx: Context, details: Details, result: OwnResult): Promise<void> {
    const since = ownResult(details.lastSubmission as InteractionResults).since ?? details.iat;
    const goOn = 'error' in result ? result : { ...result, since };
    ctx.status = 303;
    ctx.redirect(await deps.provider().interactionResult(ctx.req, ctx.res, goOn));
  }

  /** Once for each interaction, however often the button is pressed. */
  async function recordUnmet({ session, params, prompt, result }: Details): Promise<void> {
    if (result?.error !== undefined) return;
    const level = (prompt.details as { level?: LevelDetails }).level;
    const citizenId = session?.accountId;
    await record(db, {
      type: 'step_up.unmet',
      ...(citizenId && !isAnonymous(citizenId) && { citizenId, sessionUid: session?.uid }),
      clientId: String(params.client_id),
      detail: { level: level?.target ?? 'basic', ...(level?.unmet && { reason: 'unmet_level' as const }) },
      at: clock(),
    });
  }

  async function claimSetsOf(details: Details, client: Client, citizenId: string | undefined) {
    if (details.prompt.name !== 'consent' || citizenId === undefined) return undefined;
    const own = ownMetadata(client);
    const { sets } = wantedSets({
      scopes: String(details.params.scope ?? '').split(' '),
      claims: requestedClaims(details.params.claims),
      entitled: own.claimsAllowed,
      consent: own.consent,
    });
    if (mayBeAnotherApp(details)) {
      return { claimSets: sets.includes(SIGN_IN) ? sets : [SIGN_IN, ...sets] };
    }
    const given = await consentsGiven(db, { citizenId, clientId: client.clientId, claimSets: sets });
    const again = String(details.params.prompt ?? '')
      .split(' ')
      .includes('consent');
    return { claimSets: again ? sets : sets.filter(({ id }) => !given.includes(id)) };
  }

  return {
    async details(ctx): Promise<Interaction> {
      const details = await read(ctx);
      const client = await clientOf(details);
      rememberWayBack(ctx, details, client.clientId);
      const own = ownMetadata(client);
      const request = await levelRequest(catalogue, client, details.params);
      const level = (details.prompt.details as { level?: LevelDetails }).level;
      const accountId = details.session?.accountId;
      // A visitor who stayed anonymous counts as nobody.
      const session =
        accountId && !isAnonymous(accountId) && details.session?.uid
          ? { uid: details.session.uid, citizenId: accountId }
          : undefined;
      const needsLogin = session === undefined || details.prompt.reasons.some((reason) => reason !== 'level');
      const consent = await claimSetsOf(details, client, accountId);
      const returnTo = String(details.params.redirect_uri);
      ctx.state.formActions = [...(ctx.state.formActions ?? []), returnTo];
      return {
        uid: details.uid,
        prompt: details.prompt.name === 'consent' ? 'consent' : needsLogin ? 'login' : 'step_up',
        reasons: [...details.prompt.reasons, ...(mayBeAnotherApp(details) ? ['consent_prompt'] : [])],
        client: {
          id: client.clientId,
          name: nameOf(client, ctx),
          ...(client.clientUri && { homeUri: client.clientUri }),
          ...(own.department && { department: departmentName(own.department, ctx) }),
        },
        ...(session && { session }),
        floor: level?.floor ?? request.floor,
        target: level?.target ?? request.floor,
        optional: level?.optional ?? false,
        ...(level?.unmet && { unmet: level.unmet }),
        ...(level?.since !== undefined && { since: new Date(level.since * 1000) }),
        ...(consent && { consent }),
        ...(details.prompt.name === CREATE && { wantsAccount: true }),
        ...(typeof details.params.login_hint === 'string' && { loginHint: details.params.login_hint }),
        returnTo: client.clientUri ?? homeOf(returnTo),
      };
    },

    async loggedIn(ctx, { citizenId }) {
      const details = await read(ctx);
      await finish(ctx, details, {
        login: { accountId: citizenId, ts: await loginTime(details, citizenId) },
      });
    },

    async consented(ctx, { allowed }) {
      await finish(ctx, await read(ctx), { consent: { allowed } } as OwnResult);
    },

    async declined(ctx, error) {
      const details = await read(ctx);
      if (error === 'unmet_authentication_requirements') await recordUnmet(details);
      const description =
        error === 'access_denied'
          ? 'the citizen declined'
          : 'the requested level of assurance was not reached';
      await finish(ctx, details, { error, error_description: description });
    },

    async continueWithout(ctx) {
      await finish(ctx, await read(ctx), { continue_without: true });
    },

    async letVisitorIn(ctx, admit) {
      const details = await read(ctx);
      if (details.prompt.name !== 'login' || !details.prompt.reasons.includes('no_session')) return false;
      const client = await clientOf(details);
      const request = await levelRequest(catalogue, client, details.params);
      if (!request.anonymous) return false;
      // Logged in meanwhile, in another tab: as a visitor one would be logged out by the library.
      const session = await deps.provider().Session.get(ctx as unknown as KoaContextWithOIDC);
      if (session.accountId !== undefined) {
        await finish(ctx, details, {});
        return true;
      }
      await admit();
      await finish(ctx, details, {
        login: {
          accountId: anonymousAccountId(randomUUID()),
          acr: acrOf('anonymous'),
          amr: [],
          remember: false,
        },
      });
      return true;
    },
  };

  /** A step-up does not prolong the session; a new login does. Epoch seconds. */
  async function loginTime(details: Details, citizenId: string): Promise<number> {
    const now = Math.floor(clock().getTime() / 1000);
    if (details.session?.uid === undefined || details.session.accountId !== citizenId) return now;
    if (details.prompt.reasons.some((reason) => reason !== 'level')) return now;
    const found = await findSessionByUid(db, details.session.uid, clock());
    return found?.record.loginTs ?? now;
  }
}

/**
 * Whether the client is an app on the citizen's device: another app can take its address and its client_id,
 * so the citizen is asked at every sign-on (RFC 8252 §8.6), whatever was agreed to before.
 */
const mayBeAnotherApp = ({ prompt }: Details): boolean => prompt.reasons.includes('native_client_prompt');

/** The way back to a client without a home page: its origin, or the app's own scheme. */
function homeOf(redirectUri: string): string {
  const { origin } = new URL(redirectUri);
  return origin === 'null' ? redirectUri : origin;
}

function requestedClaims(parameter: unknown): string[] {
  if (typeof parameter !== 'string') return [];
  const { userinfo = {}, id_token: idToken = {} } = JSON.parse(parameter) as Record<
    string,
    object | undefined
  >;
  return [...Object.keys(userinfo ?? {}), ...Object.keys(idToken ?? {})];
}

/** Lets the error page lead back to a client that has a home page. */
export function showWayBack(ctx: Context, client: Client | undefined): void {
  if (client?.clientUri) ctx.state.wayBack = { href: client.clientUri, name: nameOf(client, ctx) };
}

function nameOf(client: Client, ctx: Context): string {
  const names = client as unknown as Record<string, string | undefined>;
  const english = names['client_name#en'] ?? names['clientName#en'];
  return (ctx.state.locale === 'en' ? english : undefined) ?? client.clientName ?? client.clientId;
}

const departmentName = (names: { 'zh-CN': string; en?: string }, ctx: Context): string =>
  (ctx.state.locale === 'en' ? names.en : undefined) ?? names['zh-CN'];
