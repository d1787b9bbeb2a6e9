import {
  type AccessToken,
  type AuthorizationCode,
  errors,
  type KoaContextWithOIDC,
  type RefreshToken,
} from 'oidc-provider';
import { acrOf, type Level, levelOf, maxLevel, minLevel, reaches } from '../assurance/level.ts';
import { readRequest, reportedAcr } from '../assurance/request.ts';
import type { Catalogue } from '../departments/catalogue.ts';
import { resourceFloors } from './level-request.ts';
import { ownMetadata } from './own-metadata.ts';
import { isAnonymous, type Standings } from './subject-standing.ts';

export interface IssuedLevelDeps {
  standings: Standings;
  catalogue: Catalogue;
}

/** What tokens say of the level, beside the standard claims. */
export interface LevelClaims {
  acr: string;
  amr: string[];
  auth_time: number | undefined;
  achieved_acr: string;
}

/** What was decided for the tokens of one request. */
export interface IssuedLevel {
  claims: LevelClaims;
  /** When the level no longer holds, as far as is known. */
  endsAt: Date | undefined;
  /** The `acr` with which the code came: what a refresh token made from it must start from. */
  acrAtIssue: string | undefined;
}

const issued = new WeakMap<object, IssuedLevel>();

export const issuedLevel = (ctx: object): IssuedLevel | undefined => issued.get(ctx);

/** A proof that decides may have been written in the very second in which a code was made. */
const endOfSecond = (seconds: number): Date => new Date((seconds + 1) * 1000);

/** Of a visitor, whatever else is the case. */
const visitorClaims = (): LevelClaims => ({
  acr: acrOf('anonymous'),
  amr: [],
  auth_time: undefined,
  achieved_acr: acrOf('anonymous'),
});

/**
 * Recomputes the level of a code or refresh token at its use: the lower of the level at issue and the level
 * now, from the evidence and the proofs that issued it. A proof made later never raises it, one that ran out
 * lowers it, and below a floor nothing is issued. The library alone would copy the stored `acr` for ever.
 *
 * Codes and refresh tokens are stored with the achieved level, which the floors are about; the ID token says
 * the one that an essential request listed.
 *
 * @throws InvalidGrant below a floor
 */
export async function applyIssuedLevel(
  { standings, catalogue }: IssuedLevelDeps,
  ctx: KoaContextWithOIDC,
  source: AuthorizationCode | RefreshToken,
): Promise<void> {
  const client = ctx.oidc.client;
  if (client === undefined || source.accountId === undefined) return;
  const acrAtIssue = source.acr;
  if (isAnonymous(source.accountId)) {
    issued.set(ctx, { claims: visitorClaims(), endsAt: undefined, acrAtIssue });
    return;
  }
  const issuedAt = 'iiat' in source && typeof source.iiat === 'number' ? source.iiat : source.iat;
  const { accountId, sessionUid } = source;
  const standing = await standings.standing({ accountId, sessionUid }, { until: endOfSecond(issuedAt) });
  const atIssue = levelOf(acrAtIssue) ?? 'anonymous';
  const level = minLevel(atIssue, standing.level);
  const request = readRequest({
    claims: source.claims,
    clientMinAcr: ownMetadata(client).minLevel,
    resourceFloors: await resourceFloors(catalogue, [source.resource ?? []].flat()),
  });
  const anonymousAllowed = atIssue === 'anonymous';
  if (!reaches(level, request.floor) && !anonymousAllowed) {
    throw new errors.InvalidGrant('the level of assurance no longer suffices');
  }
  source.acr = reportedAcr(request, level);
  issued.set(ctx, {
    claims: {
      acr: source.acr,
      amr: source.amr ?? [],
      auth_time: source.authTime,
      achieved_acr: acrOf(level),
    },
    endsAt: standing.endsAt,
    acrAtIssue,
  });
}

/** Claims of an opaque token at introspection and userinfo: never above what was issued, nor what holds now. */
export async function presentLevel(
  { standings, catalogue }: IssuedLevelDeps,
  token: AccessToken,
  clientFloor: Level,
): Promise<LevelClaims | undefined> {
  if (isAnonymous(token.accountId)) return visitorClaims();
  const subject = { accountId: String(token.accountId), sessionUid: token.sessionUid };
  const { accountState } = await standings.facts(subject);
  if (accountState !== 'active') return undefined;
  const extra = (token.extra ?? {}) as Partial<LevelClaims>;
  const standing = await standings.standing(subject, { until: endOfSecond(token.iat) });
  const level = minLevel(levelOf(extra.achieved_acr) ?? 'anonymous', standing.level);
  const floor = maxLevel(clientFloor, ...(await resourceFloors(catalogue, [token.aud ?? []].flat())));
  if (!reaches(level, floor)) return undefined;
  return {
    acr: acrOf(minLevel(levelOf(extra.acr) ?? 'anonymous', level)),
    amr: extra.amr ?? [],
    auth_time: extra.auth_time,
    achieved_acr: acrOf(level),
  };
}
