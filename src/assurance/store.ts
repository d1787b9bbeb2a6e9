import { record } from '../audit/log.ts';
import type { Queryable } from '../platform/database.ts';
import { newId } from '../platform/id.ts';
import { type Evidence, evidenceExpiry, type LevelCap, type Proof } from './ladder.ts';
import type { Level } from './level.ts';
import { type EvidenceMethod, type EvidenceSource, ladderPolicy, type ProofMethod } from './policy.ts';

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

interface EvidenceInput {
  citizenId: string;
  method: EvidenceMethod;
  source: EvidenceSource;
  /** The authority's own reference. */
  transactionId: string;
  at: Date;
  /** Left out: as long as `config/ladder.json` says. */
  expiresAt?: Date;
}

/**
 * Adds one piece of evidence. The same answer of the same authority counts once, however often it arrives. Where
 * the ladder wants the source asked again from time to time, it also says when.
 *
 * @returns its id, or `undefined` when it was there already.
 */
export async function recordEvidence(db: Queryable, input: EvidenceInput): Promise<string | undefined> {
  const { citizenId, method, source, transactionId, at } = input;
  const rows = await db.query<{ id: string }>(
    `with added as (
       insert into evidence (id, citizen_id, method, source, transaction_id, at, expires_at)
       values ($1, $2, $3, $4, $5, $6, $7)
       on conflict (citizen_id, method, source, transaction_id) do nothing
       returning id
     ), due as (
       insert into rechecks (citizen_id, method, due_at)
       select $2, $3, $8::timestamptz from added where $8::timestamptz is not null
       on conflict (citizen_id, method) do update set due_at = excluded.due_at
     )
     select id from added`,
    [
      newId(),
      citizenId,
      method,
      source,
      transactionId,
      at,
      input.expiresAt ?? evidenceExpiry(method, at),
      recheckDue(method, at),
    ],
  );
  const id = rows[0]?.id;
  if (id !== undefined) {
    await record(db, { type: 'evidence.recorded', citizenId, detail: { method, source }, at });
  }
  return id;
}

/** The authority's reference of the newest evidence by a method, ended or not. */
export async function lastReference(
  db: Queryable,
  { citizenId, method }: { citizenId: string; method: EvidenceMethod },
): Promise<string | undefined> {
  const [row] = await db.query<{ transaction_id: string }>(
    `select transaction_id from evidence where citizen_id = $1 and method = $2 order by at desc, id desc limit 1`,
    [citizenId, method],
  );
  return row?.transaction_id;
}

function recheckDue(method: EvidenceMethod, at: Date): Date | undefined {
  const after = ladderPolicy.recheckAfterSeconds[method];
  return after === undefined ? undefined : new Date(at.getTime() + after * 1000);
}

/** Why evidence ended. */
export type EvidenceEnding =
  | 'new_owner'
  | 'mismatch'
  | 'deceased'
  | 'phone_changed'
  | 'recovery'
  | 'administrator';

/** Ends all evidence by one method that has not ended yet; the rows stay, the endings are rows of their own. */
export async function endEvidence(
  db: Queryable,
  input: { citizenId: string; method: EvidenceMethod; reason: EvidenceEnding; at: Date },
): Promise<number> {
  const rows = await db.query(
    `insert into evidence_endings (citizen_id, evidence_id, ended_at, reason)
     select e.citizen_id, e.id, $3, $4 from evidence e where e.citizen_id = $1 and e.method = $2
     on conflict (citizen_id, evidence_id) do nothing
     returning evidence_id`,
    [input.citizenId, input.method, input.at, input.reason],
  );
  if (rows.length > 0) {
    const { citizenId, method, reason, at } = input;
    await record(db, { type: 'evidence.ended', citizenId, detail: { method, reason }, at });
  }
  return rows.length;
}

interface ProofInput {
  citizenId: string;
  /** The interaction in which it is made; the session claims it at resume. */
  interactionUid?: string | undefined;
  /** The session, when there is one already. */
  sessionUid?: string | undefined;
  method: ProofMethod;
  at: Date;
  boundLevel: Level;
  credentialId?: string | undefined;
  userVerified?: boolean | undefined;
  hardware?: boolean | undefined;
  evidenceId?: string | undefined;
}

