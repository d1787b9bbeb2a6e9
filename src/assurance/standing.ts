import type { Queryable } from '../platform/database.ts';
import type { Evidence, LevelCap, Proof } from './ladder.ts';
import type { Level } from './level.ts';
import type { EvidenceMethod, ProofMethod } from './policy.ts';
import { present } from './present.ts';

/** Evidence as it is stored. */
export interface StoredEvidence extends Evidence {
  id: string;
}

/** A proof as it is stored, with the credential that made it. */
export interface StoredProof extends Proof {
  credentialId?: string;
}

/** What `sessionStanding` needs to know about one citizen in one session. */
export interface LoadedStanding {
  evidence: StoredEvidence[];
  proofs: StoredProof[];
  cap?: LevelCap;
  /** `undefined`: a citizen without an account. */
  accountState: 'active' | 'locked' | 'closed' | undefined;
}

/**
 * SQL that selects one `StandingRow`, however much there is, so that a request costs one round trip, alone or
 * joined to what it is the standing of. Of the evidence only what lasts longest by each method is needed;
 * rechecks add a row every month. It reads `accounts` of the room below for the same reason.
 *
 * @param citizen SQL expression of the citizen's id, `proofsOf` SQL condition on `proofs`
 */
export const standingSql = (citizen: string, proofsOf: string) => `
  select a.state as account_state, to_json(a.level_cap_until) as level_cap_until,
    (select coalesce(json_agg(e), '[]') from (
       select distinct on (method) id, method, source, transaction_id, at, expires_at
       from evidence
       where citizen_id = ${citizen} and not exists (
         select from evidence_endings n where n.citizen_id = ${citizen} and n.evidence_id = evidence.id)
       order by method, expires_at desc nulls first) e) as evidence,
    (select coalesce(json_agg(p), '[]') from (
       select id, method, at, bound_level, interaction_uid, evidence_id, user_verified, hardware, credential_id
       from proofs where citizen_id = ${citizen} and ${proofsOf}) p) as proofs
  from (select 1) one left join accounts a on a.citizen_id = ${citizen}`;

const SESSION_STANDING = standingSql('$1', 'session_uid = $2');
const INTERACTION_STANDING = standingSql('$1', '(session_uid = $2 or interaction_uid = $3)');

export interface StandingRow {
  account_state: LoadedStanding['accountState'] | null;
  level_cap_until: string | null;
  evidence: Array<
    Record<'id' | 'source' | 'transaction_id' | 'at', string> & { method: EvidenceMethod } & {
      expires_at: string | null;
    }
  >;
  proofs: Array<{
    id: string;
    method: ProofMethod;
    at: string;
    bound_level: Level;
    interaction_uid: string | null;
    evidence_id: string | null;
    user_verified: boolean | null;
    hardware: boolean | null;
    credential_id: string | null;
  }>;
}

/** What the ladder looks at, from a row of `standingSql`. */
export function readStanding(row: StandingRow): LoadedStanding {
  return {
    accountState: row.account_state ?? undefined,
    ...(row.level_cap_until ? { cap: { level: 'basic', until: new Date(row.level_cap_until) } } : {}),
    evidence: row.evidence.map((item) => ({
      id: item.id,
      method: item.method,
      source: item.source,
      transactionId: item.transaction_id,
      at: new Date(item.at),
      ...(item.expires_at ? { expiresAt: new Date(item.expires_at) } : {}),
    })),
    proofs: row.proofs.map((item) => ({
      id: item.id,
      method: item.method,
      at: new Date(item.at),
      boundLevel: item.bound_level,
      ...present({
        interactionUid: item.interaction_uid,
        evidenceId: item.evidence_id,
        userVerified: item.user_verified,
        hardware: item.hardware,
        credentialId: item.credential_id,
      }),
    })),
  };
}

/**
 * Everything that the ladder looks at for one citizen in one session, in one round trip.
 *
 * @param by `interactionUid` adds the proofs made in an interaction that no session has claimed yet.
 */
export async function loadStanding(
  db: Queryable,
  by: { citizenId: string; sessionUid?: string | undefined; interactionUid?: string | undefined },
): Promise<LoadedStanding> {
  const [row] =
    by.interactionUid === undefined
      ? await db.query<StandingRow>(SESSION_STANDING, [by.citizenId, by.sessionUid])
      : await db.query<StandingRow>(INTERACTION_STANDING, [by.citizenId, by.sessionUid, by.interactionUid]);
  if (row === undefined) throw new Error('the standing query always has one row');
  return readStanding(row);
}
