import type { EventType } from '../../src/audit/events.ts';
import type { Queryable } from '../../src/platform/database.ts';

/** The events of some types in the order in which they were written, as `[type, detail]`; of one citizen if named. */
export async function audited(
  db: Queryable,
  types: readonly EventType[],
  citizenId?: string,
): Promise<[string, object][]> {
  const rows = await db.query<{ type: string; detail: object }>(
    `select type, detail from audit_events where type = any($1) and ($2::uuid is null or citizen_id = $2)
     order by id`,
    [types, citizenId ?? null],
  );
  return rows.map(({ type, detail }) => [type, detail]);
}
