import type { Queryable } from '../platform/database.ts';
import { newId } from '../platform/id.ts';
import type { AuditEvent, EventType } from './events.ts';
import { checkEvent } from './events.ts';

/**
 * Writes one event, unlinked, in the transaction of the act it tells about: both or neither. A job seals it
 * within seconds.
 *
 * @throws UnsafeAuditEvent when the event is not of the closed list in `events.ts`.
 */
export async function record<T extends EventType>(tx: Queryable, event: AuditEvent<T>): Promise<void> {
  const detail = checkEvent(event);
  await tx.query(
    `insert into audit_events (id, type, citizen_id, client_id, actor, session_uid, detail, at)
     values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [
      newId(),
      event.type,
      event.citizenId ?? null,
      event.clientId ?? null,
      event.actor ?? null,
      event.sessionUid ?? null,
      JSON.stringify(detail),
      event.at,
    ],
  );
}
