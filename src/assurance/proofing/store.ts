import type { Queryable } from '../../platform/database.ts';
import type { RefusalReason } from './adjudicate.ts';
import type { Failures } from './offer.ts';
import type { ProofingMethodId } from './policy.ts';

/** Where a check was set out from: an interaction, a session (the citizen's own pages), or both. */
export interface Origin {
  interactionUid?: string | undefined;
  sessionUid?: string | undefined;
}

/** A check that a citizen set out on. */
export interface Proofing extends Origin {
  /** Hash of the state that travels through the browser: the key of the row. */
  stateHash: Buffer;
  id: string;
  citizenId: string;
  method: ProofingMethodId;
  browserHash: Buffer;
  reference: string;
  status: 'started' | 'accepted' | 'refused';
  reason?: RefusalReason;
  startedAt: Date;
  decidedAt?: Date;
}

interface Row {
  state_hash: Buffer;
  id: string;
  citizen_id: string;
  method: ProofingMethodId;
  interaction_uid: string | null;
  session_uid: string | null;
  browser_hash: Buffer;
  reference: string;
  status: Proofing['status'];
  reason: RefusalReason | null;
  started_at: Date;
  decided_at: Date | null;
}

const toProofing = (row: Row): Proofing => ({
  stateHash: row.state_hash,
  id: row.id,
  citizenId: row.citizen_id,
  method: row.method,
  browserHash: row.browser_hash,
  reference: row.reference,
  status: row.status,
  startedAt: row.started_at,
  ...(row.interaction_uid === null ? {} : { interactionUid: row.interaction_uid }),
  ...(row.session_uid === null ? {} : { sessionUid: row.session_uid }),
  ...(row.reason === null ? {} : { reason: row.reason }),
  ...(row.decided_at === null ? {} : { decidedAt: row.decided_at }),
});

/**
 * Writes a check that has just begun at the authority.
 *
 * @param askAt when to ask how it went, if nobody has come back by then.
 */
export async function insertProofing(
  db: Queryable,
  proofing: Omit<Proofing, 'status' | 'reason' | 'decidedAt'>,
  askAt?: Date,
): Promise<void> {
  await db.query(
    `insert into proofings (state_hash, id, citizen_id, method, interaction_uid, session_uid, browser_hash,
       reference, started_at, ask_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
    [
      proofing.stateHash,
      proofing.id,
      proofing.citizenId,
      proofing.method,
      proofing.interactionUid,
      proofing.sessionUid,
      proofing.browserHash,
      proofing.reference,
      proofing.startedAt,
      askAt,
    ],
  );
}

/** @returns the check that a state belongs to, decided or not. */
export async function findProofing(db: Queryable, stateHash: Buffer): Promise<Proofing | undefined> {
  const [row] = await db.query<Row>('select * from proofings where state_hash = $1', [stateHash]);
  return row && toProofing(row);
}

/**
 * Takes hold of a check that is still open. Of twenty callbacks at the same moment one gets `true`; the others
 * wait for its transaction and get `false`.
 */
export async function holdProofing(tx: Queryable, stateHash: Buffer): Promise<boolean> {
  const rows = await tx.query(
    `select id from proofings where state_hash = $1 and status = 'started' for update`,
    [stateHash],
  );
  return rows.length === 1;
}

/** Writes how a check that is held ended. */
export async function decideProofing(
  tx: Queryable,
  stateHash: Buffer,
  decision: { status: 'accepted' | 'refused'; reason?: RefusalReason | undefined; at: Date },
): Promise<void> {
  await tx.query('update proofings set status = $2, reason = $3, decided_at = $4 where state_hash = $1', [
    stateHash,
    decision.status,
    decision.reason,
    decision.at,
  ]);
}

/** Takes checks that are to be asked about now, and puts each off, so that several processes share them. */
export async function takeAwaited(
  db: Queryable,
  { now, again, limit }: { now: Date; again: Date; limit: number },
): Promise<Proofing[]> {
  const rows = await db.query<Row>(
    `update proofings set ask_at = $2 where state_hash in (
       select state_hash from proofings where status = 'started' and ask_at is not null and ask_at <= $1
        order by ask_at limit $3 for update skip locked)
     returning *`,
    [now, again, limit],
  );
  return rows.map(toProofing);
}

/** Uses up an authority's reference for ever. @returns whether nobody had before. */
export async function redeemReference(
  tx: Queryable,
  input: { source: string; reference: string; at: Date },
): Promise<boolean> {
  const rows = await tx.query(
    `insert into redeemed_references (source, reference, redeemed_at) values ($1, $2, $3)
     on conflict (source, reference) do nothing returning reference`,
    [input.source, input.reference, input.at],
  );
  return rows.length === 1;
}

/** The checks of a citizen set out on from one place in one browser, newest first. */
export async function listProofings(
  db: Queryable,
  origin: Origin,
  by: { citizenId: string; browserHash: Buffer },
): Promise<Proofing[]> {
  const rows =
    origin.interactionUid === undefined
      ? await db.query<Row>(
          `select * from proofings where session_uid = $1 and citizen_id = $2 and browser_hash = $3
           order by started_at desc, id desc limit 50`,
          [origin.sessionUid, by.citizenId, by.browserHash],
        )
      : await db.query<Row>(
          `select * from proofings where interaction_uid = $1 and citizen_id = $2 and browser_hash = $3
           order by started_at desc, id desc limit 50`,
          [origin.interactionUid, by.citizenId, by.browserHash],
        );
  return rows.map(toProofing);
}

/** How often each method was refused among `proofings`. Turning back is not failing. */
export function countFailures(proofings: readonly Proofing[]): Failures {
  const failures: Failures = {};
  for (const { method, status, reason } of proofings) {
    if (status === 'refused' && reason !== 'cancelled') failures[method] = (failures[method] ?? 0) + 1;
  }
  return failures;
}

/**
 * Deletes checks begun before `before`, but for those that somebody still decides; one batch. The references stay
 * used up.
 */
export async function purgeProofings(
  db: Queryable,
  { before, limit }: { before: Date; limit: number },
): Promise<number> {
  const rows = await db.query(
    `delete from proofings where state_hash in (
       select state_hash from proofings where started_at < $1 and (status <> 'started' or ask_at is null)
        order by started_at limit $2
       for update skip locked)
     returning id`,
    [before, limit],
  );
  return rows.length;
}
