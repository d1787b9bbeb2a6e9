import type { Queryable } from '../platform/database.ts';
import { newId } from '../platform/id.ts';
import { checkEvent } from './check-event.ts';
import type { AuditEvent, EventType } from './events.ts';

/**
 * Writes one event, unlinked, in the transaction of the act it tells about: both or neither. A job seals it
 * within seconds.
 *
 * @throws UnsafeAuditEvent when the event is not of the closed list in `events.ts`.
 */
export async function record<T extends EventType>(tx: Queryable, event: AuditEvent<T>): Promise<void> {
  await recordAll(tx, [event]);
}

/** Writes any number of events in one statement. */
export async function recordAll<T extends EventType>(
  tx: Queryable,
  events: readonly AuditEvent<T>[],
): Promise<void> {
  if (events.length === 0) return;
  const details = events.map((event) => JSON.stringify(checkEvent(event)));
  await tx.query(
    `insert into audit_events (id, type, citizen_id, client_id, actor, session_uid, detail, at)
     select * from unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::jsonb[],
       $8::timestamptz[])`,
    [
      events.map(() => newId()),
      events.map(({ type }) => type),
      events.map(({ citizenId }) => citizenId ?? null),
      events.map(({ clientId }) => clientId ?? null),
      events.map(({ actor }) => actor ?? null),
      events.map(({ sessionUid }) => sessionUid ?? null),
      details,
      events.map(({ at }) => at),
    ],
  );
}
