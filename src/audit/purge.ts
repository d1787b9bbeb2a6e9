import type { Database } from '../platform/database.ts';

const ALLOW = `select set_config('yimatong.audit_purge', 'on', true)`;

/**
 * Deletes whole sealed stretches of the audit log that are older than `keepSeconds`, in batches, each
 * ending at a signed head. That head stays: what is left of the chain hangs on it.
 *
 * @param keepSeconds logs are kept at least six months (GB/T 22239).
 * @returns how many events went.
 */
export async function purgeAudit(db: Database, { now, keepSeconds }: { now: Date; keepSeconds: number }) {
  const before = new Date(now.getTime() - keepSeconds * 1_000);
  let gone = 0;
  for (;;) {
    const deleted = await db.transaction(async (tx) => {
      const [chain] = await tx.query('select 1 from audit_chain where id = 1 for update skip locked');
      if (!chain) return 0;
      await tx.query(ALLOW);
      const [oldest] = await tx.query<{ through: number | null }>(
        `select min(h.seq) as through from audit_heads h
         where h.seq >= (select min(seq) from audit_links) and h.sealed_at < $1`,
        [before],
      );
      if (oldest?.through == null) return 0;
      const rows = await tx.query<{ event_id: string }>(
        'delete from audit_links where seq <= $1 returning event_id',
        [oldest.through],
      );
      await tx.query('delete from audit_events where id = any ($1::uuid[])', [
        rows.map((row) => row.event_id),
      ]);
      await tx.query('delete from audit_heads where seq < $1', [oldest.through]);
      return rows.length;
    });
    gone += deleted;
    if (deleted === 0) return gone;
  }
}

/**
 * Deletes rows of the citizens' access log that are older than `keepSeconds`, `batch` at a time.
 *
 * @returns how many rows went.
 */
export async function purgeAccessLog(
  db: Database,
  { now, keepSeconds, batch = 5_000 }: { now: Date; keepSeconds: number; batch?: number },
): Promise<number> {
  const before = new Date(now.getTime() - keepSeconds * 1_000);
  let gone = 0;
  for (;;) {
    const deleted = await db.transaction(async (tx) => {
      await tx.query(ALLOW);
      const rows = await tx.query(
        `delete from access_log where (citizen_id, id) in (
           select citizen_id, id from access_log where at < $1 order by at limit $2 for update skip locked
         ) returning id`,
        [before, batch],
      );
      return rows.length;
    });
    gone += deleted;
    if (deleted < batch) return gone;
  }
}
