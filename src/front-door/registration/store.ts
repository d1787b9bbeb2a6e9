import type { Queryable } from '../../platform/database.ts';
import type { Cipher } from '../../platform/field-encryption.ts';
import type { Draft } from './draft.ts';

const PURPOSE = 'registration_draft';
const owner = (ticket: Buffer): string => ticket.toString('hex');

/** A draft as its browser finds it: still open, or finished a moment ago. */
export type StoredDraft =
  | { state: 'open'; draft: Draft }
  | { state: 'finished'; citizenId: string; finishedAt: Date; interactionUid: string | undefined };

interface DraftRow {
  sealed: Buffer;
  citizen_id: string | null;
  finished_at: Date | null;
}

function read(cipher: Cipher, ticket: Buffer, row: DraftRow | undefined): StoredDraft | undefined {
  if (row === undefined) return undefined;
  const content = JSON.parse(cipher.unsealShared(PURPOSE, owner(ticket), row.sealed)) as Draft;
  if (row.citizen_id === null || row.finished_at === null) return { state: 'open', draft: content };
  return {
    state: 'finished',
    citizenId: row.citizen_id,
    finishedAt: row.finished_at,
    interactionUid: content.interactionUid,
  };
}

/**
 * Keeps a draft, sealed; an earlier one of the same ticket is replaced unless it is finished.
 *
 * @param expiresAt for a new draft. One that is changed keeps its end: personal data of somebody who has no account
 *   must not stay for as long as a browser goes on saving it.
 */
export async function saveDraft(
  db: Queryable,
  cipher: Cipher,
  ticket: Buffer,
  draft: Draft,
  expiresAt: Date,
): Promise<void> {
  const sealed = cipher.sealShared(PURPOSE, owner(ticket), JSON.stringify(draft));
  await db.query(
    `insert into registration_drafts (ticket_hash, sealed, expires_at) values ($1, $2, $3)
     on conflict (ticket_hash) do update set sealed = excluded.sealed
       where registration_drafts.finished_at is null`,
    [ticket, sealed, expiresAt],
  );
}

export async function readDraft(
  db: Queryable,
  cipher: Cipher,
  ticket: Buffer | undefined,
  now: Date,
): Promise<StoredDraft | undefined> {
  if (ticket === undefined) return undefined;
  const [row] = await db.query<DraftRow>(
    `select sealed, citizen_id, finished_at from registration_drafts
      where ticket_hash = $1 and expires_at > $2`,
    [ticket, now],
  );
  return read(cipher, ticket, row);
}

/** As `readDraft`, and nobody else finishes it until the transaction ends: a second click waits here. */
export async function lockDraft(
  tx: Queryable,
  cipher: Cipher,
  ticket: Buffer,
  now: Date,
): Promise<StoredDraft | undefined> {
  const [row] = await tx.query<DraftRow>(
    `select sealed, citizen_id, finished_at from registration_drafts
      where ticket_hash = $1 and expires_at > $2 for update`,
    [ticket, now],
  );
  return read(cipher, ticket, row);
}

/** Marks a draft finished and forgets what was typed; where it goes on to stays for `expiresAt`. */
export async function finishDraft(
  tx: Queryable,
  cipher: Cipher,
  ticket: Buffer,
  finished: { citizenId: string; interactionUid: string | undefined; now: Date; expiresAt: Date },
): Promise<void> {
  const rest = JSON.stringify({ interactionUid: finished.interactionUid });
  await tx.query(
    `update registration_drafts set sealed = $2, citizen_id = $3, finished_at = $4, expires_at = $5
      where ticket_hash = $1`,
    [
      ticket,
      cipher.sealShared(PURPOSE, owner(ticket), rest),
      finished.citizenId,
      finished.now,
      finished.expiresAt,
    ],
  );
}

export async function deleteDraft(db: Queryable, ticket: Buffer): Promise<void> {
  await db.query('delete from registration_drafts where ticket_hash = $1', [ticket]);
}
