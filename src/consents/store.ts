import type { Queryable } from '../platform/database.ts';
import type { ClaimSet } from './claim-set.ts';

interface Key {
  citizenId: string;
  clientId: string;
}

/**
 * Which of `claimSets` the citizen has agreed to give this client, and not taken back. A set that has grown
 * since then (a claim that the citizen never saw) counts as not given.
 *
 * @returns their ids
 */
export async function consentsGiven(
  db: Queryable,
  { citizenId, clientId, claimSets }: Key & { claimSets: readonly ClaimSet[] },
): Promise<string[]> {
  if (claimSets.length === 0) return [];
  const rows = await db.query<{ claim_set: string; claims: string[] }>(
    `select claim_set, claims from consents
      where citizen_id = $1 and client_id = $2 and withdrawn_at is null`,
    [citizenId, clientId],
  );
  return claimSets
    .filter(({ id, claims }) =>
      rows.some((row) => row.claim_set === id && claims.every((claim) => row.claims.includes(claim))),
    )
    .map(({ id }) => id);
}

/** Whether every one of `claimSets` may be given without asking. */
export async function consentGiven(
  db: Queryable,
  asked: Key & { claimSets: readonly ClaimSet[] },
): Promise<boolean> {
  return (await consentsGiven(db, asked)).length === asked.claimSets.length;
}

/** Remembers that the citizen agreed to these sets. */
export async function giveConsents(
  tx: Queryable,
  { citizenId, clientId, claimSets, now }: Key & { claimSets: readonly ClaimSet[]; now: Date },
): Promise<void> {
  for (const { id, claims } of claimSets) {
    await tx.query(
      `insert into consents (citizen_id, client_id, claim_set, claims, given_at) values ($1, $2, $3, $4, $5)
       on conflict (citizen_id, client_id, claim_set)
       do update set claims = excluded.claims, given_at = excluded.given_at, withdrawn_at = null`,
      [citizenId, clientId, id, claims, now],
    );
  }
}

/**
 * Takes consents back: one set, or all that the client has. What was given stays on record with its times.
 *
 * @returns the sets that were withdrawn now
 */
export async function withdrawConsents(
  tx: Queryable,
  { citizenId, clientId, claimSet, now }: Key & { claimSet?: string; now: Date },
): Promise<string[]> {
  const rows = await tx.query<{ claim_set: string }>(
    `update consents set withdrawn_at = $4
      where citizen_id = $1 and client_id = $2 and ($3::text is null or claim_set = $3)
        and withdrawn_at is null
     returning claim_set`,
    [citizenId, clientId, claimSet ?? null, now],
  );
  return rows.map(({ claim_set }) => claim_set);
}

/** Takes everything back that a citizen agreed to: the account is closed. @returns how many sets. */
export async function withdrawAllConsents(
  tx: Queryable,
  { citizenId, now }: { citizenId: string; now: Date },
): Promise<number> {
  const rows = await tx.query(
    'update consents set withdrawn_at = $2 where citizen_id = $1 and withdrawn_at is null returning 1',
    [citizenId, now],
  );
  return rows.length;
}

export interface Consent {
  clientId: string;
  claimSet: string;
  claims: string[];
  givenAt: Date;
  withdrawnAt: Date | undefined;
}

/** Every consent of a citizen, newest first, for the citizen's own pages. */
export async function readConsents(db: Queryable, citizenId: string): Promise<Consent[]> {
  const rows = await db.query<{
    client_id: string;
    claim_set: string;
    claims: string[];
    given_at: Date;
    withdrawn_at: Date | null;
  }>('select * from consents where citizen_id = $1 order by given_at desc', [citizenId]);
  return rows.map((row) => ({
    clientId: row.client_id,
    claimSet: row.claim_set,
    claims: row.claims,
    givenAt: row.given_at,
    withdrawnAt: row.withdrawn_at ?? undefined,
  }));
}
