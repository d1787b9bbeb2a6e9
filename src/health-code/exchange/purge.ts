import type { Database } from '../../platform/database.ts';
import { healthSettings } from '../settings.ts';

/**
 * Deletes one batch each of files, of what peers said and of pseudonyms that are older than
 * `config/health-code/settings.json` keeps them. A row that a peer has not taken back stays while it is listed.
 *
 * @returns how many rows went; call again while it is not 0.
 */
export async function purgeExchange(
  db: Database,
  { now, limit = 500 }: { now: Date; limit?: number },
): Promise<number> {
  const before = new Date(now.getTime() - healthSettings.exchange.keepDays * 86_400_000);
  const counts = [
    // Peers begin at the newest full file, so that one and what follows stay.
    await db.query(
      `with gone as (
         delete from health_own_files where name in (
           select name from health_own_files
           where created_at < $1 and created_at < (select max(created_at) from health_own_files where kind = 'F')
           order by created_at limit $2 for update skip locked)
         returning name
       )
       delete from health_own_file_parts where name in (select name from gone) returning 1`,
      [before, limit],
    ),
    await db.query(
      `delete from health_peer_files where (issuer, name, received_at) in (
         select f.issuer, f.name, f.received_at from health_peer_files f
         where f.received_at < $1 and (f.state = 'rejected' or exists (
           select from health_peer_files n where n.issuer = f.issuer and n.received_at > f.received_at
             and n.state = 'accepted'))
         order by f.received_at limit $2 for update skip locked)
       returning 1`,
      [before, limit],
    ),
    await db.query(
      `delete from health_peer_rows where (pid, issuer, colour, effective_from) in (
         select pid, issuer, colour, effective_from from health_peer_rows
         where received_at < $1 and superseded_at < $1 order by received_at limit $2 for update skip locked)
       returning 1`,
      [before, limit],
    ),
    await db.query(
      `delete from health_pids where (pid, month) in (
         select pid, month from health_pids where month < $1 order by month limit $2 for update skip locked)
       returning 1`,
      [before.toISOString().slice(0, 7), limit],
    ),
  ];
  return counts.reduce((sum, rows) => sum + rows.length, 0);
}
