import { record } from '../audit/log.ts';
import type { Queryable } from '../platform/database.ts';
import { newId } from '../platform/id.ts';
import { evidenceExpiry } from './ladder.ts';
import type { Level } from './level.ts';
import { type EvidenceMethod, type EvidenceSource, ladderPolicy, type ProofMethod } from './policy.ts';
import { present } from './present.ts';
import type { StoredEvidence } from './standing.ts';

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
  | 'account_closed'
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

/** Ends whatever evidence there is: somebody begins anew. */
export async function endAllEvidence(
  db: Queryable,
  { citizenId, reason, at }: { citizenId: string; reason: EvidenceEnding; at: Date },
): Promise<void> {
  const methods = await db.query<{ method: EvidenceMethod }>(
    'select distinct method from evidence where citizen_id = $1',
    [citizenId],
  );
  for (const { method } of methods) await endEvidence(db, { citizenId, method, reason, at });
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
