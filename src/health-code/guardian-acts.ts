import { recordAccess } from '../audit/access-log.ts';
import type { Queryable } from '../platform/database.ts';

/** What a guardian does or sees for somebody, in the words of the access log. */
export type GuardianAct =
  | 'health_code'
  | 'health_offline_code'
  | 'health_paper'
  | 'health_declaration'
  | 'health_checkin'
  | 'health_appeal'
  | 'declared_travel';

/** Pages that show a code ask for the next one each minute: one row stands for all looks of this time. */
const ONE_LOOK_MS = 10 * 60_000;

interface Act {
  /** Who is acted for. */
  citizenId: string;
  /** The guardian; undefined for citizens themselves, of whom nothing is written. */
  by: string | undefined;
  what: GuardianAct;
  now: Date;
}

const rowOf = ({ citizenId, what, now }: Act) => ({
  citizenId,
  clientId: 'guardian',
  what: [what],
  purpose: 'guardianship',
  at: now,
});

/** Whoever was acted for reads it in their access log. */
export async function noteGuardianAct(tx: Queryable, act: Act): Promise<void> {
  if (act.by !== undefined) await recordAccess(tx, rowOf(act));
}

/** The same for what was only looked at: once in ten minutes. */
export async function noteGuardianLook(tx: Queryable, act: Act): Promise<void> {
  if (act.by === undefined) return;
  await recordAccess(tx, rowOf(act), { unlessSince: new Date(act.now.getTime() - ONE_LOOK_MS) });
}
