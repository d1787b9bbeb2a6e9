import {
  type AccessToken,
  type AuthorizationCode,
  errors,
  type KoaContextWithOIDC,
  type RefreshToken,
} from 'oidc-provider';
import type { Standing } from '../assurance/ladder.ts';
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

const issued = new WeakMap<object, { claims: LevelClaims; endsAt: Date | undefined }>();

/** What was decided for the tokens of this request. */
export const issuedLevel = (ctx: KoaContextWithOIDC) => issued.get(ctx);

/**
 * Recomputes the level of a code or refresh token at its use: the lower of the level at issue and the level
 * now, from the evidence and the proofs that issued it. A proof made later never raises it, one that ran out
 * lowers it, and below a floor nothing is issued. The library alone would copy the stored `acr` for ever.
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
  if (isAnonymous(source.accountId)) {
    const acr = acrOf('anonymous');
    issued.set(ctx, { claims: { acr, amr: [], auth_time: undefined, achieved_acr: acr }, endsAt: undefined });
    return;
  }
  const issuedAt = 'iiat' in source && typeof source.iiat === 'number' ? source.iiat : source.iat;
  const standing = await standings.standing(
    { accountId: source.accountId, sessionUid: source.sessionUid },
    // The proof that decided may have been written in the very second the code was made.
    { until: new Date((issuedAt + 1) * 1000) },
  );
  const atIssue = levelOf(source.acr) ?? 'anonymous';
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
  const acr = reportedAcr(request, level);
  source.acr = acr;
  issued.set(ctx, {
    claims: {
      acr,
      amr: source.amr ?? [],
      auth_time: source.authTime,
      achieved_acr: standing.acr,
    },
    endsAt: standing.endsAt,
  });
}

/** Claims of an opaque token at introspection and userinfo: never above what holds now. */
export async function presentLevel(
  { standings, catalogue }: IssuedLevelDeps,
  token: AccessToken,
  clientFloor: Level,
): Promise<LevelClaims | undefined> {
  const extra = (token.extra ?? {}) as Partial<LevelClaims>;
  if (isAnonymous(token.accountId)) {
    const acr = acrOf('anonymous');
    return { acr, amr: [], auth_time: undefined, achieved_acr: acr };
  }
  const { accountState } = await standings.facts(
    token as { accountId: string; sessionUid: string | undefined },
  );
  if (accountState !== 'active') return undefined;
  const standing: Standing = await standings.standing(
    token as { accountId: string; sessionUid: string | undefined },
    { until: new Date((token.iat + 1) * 1000) },
  );
  const level = minLevel(levelOf(extra.acr) ?? 'anonymous', standing.level);
  const floor = maxLevel(clientFloor, ...(await resourceFloors(catalogue, [token.aud ?? []].flat())));
  if (!reaches(level, floor)) return undefined;
  return {
    acr: acrOf(level),
    amr: extra.amr ?? [],
    auth_time: extra.auth_time,
    achieved_acr: standing.acr,
  };
}
