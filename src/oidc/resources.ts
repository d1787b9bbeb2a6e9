import { type Client, errors, type KoaContextWithOIDC, type ResourceServer } from 'oidc-provider';
import type { Catalogue } from '../departments/catalogue.ts';
import type { Lifetimes } from '../platform/lifetimes.ts';
import { machineScopes } from './machine-callers.ts';
import { ownMetadata } from './own-metadata.ts';

const forProgram = (ctx: KoaContextWithOIDC) => ctx.oidc.params?.grant_type === 'client_credentials';

/**
 * Resource indicators (RFC 8707): the catalogue's APIs, opaque tokens unless an API wants JWT (RFC 9068).
 * Programs on their own account (client credentials) reach our own APIs only, and citizens' portals never do.
 */
export function createResources(catalogue: Catalogue, lifetimes: Lifetimes) {
  return {
    defaultResource(ctx: KoaContextWithOIDC) {
      if (forProgram(ctx)) throw new errors.InvalidTarget('name the API in the parameter "resource"');
      return undefined as unknown as string;
    },
    useGrantedResource: () => true,
    async getResourceServerInfo(
      ctx: KoaContextWithOIDC,
      indicator: string,
      client: Client,
    ): Promise<ResourceServer> {
      if (forProgram(ctx)) {
        const scopes = machineScopes(indicator, ownMetadata(client));
        if (scopes.length === 0) throw new errors.InvalidTarget();
        return {
          scope: scopes.join(' '),
          audience: indicator,
          accessTokenTTL: lifetimes.jwtAccessToken,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'ES256' } },
        } as ResourceServer;
      }
      const resource = await catalogue.resource(indicator);
      if (resource === undefined) throw new errors.InvalidTarget();
      return {
        scope: resource.scope,
        audience: resource.identifier,
        accessTokenTTL: lifetimes.accessToken,
        accessTokenFormat: resource.accessTokenFormat,
        ...(resource.accessTokenFormat === 'jwt' && { jwt: { sign: { alg: 'ES256' } } }),
      } as ResourceServer;
    },
  };
}
