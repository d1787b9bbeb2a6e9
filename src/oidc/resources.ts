import { errors, type KoaContextWithOIDC, type ResourceServer } from 'oidc-provider';
import type { Catalogue } from '../departments/catalogue.ts';
import type { Lifetimes } from '../platform/lifetimes.ts';

/** Resource indicators (RFC 8707): the catalogue's APIs, opaque tokens unless an API wants JWT (RFC 9068). */
export function createResources(catalogue: Catalogue, lifetimes: Lifetimes) {
  return {
    defaultResource: () => undefined as unknown as string,
    useGrantedResource: () => true,
    async getResourceServerInfo(_ctx: KoaContextWithOIDC, indicator: string): Promise<ResourceServer> {
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
