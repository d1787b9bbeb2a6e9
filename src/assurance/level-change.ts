import { record } from '../audit/log.ts';
import type { Queryable } from '../platform/database.ts';
import { accountLevel } from './ladder.ts';
import { loadStanding } from './standing.ts';
import { endEvidence } from './store.ts';

/**
 * Does something to a citizen's evidence or cap, and writes `level.changed` if the account's level is another one
 * afterwards: one row for the whole act, in its transaction, whatever it went through in between. That time alone
 * lowers a level is no act and has no row.
 */
export async function noteLevelChange<T>(
  tx: Queryable,
  { citizenId, sessionUid, at }: { citizenId: string; sessionUid?: string | undefined; at: Date },
  act: () => Promise<T>,
): Promise<T> {
  const level = async () => {
    const { evidence, cap } = await loadStanding(tx, { citizenId });
    return accountLevel(evidence, at, cap).level;
  };
  const from = await level();
  const result = await act();
  const to = await level();
  if (from !== to) {
    await record(tx, { type: 'level.changed', citizenId, sessionUid, detail: { from, to }, at });
  }
  return result;
}

/** Ends the evidence by one method, as an act of its own. */
export const voidEvidence = (tx: Queryable, ending: Parameters<typeof endEvidence>[1]): Promise<number> =>
  noteLevelChange(tx, ending, () => endEvidence(tx, ending));
