import type { Context } from 'koa';
import type { Level } from '../assurance/level.ts';
import type { ClaimSet } from '../consents/claim-set.ts';

/** What somebody who stands at the front door came for. It says nothing of the protocol that brought them. */
export interface Interaction {
  uid: string;
  prompt: 'login' | 'step_up' | 'consent';
  reasons: string[];
  client: { id: string; name: string; homeUri?: string; department?: string };
  /** Who is logged in in this browser. */
  session?: { uid: string; citizenId: string };
  floor: Level;
  /** The level to aim for; with `optional`, the citizen may go on without it. */
  target: Level;
  optional: boolean;
  /** The request cannot be met, whatever the citizen does: its values are unknown, or out of reach. */
  unmet?: 'no_known_value' | 'out_of_reach';
  /** Only proofs made in this interaction, or since this time, count. */
  since?: Date;
  consent?: { claimSets: ClaimSet[] };
  loginHint?: string;
  /** They came to register. */
  wantsAccount?: boolean;
  /** The way back to the client. */
  returnTo: string;
}

/** What the front door may do with an interaction; written by whoever speaks the protocol. */
export interface Door {
  /** @throws Problem('interaction_expired', 400) when it is gone, done, or another browser's */
  details(ctx: Context): Promise<Interaction>;
  /** The citizen has logged in; the proofs are already recorded under the interaction's uid. */
  loggedIn(ctx: Context, login: { citizenId: string }): Promise<void>;
  /** `allowed` holds the ids of the claim sets that the citizen agreed to, now or earlier. */
  consented(ctx: Context, consent: { allowed: string[] }): Promise<void>;
  declined(ctx: Context, error: 'access_denied' | 'unmet_authentication_requirements'): Promise<void>;
  /** An optional step-up was skipped. */
  continueWithout(ctx: Context): Promise<void>;
}
