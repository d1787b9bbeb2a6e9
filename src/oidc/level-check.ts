import { errors, interactionPolicy, type KoaContextWithOIDC } from 'oidc-provider';
import type { ProofWindow, Standing } from '../assurance/ladder.ts';
import { acrOf, type Level, levelOf } from '../assurance/level.ts';
import { reachableLevel } from '../assurance/proofing/offer.ts';
import { type Decision, decide } from '../assurance/request.ts';
import type { Catalogue } from '../departments/catalogue.ts';
import type { Clock } from '../platform/clock.ts';
import { ownResult } from './interaction-result.ts';
import { levelRequest } from './level-request.ts';
import { isAnonymous, type Standings } from './subject-standing.ts';

const { Check } = interactionPolicy;

/** What the page of an interaction is told about levels; stored with the interaction. */
export interface LevelDetails {
  floor: Level;
  target: Level;
  optional: boolean;
  unmet?: 'no_known_value' | 'out_of_reach';
  /** Epoch seconds; only proofs since then count. */
  since?: number;
}

export interface LevelCheckDeps {
  standings: Standings;
  catalogue: Catalogue;
  clock: Clock;
}

const details = new WeakMap<object, LevelDetails>();

/**
 * Which proofs count for this request. Under `max_age` those that are young enough, under `prompt=login`
 * those made since the request came; what was proved in this request's own interactions is always fresh.
 */
export function proofWindow(ctx: KoaContextWithOIDC, now: Date): ProofWindow | undefined {
  const { params } = ctx.oidc;
  const started = ownResult(ctx.oidc.result).since;
  const maxAge = params?.max_age === undefined ? undefined : Number(params.max_age);
  const wantsLogin = ctx.oidc.prompts.has('login');
  if (maxAge === undefined && !wantsLogin) return undefined;
  const oldest = Math.floor(now.getTime() / 1000) - (wantsLogin ? 0 : (maxAge ?? 0));
  return { since: new Date(Math.min(oldest, started ?? oldest) * 1000) };
}

/**
 * The single place where a request meets the ladder. It takes the part of the library's `max_age`,
 * `essential_acr` and `essential_acrs` checks, which compare by equality, are not asked again after an
 * interaction, and loop when they cannot be met.
 */
export function levelCheck({ standings, catalogue, clock }: LevelCheckDeps) {
  return new Check(
    'level',
    'the requested level of assurance was not reached',
    'unmet_authentication_requirements',
    async (ctx) => {
      const { oidc } = ctx;
      const { session, client } = oidc;
      if (session?.accountId === undefined || client === undefined) return Check.NO_NEED_TO_PROMPT;
      const request = await levelRequest(catalogue, client, oidc.params ?? {});
      if (isAnonymous(session.accountId)) {
        if (!request.anonymous) return Check.REQUEST_PROMPT;
        report(ctx, { acr: acrOf('anonymous'), amr: [], authTime: undefined });
        return Check.NO_NEED_TO_PROMPT;
      }
      const now = clock();
      const subject = { accountId: session.accountId, sessionUid: session.uid };
      const window = proofWindow(ctx, now);
      const standing = await standings.standing(subject, window);
      const silent = oidc.prompts.has('none');
      const decision = decide({
        request,
        standing,
        accountCan: reachableLevel({ ...(await standings.facts(subject)), at: now }),
        continueWithout: silent || ownResult(oidc.result).continue_without === true,
      });
      if (decision.kind === 'satisfied') {
        // `auth_time` and `amr` tell of the proofs that decide the level that is reported, which may be a lower one.
        const { amr, authTime } = await standings.standing(subject, window, levelOf(decision.acr));
        report(ctx, { acr: acrOf(decision.achieved), amr, authTime });
        return Check.NO_NEED_TO_PROMPT;
      }
      if (silent) {
        throw standing.loginLevel === 'anonymous' && window !== undefined
          ? new errors.LoginRequired('the last authentication is too old')
          : new errors.UnmetAuthenticationRequirements('the requested level of assurance was not reached');
      }
      details.set(ctx, detailsOf(decision, request.floor, window));
      return Check.REQUEST_PROMPT;
    },
    (ctx) => ({ level: details.get(ctx) }),
  );
}

function detailsOf(
  decision: Exclude<Decision, { kind: 'satisfied' }>,
  floor: Level,
  window: ProofWindow | undefined,
): LevelDetails {
  const since = window?.since && { since: Math.floor(window.since.getTime() / 1000) };
  return decision.kind === 'unmet'
    ? { floor, target: floor, optional: false, unmet: decision.reason, ...since }
    : { floor, target: decision.target, optional: decision.optional, ...since };
}

/**
 * Makes this request's code carry what the proofs say. The library would take `acr`, `amr` and `auth_time`
 * from the session row, which one request cannot change without changing it for all.
 */
function report(
  ctx: KoaContextWithOIDC,
  { acr, amr, authTime }: Pick<Standing, 'acr' | 'amr' | 'authTime'>,
): void {
  const seconds = authTime === undefined ? undefined : Math.floor(authTime.getTime() / 1000);
  Object.defineProperties(ctx.oidc, {
    acr: { value: acr, configurable: true },
    amr: { value: amr, configurable: true },
  });
  Object.defineProperty(ctx.oidc.session, 'authTime', { value: () => seconds, configurable: true });
}
