import type { Queryable } from '../platform/database.ts';

/** One event of the log, as the citizen whom it is about may read it. */
export interface OwnEvent {
  type: string;
  at: Date;
  clientId?: string;
  detail: Record<string, unknown>;
}

/**
 * Everything the log holds about a citizen, newest first, in batches: years of it may be long.
 *
 * @param batch rows read at a time.
 */
export async function* ownEvents(db: Queryable, citizenId: string, batch = 500): AsyncGenerator<OwnEvent> {
  let before: { at: Date; id: string } | undefined;
  for (;;) {
    const rows: {
      id: string;
      type: string;
      at: Date;
      client_id: string | null;
      detail: OwnEvent['detail'];
    }[] = await db.query(
      `select id, type, at, client_id, detail from audit_events
         where citizen_id = $1 and at <= $2 and (at < $2 or id < $3) order by at desc, id desc limit $4`,
      [
        citizenId,
        before?.at ?? new Date(8.64e15),
        before?.id ?? 'ffffffff-ffff-ffff-ffff-ffffffffffff',
        batch,
      ],
    );
    for (const { type, at, client_id, detail } of rows) {
      yield { type, at, ...(client_id && { clientId: client_id }), detail };
    }
    const last = rows.at(-1);
    if (rows.length < batch || last === undefined) return;
    before = { at: last.at, id: last.id };
  }
}
