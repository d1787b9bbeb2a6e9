import type { Client, UnknownObject } from 'oidc-provider';
import { type Level, levelOf } from '../assurance/level.ts';
import { type AssuranceRequest, readRequest } from '../assurance/request.ts';
import type { Catalogue } from '../departments/catalogue.ts';
import { ownMetadata } from './own-metadata.ts';

/** The floors of the named resources; an unknown one is the library's to refuse. */
export async function resourceFloors(catalogue: Catalogue, identifiers: Iterable<string>): Promise<Level[]> {
  const resources = await Promise.all([...identifiers].map((identifier) => catalogue.resource(identifier)));
  return resources.flatMap((resource) => levelOf(resource?.minAcr) ?? []);
}

/** What an authorization request asks of the levels, read from its parameters as they were sent. */
export async function levelRequest(
  catalogue: Catalogue,
  client: Client,
  params: UnknownObject,
): Promise<AssuranceRequest> {
  const resources = [params.resource ?? []].flat().filter((value) => typeof value === 'string');
  const own = ownMetadata(client);
  return readRequest({
    acrValues: typeof params.acr_values === 'string' ? params.acr_values : undefined,
    claims: params.claims,
    clientMinAcr: own.minLevel,
    resourceFloors: await resourceFloors(catalogue, resources),
    allowAnonymous: own.allowAnonymous && params.scope === 'openid',
  });
}
