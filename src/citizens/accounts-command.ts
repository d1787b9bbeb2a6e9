import chinese from '../../config/texts/zh-CN/citizens.json' with { type: 'json' };
import type { Database } from '../platform/database.ts';
import { post } from '../platform/outbox.ts';
import { type EndingTools, type LockReason, lockAccount, unlockAccount } from './account-state.ts';
import { parseUsername } from './names.ts';
import { findByIdentifier, readCitizen } from './store.ts';

export const ACCOUNTS_USAGE = `npm run accounts -- show <user name>
npm run accounts -- lock <user name>
npm run accounts -- unlock <user name>

A user name only: numbers of persons do not belong on a command line.
Unlock what its owner has frozen only after two documents were seen at a counter. What such an account was
logged in with is removed then: the owner sets a new password by recovery.`;

/** The command cannot be carried out; the message says why. */
export class AccountsCommandError extends Error {
  override readonly name = 'AccountsCommandError';
}

/**
 * Carries out one line of `npm run accounts`.
 *
 * @returns what to print; nothing of a person in it.
 * @throws AccountsCommandError for what cannot be understood, and for a user name that nobody has.
 */
export async function accountsCommand(
  db: Database,
  tools: EndingTools,
  [verb, who, ...more]: readonly string[],
  now: Date,
): Promise<string> {
  if (!verb || !['show', 'lock', 'unlock'].includes(verb) || !who || more.length > 0) {
    throw new AccountsCommandError(ACCOUNTS_USAGE);
  }
  const username = parseUsername(who);
  if (!username.ok) throw new AccountsCommandError('That is no user name.');
  const found = await findByIdentifier(db, tools.cipher, username.value);
  if (!found) throw new AccountsCommandError('Nobody has that user name.');
  const { citizenId } = found;
  if (verb === 'lock') {
    const act = { citizenId, reason: 'administrator', now } as const;
    const locked = await db.transaction((tx) => lockAccount(tx, tools, act));
    return locked ? 'Locked. All logins were ended.' : 'It was not active.';
  }
  if (verb === 'unlock') return unlock(db, tools, citizenId, now);
  const [row] = await db.query<{ state: string; state_reason: LockReason | null; state_at: Date }>(
    'select state, state_reason, state_at from accounts where citizen_id = $1',
    [citizenId],
  );
  if (!row) return 'No account.';
  return `${row.state}${row.state_reason ? ` (${row.state_reason})` : ''} since ${row.state_at.toISOString()}`;
}

async function unlock(db: Database, tools: EndingTools, citizenId: string, now: Date): Promise<string> {
  return db.transaction(async (tx) => {
    const unlocked = await unlockAccount(tx, tools, { citizenId, now });
    if (!unlocked) return 'It was not locked.';
    const frozen = unlocked === 'recovery';
    const { phone } = (await readCitizen(tx, tools.cipher, citizenId)) ?? {};
    if (phone !== undefined) {
      const text = frozen ? chinese.unfrozenMessage : chinese.unlockedMessage;
      await post(tx, tools.cipher, { channel: 'sms', to: phone, text, kind: 'account_unlocked', now });
    }
    return frozen
      ? 'Unlocked. Password, passkeys and apps were removed: the owner sets a new password by recovery.'
      : 'Unlocked.';
  });
}
