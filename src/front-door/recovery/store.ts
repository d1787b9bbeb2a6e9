import type { Queryable } from '../../platform/database.ts';
import type { Cipher } from '../../platform/field-encryption.ts';
import { newId } from '../../platform/id.ts';
import type { RecoveryFile, RecoveryKind } from './steps.ts';

const PURPOSE = 'recovery';

export type RecoveryState = 'started' | 'proved' | 'waiting' | 'applied' | 'cancelled' | 'refused';

export interface Recovery {
  id: string;
  kind: RecoveryKind;
  state: RecoveryState;
  /** Known only once the person has proved who they are. */
  citizenId: string | undefined;
  file: RecoveryFile;
  /** Lost phone: when the wait is over. */
  applyAt: Date | undefined;
  /** When it was applied, cancelled or refused. */
  decidedAt: Date | undefined;
}

interface RecoveryRow {
  id: string;
  kind: RecoveryKind;
  state: RecoveryState;
  citizen_id: string | null;
  sealed: Buffer;
  apply_at: Date | null;
  decided_at: Date | null;
}

const opened = (cipher: Cipher, row: RecoveryRow): Recovery => ({
  id: row.id,
  kind: row.kind,
  state: row.state,
  citizenId: row.citizen_id ?? undefined,
  file: JSON.parse(cipher.unsealShared(PURPOSE, row.id, row.sealed)) as RecoveryFile,
  applyAt: row.apply_at ?? undefined,
  decidedAt: row.decided_at ?? undefined,
});

const COLUMNS = 'id, kind, state, citizen_id, sealed, apply_at, decided_at';

/** Begins a recovery for the browser that holds the ticket. */
export async function startRecovery(
  db: Queryable,
  cipher: Cipher,
  begun: { ticket: Buffer; kind: RecoveryKind; file: RecoveryFile; expiresAt: Date },
): Promise<string> {
  const id = newId();
  await db.query(
    `insert into recoveries (id, ticket_hash, kind, state, sealed, expires_at)
     values ($1, $2, $3, 'started', $4, $5)`,
    [
      id,
      begun.ticket,
      begun.kind,
      cipher.sealShared(PURPOSE, id, JSON.stringify(begun.file)),
      begun.expiresAt,
    ],
  );
  return id;
}

/** The recovery of the browser that holds the ticket. */
export async function readRecovery(
  db: Queryable,
  cipher: Cipher,
  ticket: Buffer | undefined,
  now: Date,
): Promise<Recovery | undefined> {
  if (ticket === undefined) return undefined;
  const [row] = await db.query<RecoveryRow>(
    `select ${COLUMNS} from recoveries where ticket_hash = $1 and expires_at > $2`,
    [ticket, now],
  );
  return row && opened(cipher, row);
}

/** Keeps what has come to a recovery that is not decided yet. */
export async function saveRecovery(
  db: Queryable,
  cipher: Cipher,
  { id, file, citizenId }: { id: string; file: RecoveryFile; citizenId?: string | undefined },
): Promise<void> {
  await db.query(
    `update recoveries set sealed = $2, citizen_id = coalesce($3, citizen_id),
       state = case when coalesce($3, citizen_id) is null then 'started' else 'proved' end
      where id = $1 and state in ('started', 'proved')`,
    [id, cipher.sealShared(PURPOSE, id, JSON.stringify(file)), citizenId ?? null],
  );
}

/**
 * Holds a recovery that is in one of `states` until the transaction ends: of two clicks one finds nothing. All
 * recoveries of one account wait for one another, because one that is applied ends the others.
 */
export async function lockRecovery(
  tx: Queryable,
  cipher: Cipher,
  id: string,
  ...states: readonly RecoveryState[]
): Promise<Recovery | undefined> {
  await tx.query(
    `select 1 from accounts where citizen_id = (select citizen_id from recoveries where id = $1) for update`,
    [id],
  );
  const [row] = await tx.query<RecoveryRow>(
    `select ${COLUMNS} from recoveries where id = $1 and state = any($2) for update`,
    [id, states],
  );
  return row && opened(cipher, row);
}

/**
 * Decides a recovery, or lets its wait begin.
 *
 * @param change `stopHash`: of the token in the "this was not me" link; `file`: what remains to be kept.
 */
export async function decideRecovery(
  tx: Queryable,
  cipher: Cipher,
  id: string,
  change: {
    state: RecoveryState;
    file: RecoveryFile;
    stopHash?: Buffer | undefined;
    applyAt?: Date | undefined;
    decidedAt?: Date | undefined;
    expiresAt: Date;
  },
): Promise<void> {
  await tx.query(
    `update recoveries set state = $2, sealed = $3, stop_hash = coalesce($4, stop_hash),
       apply_at = coalesce($5, apply_at), decided_at = $6, expires_at = $7
      where id = $1`,
    [
      id,
      change.state,
      cipher.sealShared(PURPOSE, id, JSON.stringify(change.file)),
      change.stopHash ?? null,
      change.applyAt ?? null,
      change.decidedAt ?? null,
      change.expiresAt,
    ],
  );
}

/** What a "this was not me" link would stop, without stopping it. */
export async function readByStop(
  db: Queryable,
  cipher: Cipher,
  stopHash: Buffer,
  now: Date,
): Promise<Recovery | undefined> {
  const [row] = await db.query<RecoveryRow>(
    `select ${COLUMNS} from recoveries
      where stop_hash = $1 and state in ('waiting', 'applied') and expires_at > $2`,
    [stopHash, now],
  );
  return row && opened(cipher, row);
}

/** Lost phones of this citizen whose wait is not over. */
export async function waitingRecoveries(
  db: Queryable,
  citizenId: string,
): Promise<{ id: string; applyAt: Date }[]> {
  const rows = await db.query<{ id: string; apply_at: Date }>(
    `select id, apply_at from recoveries where citizen_id = $1 and state = 'waiting' order by apply_at`,
    [citizenId],
  );
  return rows.map((row) => ({ id: row.id, applyAt: row.apply_at }));
}

/**
 * Forgets recoveries of this citizen that have proved who asks but decided nothing yet, all but one.
 *
 * @returns what they were for.
 */
export async function dropProvedRecoveries(
  tx: Queryable,
  { citizenId, except }: { citizenId: string; except: string },
): Promise<RecoveryKind[]> {
  const rows = await tx.query<{ kind: RecoveryKind }>(
    `delete from recoveries where citizen_id = $1 and state = 'proved' and id <> $2 returning kind`,
    [citizenId, except],
  );
  return rows.map(({ kind }) => kind);
}

/** Ids of waits that are over, oldest first. */
export async function dueRecoveries(db: Queryable, now: Date, limit = 50): Promise<string[]> {
  const rows = await db.query<{ id: string }>(
    `select id from recoveries where state = 'waiting' and apply_at <= $1 order by apply_at limit $2`,
    [now, limit],
  );
  return rows.map(({ id }) => id);
}
