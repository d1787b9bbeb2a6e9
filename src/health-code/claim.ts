import { recordAccess } from '../audit/access-log.ts';
import { record } from '../audit/log.ts';
import type { Database } from '../platform/database.ts';
import { liveActivation } from './activation.ts';
import { decideFor, NoRuleSet } from './decide.ts';
import { validUntil } from './engine/next-change.ts';
import type { Colour } from './engine/types.ts';
import { healthSettings } from './settings.ts';

/** The claim `health_code`. Times are ISO 8601. */
export interface HealthClaim {
  colour: Colour;
  region: string;
  assessed_at: string;
  valid_until: string;
  ruleset: string;
}

/** What the registration of the asking client says, as it is now. */
export interface AskingClient {
  id: string;
  purposes: readonly string[];
  claims_allowed: readonly string[];
}

/**
 * Whether a client may have the claim at all: entitled, and registered for the single purpose and no other,
 * so that what it learns cannot be used for something else.
 */
export const mayAsk = ({
  purposes,
  claims_allowed,
}: Pick<AskingClient, 'purposes' | 'claims_allowed'>): boolean =>
  claims_allowed.includes('health_code') && purposes.length === 1 && purposes[0] === healthSettings.purpose;

/**
 * The claim for userinfo, computed anew at each call: a purpose or an activation that was withdrawn stops it
 * at once, for tokens already issued too. Each answer writes a row that the citizen sees. The caller has
 * checked that the citizen's consent stands and answers with `Cache-Control: no-store`.
 *
 * @returns undefined when the client may not have it or the module is off.
 */
export async function healthClaim(
  db: Database,
  { citizenId, client, now }: { citizenId: string; client: AskingClient; now: Date },
): Promise<HealthClaim | undefined> {
  if (!mayAsk(client)) return undefined;
  return db.transaction(async (tx) => {
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
      clientId: client.id,
      what: ['health_code'],
      purpose: healthSettings.purpose,
      at: now,
    });
    await record(tx, { type: 'health.claim_released', citizenId, clientId: client.id, at: now });
    return {
      colour: decision.colour,
      region: activation.region,
      assessed_at: now.toISOString(),
      valid_until: new Date(Math.min(until, activation.to.getTime())).toISOString(),
      ruleset: decision.ruleSet,
    };
  });
}
