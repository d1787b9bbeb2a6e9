import type { AccessToken, Client, ClientCredentials, KoaContextWithOIDC, RefreshToken } from 'oidc-provider';
import { type IssuedLevelDeps, presentLevel } from './issued-level.ts';
import { ownMetadata } from './own-metadata.ts';

/**
 * Who may introspect what (RFC 7662 §4): the API that the token is meant for, or the client it was issued
 * to; to anybody else the token does not exist. The level in the answer is the one of this moment, and a
 * token below its floor is inactive.
 */
export function introspectionPolicy(deps: IssuedLevelDeps) {
  return async (
    ctx: KoaContextWithOIDC,
    client: Client,
    token: AccessToken | ClientCredentials | RefreshToken,
  ): Promise<boolean> => {
    const own = token.clientId === client.clientId;
    const audience = 'aud' in token ? token.aud : undefined;
    const resource = typeof audience === 'string' ? await deps.catalogue.resource(audience) : undefined;
    if (!own && resource?.clientId !== client.clientId) return false;
    if (token.kind !== 'AccessToken') return own && (await isActive(deps, token as RefreshToken));
    const issuedTo = own ? client : await ctx.oidc.provider.Client.find(String(token.clientId));
    if (issuedTo === undefined) return false;
    const level = await presentLevel(deps, token as AccessToken, ownMetadata(issuedTo).minLevel);
    if (level === undefined) return false;
    token.extra = { ...token.extra, ...level };
    return true;
  };
}

/** A refresh token of a locked account is good for nothing. */
async function isActive({ standings }: IssuedLevelDeps, token: RefreshToken): Promise<boolean> {
  const { accountId, sessionUid } = token;
  if (accountId === undefined) return false;
  return (await standings.facts({ accountId, sessionUid })).accountState === 'active';
}
