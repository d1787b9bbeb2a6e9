import type { Client } from 'oidc-provider';
import { type Level, levelOf } from '../assurance/level.ts';

/** Our metadata of a client, as `departments/client-metadata.ts` checked it. */
export interface OwnMetadata {
  minLevel: Level;
  allowAnonymous: boolean;
  requirePkce: boolean;
  purposes: readonly string[];
  consent: 'implied' | 'explicit';
  claimsAllowed: readonly string[];
  sector: string;
  department?: string;
}

/** Reads our members from a client of the library; what is missing is the strict choice. */
export function ownMetadata(client: Client): OwnMetadata {
  const of = client as unknown as Record<string, unknown>;
  const list = (value: unknown): readonly string[] => (Array.isArray(value) ? (value as string[]) : []);
  return {
    minLevel: levelOf(of.min_acr) ?? 'basic',
    allowAnonymous: of.allow_anonymous === true,
    requirePkce: of.require_pkce !== false,
    purposes: list(of.purposes),
    consent: of.consent === 'implied' ? 'implied' : 'explicit',
    claimsAllowed: list(of.claims_allowed),
    sector: typeof of.sector === 'string' ? of.sector : client.clientId,
    ...(typeof of.department === 'string' && { department: of.department }),
  };
}
