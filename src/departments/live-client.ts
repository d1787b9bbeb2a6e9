import type { Queryable } from '../platform/database.ts';

/** What a relying party is registered for at this moment. */
export interface LiveClient {
  purposes: string[];
  claimsAllowed: string[];
  /** Scopes it may ask for, where its registration limits them. */
  scopes: string[] | undefined;
  /** Whether another relying party has the same sector, and so the same subjects. */
  sharesSector: boolean;
}

/**
 * Reads a registration from the database, past every cache: a purpose that was withdrawn must not be used for
 * seconds more.
 *
 * @returns undefined for a client that is unknown or disabled.
 */
export async function readLiveClient(db: Queryable, clientId: string): Promise<LiveClient | undefined> {
  const [row] = await db.query<{
    purposes: string[] | null;
    claims_allowed: string[] | null;
    scope: string | null;
    shares_sector: boolean;
  }>(
    `select c.metadata -> 'purposes' as purposes, c.metadata -> 'claims_allowed' as claims_allowed,
       c.metadata ->> 'scope' as scope,
       exists (select from clients o where o.client_id <> c.client_id and o.disabled_at is null
         and o.metadata ->> 'sector' = c.metadata ->> 'sector') as shares_sector
     from clients c where c.client_id = $1 and c.disabled_at is null`,
    [clientId],
  );
  return (
    row && {
      purposes: row.purposes ?? [],
      claimsAllowed: row.claims_allowed ?? [],
      scopes: row.scope?.split(' ').filter(Boolean),
      sharesSector: row.shares_sector,
    }
  );
}
