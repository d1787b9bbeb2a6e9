import type { InteractionResults } from 'oidc-provider';

/** What an interaction hands back to the authorization request, beside the library's own members. */
export interface OwnResult extends InteractionResults {
  /** Epoch seconds at which the first interaction of this request began: proofs since then are fresh. */
  since?: number;
  /** The citizen chose to go on without the preferred level. */
  continue_without?: boolean;
  consent?: { allowed?: string[] };
}

export const ownResult = (result: InteractionResults | undefined): OwnResult => (result ?? {}) as OwnResult;
