import { recordAccess } from '../audit/access-log.ts';
import { record } from '../audit/log.ts';
import { type LiveClient, readLiveClient } from '../departments/live-client.ts';
import type { Database } from '../platform/database.ts';
import { liveActivation } from './activation.ts';
import { decideFor } from './decide.ts';
import { validUntil } from './engine/next-change.ts';
import type { Colour } from './engine/types.ts';
import { NoRuleSet } from './rules-in-force.ts';
import { healthSettings } from './settings.ts';

/** The claim `health_code`. Times are ISO 8601. */
export interface HealthClaim {
  colour: Colour;
  region: string;
  assessed_at: string;
  valid_until: string;
  ruleset: string;
}

const SCOPE = 'health_code';
const SCOPES: readonly string[] = ['openid', SCOPE];

/**
 * Whether a client may have the claim at all: registered for the single purpose and no other, for nothing but this
 * claim, under a sector of its own, so that what it learns can neither be used for something else nor be joined to
 * what another relying party knows.
 */
export const mayAsk = ({ purposes, claimsAllowed, scopes, sharesSector }: LiveClient): boolean =>
  purposes.length === 1 &&
  purposes[0] === healthSettings.purpose &&
  claimsAllowed.length === 1 &&
  claimsAllowed[0] === SCOPE &&
  (scopes ?? SCOPES).every((scope) => SCOPES.includes(scope)) &&
  !sharesSector;

/**
 * The claim for userinfo, computed anew at each call from what is registered, in force and known at this moment: a
 * purpose or an activation that was withdrawn stops it at once, for tokens already issued too. Each answer writes a row that the citizen sees. The caller has
 * checked that the citizen's consent stands and answers with `Cache-Control: no-store`.
 *
 * @returns undefined when the client may not have it or the module is off.
 */
export async function healthClaim(
  db: Database,
  { citizenId, client: { id: clientId }, now }: { citizenId: string; client: { id: string }; now: Date },
): Promise<HealthClaim | undefined> {
  return db.transaction(async (tx) => {
    const client = await readLiveClient(tx, clientId);
    if (!client || !mayAsk(client)) return undefined;
    const activation = await liveActivation(tx, now);
    if (!activation) return undefined;
    const decision = await decideFor(tx, citizenId, now).catch((error: unknown) => {
      if (error instanceof NoRuleSet) return undefined;
      throw error;
    });
    if (!decision) return undefined;
    const until = validUntil(decision.input, now.getTime(), decision.rules, healthSettings.claimSeconds);
    await recordAccess(tx, {
      citizenId,
      clientId,
      what: ['health_code'],
      purpose: healthSettings.purpose,
      at: now,
    });
    await record(tx, { type: 'health.claim_released', citizenId, clientId, at: now });
    return {
      colour: decision.colour,
      region: healthSettings.region,
      assessed_at: now.toISOString(),
      valid_until: new Date(Math.min(until, activation.to.getTime())).toISOString(),
      ruleset: decision.ruleSet,
    };
  });
}
