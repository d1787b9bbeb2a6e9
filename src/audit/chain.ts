import { createHash } from 'node:crypto';

/** The chain begins at this hash, before its first event. */
export const GENESIS = Buffer.alloc(32);

/** An event as it stands in `audit_events`. */
export interface StoredEvent {
  id: string;
  type: string;
  citizen_id: string | null;
  client_id: string | null;
  actor: string | null;
  session_uid: string | null;
  detail: Record<string, unknown>;
  at: Date;
}

/** Columns of `StoredEvent`, for a `select` from `audit_events e`. */
export const EVENT_COLUMNS =
  'e.id, e.type, e.citizen_id, e.client_id, e.actor, e.session_uid, e.detail, e.at';

/**
 * The hash of one link: SHA-256 over the hash before it, its number and every column of its event.
 * Names in `detail` are sorted, because `jsonb` keeps no order.
 */
export function linkHash(previous: Buffer, seq: number, event: StoredEvent): Buffer {
  const detail = Object.keys(event.detail)
    .sort()
    .map((key) => [key, event.detail[key]]);
  const text = JSON.stringify([
    seq,
    event.id,
    event.type,
    event.citizen_id,
    event.client_id,
    event.actor,
    event.session_uid,
    detail,
    event.at.toISOString(),
  ]);
  return createHash('sha256').update(previous).update(text).digest();
}
