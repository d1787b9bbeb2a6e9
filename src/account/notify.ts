import type { Context } from 'koa';
import site from '../../config/site.json' with { type: 'json' };
import type { Queryable } from '../platform/database.ts';
import { post } from '../platform/outbox.ts';
import type { AccountDeps } from './deps.ts';

/** What happened to an account; each has a text `account.told.<what>`. */
export type Told =
  | 'passkeyAdded'
  | 'passkeyRemoved'
  | 'totpAdded'
  | 'totpRemoved'
  | 'passwordChanged'
  | 'phoneChanged'
  | 'sessionsEnded'
  | 'dataExported'
  | 'closingAsked'
  | 'closingCancelled';

/**
 * Tells a citizen by SMS what was just done to their account, with what to do if it was somebody else; in the
 * act's own transaction. Nothing is sent to a person without phone.
 */
export async function tell(
  { cipher, clock, pages }: Pick<AccountDeps, 'cipher' | 'clock' | 'pages'>,
  tx: Queryable,
  ctx: Context,
  { phone, what }: { phone: string | undefined; what: Told },
): Promise<void> {
  if (phone === undefined) return;
  const t = pages.t(ctx);
  const text = t('account.told.message', { what: t(`account.told.${what}`), phone: site.helpPhone });
  await post(tx, cipher, { channel: 'sms', to: phone, text, kind: 'security_notice', now: clock() });
}
