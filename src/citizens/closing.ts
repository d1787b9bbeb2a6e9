import chinese from '../../config/texts/zh-CN/citizens.json' with { type: 'json' };
import { record } from '../audit/log.ts';
import type { Database, Queryable } from '../platform/database.ts';
import { tryEach } from '../platform/each.ts';
import { lifetimes } from '../platform/lifetimes.ts';
import { post } from '../platform/outbox.ts';
import { closeAccount, type EndingTools } from './account-state.ts';
import { readCitizen } from './store.ts';

/** When an account is closed that its citizen asked to close; until then it works, and the wish can be taken back. */
export interface Closing {
  askedAt: Date;
  closeAt: Date;
}

/**
 * Notes that a citizen wants the account closed. It is closed after a wait (`accountClosing` of
 * `config/lifetimes.json`): whoever does it in somebody else's open session must not destroy anything.
 *
 * @returns when it will be closed; asking again changes nothing.
 */
export async function askToClose(
  tx: Queryable,
  { citizenId, now }: { citizenId: string; now: Date },
): Promise<{ closeAt: Date; asked: boolean }> {
  const closeAt = new Date(now.getTime() + lifetimes.accountClosing * 1000);
  const asked = await tx.query(
    `insert into account_closings (citizen_id, asked_at, close_at) values ($1, $2, $3)
     on conflict (citizen_id) do nothing returning 1`,
    [citizenId, now, closeAt],
  );
  if (asked.length > 0) {
    await record(tx, { type: 'account.closing_asked', citizenId, at: now });
    return { closeAt, asked: true };
  }
  return { closeAt: (await waitingClosing(tx, citizenId))?.closeAt ?? closeAt, asked: false };
}

/** The wish to close that waits, if there is one. */
export async function waitingClosing(db: Queryable, citizenId: string): Promise<Closing | undefined> {
  const [row] = await db.query<{ asked_at: Date; close_at: Date }>(
    'select asked_at, close_at from account_closings where citizen_id = $1',
    [citizenId],
  );
  return row && { askedAt: row.asked_at, closeAt: row.close_at };
}

/** Takes the wish to close back. @returns whether there was one. */
export async function cancelClosing(
  tx: Queryable,
  { citizenId, now }: { citizenId: string; now: Date },
): Promise<boolean> {
  const gone = await tx.query('delete from account_closings where citizen_id = $1 returning 1', [citizenId]);
  if (gone.length > 0) await record(tx, { type: 'account.closing_cancelled', citizenId, at: now });
  return gone.length > 0;
}

/**
 * Closes the accounts whose wait is over, one transaction each; several processes may do it at once.
 *
 * @returns how many; call again while it is not 0.
 * @throws AggregateError with what went wrong for some, after all were tried.
 */
export async function closeDueAccounts(
  db: Database,
  tools: EndingTools,
  { now, limit }: { now: Date; limit: number },
): Promise<number> {
  const due = await db.query<{ citizen_id: string }>(
    'select citizen_id from account_closings where close_at <= $1 order by close_at limit $2',
    [now, limit],
  );
  let closed = 0;
  await tryEach(due, 'some accounts could not be closed', async ({ citizen_id: citizenId }) => {
    if (await db.transaction((tx) => closeDue(tx, tools, { citizenId, now }))) closed++;
  });
  return closed;
}

/** @returns whether the wish still was there. */
async function closeDue(
  tx: Queryable,
  tools: EndingTools,
  { citizenId, now }: { citizenId: string; now: Date },
): Promise<boolean> {
  // The account first, as everything does that changes it.
  await tx.query('select 1 from accounts where citizen_id = $1 for update', [citizenId]);
  const wished = await tx.query(
    'delete from account_closings where citizen_id = $1 and close_at <= $2 returning 1',
    [citizenId, now],
  );
  if (wished.length === 0) return false;
  const { phone } = (await readCitizen(tx, tools.cipher, citizenId)) ?? {};
  const closed = await closeAccount(tx, tools, { citizenId, reason: 'requested', now });
  if (closed && phone !== undefined) {
    const text = chinese.closedMessage;
    await post(tx, tools.cipher, { channel: 'sms', to: phone, text, kind: 'account_closed', now });
  }
  return true;
}