/** Writes that a credential was consumed, in the transaction that consumed it. */
export async function recordProof(db: Queryable, input: ProofInput): Promise<string> {
  const id = newId();
  await db.query(
    `insert into proofs (id, citizen_id, interaction_uid, session_uid, method, at, bound_level,
       credential_id, user_verified, hardware, evidence_id)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
    [
      id,
      input.citizenId,
      input.interactionUid,
      input.sessionUid,
      input.method,
      input.at,
      input.boundLevel,
      input.credentialId,
      input.userVerified,
      input.hardware,
      input.evidenceId,
    ],
  );
  return id;
}

/**
 * Gives the proofs of an interaction to the session that came out of it. A proof belongs to one session for
 * good, and never to another citizen's.
 *
 * @returns how many were claimed.
 */
export async function claimProofs(
  db: Queryable,
  input: { interactionUid: string; sessionUid: string; citizenId: string },
): Promise<number> {
  const rows = await db.query(
    `update proofs set session_uid = $2
     where interaction_uid = $1 and citizen_id = $3 and session_uid is null
     returning id`,
    [input.interactionUid, input.sessionUid, input.citizenId],
  );
  return rows.length;
}

/** Raises what the given proofs are good for; never lowers. Goes with `raiseBoundLevels` of the credentials. */
export async function raiseProofs(
  db: Queryable,
  input: { citizenId: string; proofIds: readonly string[]; level: Level },
): Promise<void> {
  await db.query(
    `update proofs set bound_level = $3
     where citizen_id = $1 and id = any($2::uuid[])
       and array_position(array['anonymous', 'basic', 'intermediate', 'advanced'], bound_level)
         < array_position(array['anonymous', 'basic', 'intermediate', 'advanced'], $3::text)`,
    [input.citizenId, input.proofIds, input.level],
  );
}

// One row however much there is, so that a token request costs one round trip. Of the evidence only what
// lasts longest by each method is needed; rechecks add a row every month. It reads `accounts` of the room
// below for the same reason.
const standingQuery = (proofsOf: string) => `
  select a.state as account_state, a.level_cap_until,
    (select coalesce(json_agg(e), '[]') from (
       select distinct on (method) id, method, source, transaction_id, at, expires_at
       from evidence
       where citizen_id = $1 and not exists (
         select from evidence_endings n where n.citizen_id = $1 and n.evidence_id = evidence.id)
       order by method, expires_at desc nulls first) e) as evidence,
    (select coalesce(json_agg(p), '[]') from (
       select id, method, at, bound_level, interaction_uid, evidence_id, user_verified, hardware, credential_id
       from proofs where citizen_id = $1 and ${proofsOf}) p) as proofs
  from (select 1) one left join accounts a on a.citizen_id = $1`;

const SESSION_STANDING = standingQuery('session_uid = $2');
const INTERACTION_STANDING = standingQuery('(session_uid = $2 or interaction_uid = $3)');

interface StandingRow {
  account_state: LoadedStanding['accountState'] | null;
  level_cap_until: Date | null;
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

/** Leaves out what SQL has as null, so that optional properties are really absent. */
function present<T extends object>(value: T): { [K in keyof T]: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== null)) as {
    [K in keyof T]: NonNullable<T[K]>;
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
  return {
    accountState: row.account_state ?? undefined,
    ...(row.level_cap_until ? { cap: { level: 'basic', until: row.level_cap_until } } : {}),
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

/** All evidence of a citizen, newest first, with its endings: for the citizen's own page. */
export async function readEvidence(db: Queryable, citizenId: string): Promise<StoredEvidence[]> {
  const rows = await db.query<{
    id: string;
    method: EvidenceMethod;
    source: string;
    transaction_id: string;
    at: Date;
    expires_at: Date | null;
    ended_at: Date | null;
  }>(
    `select e.id, e.method, e.source, e.transaction_id, e.at, e.expires_at, n.ended_at
     from evidence e left join evidence_endings n on n.citizen_id = e.citizen_id and n.evidence_id = e.id
     where e.citizen_id = $1 order by e.at desc, e.id desc`,
    [citizenId],
  );
  return rows.map((row) => ({
    id: row.id,
    method: row.method,
    source: row.source,
    transactionId: row.transaction_id,
    at: row.at,
    ...present({ expiresAt: row.expires_at, endedAt: row.ended_at }),
  }));
}
