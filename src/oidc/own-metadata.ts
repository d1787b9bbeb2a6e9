import type { Client } from 'oidc-provider';
import { type Level, levelOf } from '../assurance/level.ts';
import { REGISTRABLE_SCOPES, SCOPES_WITHOUT_DATA } from './claim-sets.ts';

/** Our metadata of a client, as `departments/client-metadata.ts` checked it. */
export interface OwnMetadata {
  minLevel: Level;
  allowAnonymous: boolean;
  requirePkce: boolean;
  purposes: readonly string[];
  consent: 'implied' | 'explicit';
  claimsAllowed: readonly string[];
  sector: string;
  /** The kinds of source that the client may send health evidence as. */
  healthSources: readonly string[];
  /** Its name by language; the first one is there if any is. */
  department?: { 'zh-CN': string; en?: string };
}

/** Reads our members from a client of the library; what is missing is the strict choice. */
export const ownMetadata = (client: Client): OwnMetadata =>
  readOwnMetadata(client as unknown as Record<string, unknown>, client.clientId);

/**
 * A client as the library takes it. It wants a sector identifier of who has redirect addresses on several hosts; ours is
 * `sector`, so any will do, and none is fetched. It refuses scopes that it does not offer; those of the standard that
 * we have no data for may be registered all the same.
 */
export const forLibrary = ({ scope, ...metadata }: { sector?: unknown; scope?: unknown }) => ({
  sector_identifier_uri: `https://${String(metadata.sector)}.invalid/`,
  ...metadata,
  ...(typeof scope === 'string' && { scope: offered(scope) }),
});

/** Never nothing of something: without any the library would take all as allowed. */
const offered = (scope: string): string =>
  scope === ''
    ? ''
    : scope
        .split(' ')
        .filter((each) => !SCOPES_WITHOUT_DATA.includes(each))
        .join(' ') || 'openid';

/** Which scopes of a registration are not offered, if any; the library says only that there are some. */
export function scopesRefused(scope: unknown): string | undefined {
  if (typeof scope !== 'string' || scope === '') return undefined;
  const wrong = scope.split(' ').filter((each) => !REGISTRABLE_SCOPES.includes(each));
  if (wrong.length === 0) return undefined;
  const named = wrong.map((each) => JSON.stringify(each)).join(', ');
  return `scope: ${named} is not offered; allowed are ${REGISTRABLE_SCOPES.join(' ')}, with one space between`;
}

/** The same from the metadata as the catalogue keeps it. */
export function readOwnMetadata(of: Record<string, unknown>, clientId: string): OwnMetadata {
  const list = (value: unknown): readonly string[] => (Array.isArray(value) ? (value as string[]) : []);
  return {
    minLevel: levelOf(of.min_acr) ?? 'basic',
    allowAnonymous: of.allow_anonymous === true,
    requirePkce: of.require_pkce !== false,
    purposes: list(of.purposes),
    consent: of.consent === 'implied' ? 'implied' : 'explicit',
    claimsAllowed: list(of.claims_allowed),
    sector: typeof of.sector === 'string' ? of.sector : clientId,
    healthSources: list(of.health_sources),
    ...(typeof of.department === 'string' &&
      of.department !== '' && {
        department: {
          'zh-CN': of.department,
          ...(typeof of['department#en'] === 'string' && { en: of['department#en'] }),
        },
      }),
  };
}
