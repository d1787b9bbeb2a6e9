import { randomInt } from 'node:crypto';
import en from '../../config/texts/en/citizens.json' with { type: 'json' };
import chinese from '../../config/texts/zh-CN/citizens.json' with { type: 'json' };
import type { Queryable } from '../platform/database.ts';
import type { Cipher } from '../platform/field-encryption.ts';
import { newId } from '../platform/id.ts';
import { lifetimes } from '../platform/lifetimes.ts';
import { limitsInUse } from '../platform/limits.ts';
import { post, withdraw } from '../platform/outbox.ts';

/** What a code is for; one sent for one purpose is nothing for another. */
export type CodePurpose =
  | 'login'
  | 'registration'
  /** To the phone of an account that somebody who has proved to be its owner recovers. */
  | 'recovery'
  /** To a phone that such a person says is their new one. */
  | 'new_phone'
  | 'change_phone'
  | 'step_up'
  | 'guardianship';

/** Wrong entries that a code survives. */
const FAILURES_MAX = 5;

/** In seconds, but `perWindow`. */
export interface CodeRules {
  lifetime: number;
  /** The wait before the next code to the same phone. */
  resend: number;
  /** How many codes of one quota a phone gets within `window`. */
  perWindow: number;
  /** How many it gets altogether within `window`. */
  total: number;
  window: number;
}

/** The rules that lifetimes and limits make: `smsCode`, `smsResend`, `sms_phone`, `sms_phone_total`. */
export const codeRules = (
  times = lifetimes,
  { sms_phone: limit, sms_phone_total: all } = limitsInUse,
): CodeRules => ({
  lifetime: times.smsCode,
  resend: times.smsResend,
  perWindow: limit.points,
  total: all.points,
  window: limit.seconds,
});

export interface CodeWriter {
  tx: Queryable;
  cipher: Cipher;
  /** The code that a sandbox person always gets; the limits do not count for them. */
  fixedCode?: ((phone: string) => string | undefined) | undefined;
  /** Other rules than those of `config/`. */
  rules?: CodeRules | undefined;
}

export interface CodeRequest {
  /** Normalised by `parseMobile`. */
  phone: string;
  purpose: CodePurpose;
  /** The interaction, draft or session in which the code must come back. */
  context: string;
  locale?: 'zh-CN' | 'en';
  /** Another text than the usual one, with `{code}` and `{minutes}`. */
  message?: string;
  now: Date;
}

/** What is known of the message with a code: not tried yet, refused by the gateway and tried again, handed over. */
export type Delivery = 'waiting' | 'failing' | 'sent';

/** A code that is still good. */
export interface LiveCode {
  sentAt: Date;
  expiresAt: Date;
  delivery: Delivery;
}

export interface CodeSent {
  /** Whether a new code is on its way. Otherwise an earlier one may still be good: see `expiresAt`. */
  sent: boolean;
  /** Why not. */
  reason?: 'too_soon' | 'daily_limit';
  /** When the next one may be asked for. */
  resendAt: Date;
  /** Until when the newest code of this context is good; absent when there is none. */
  expiresAt?: Date;
  /** What became of that code's message. */
  delivery?: Delivery;
}

const later = (now: Date, seconds: number) => new Date(now.getTime() + seconds * 1000);

/**
 * What a phone's codes are counted under. Anybody may have codes sent to any phone by beginning to register with
 * it; that must not use up the codes by which its owner logs in or recovers the account. So what strangers can
 * cause is counted apart from what takes the password, a proof of the person, or the carrier's word first.
 */
const QUOTAS: Record<CodePurpose, string> = {
  login: 'phone',
  step_up: 'phone',
  recovery: 'code-quota-recovery',
  new_phone: 'code-quota-new-phone',
  change_phone: 'code-quota-change-phone',
  registration: 'code-quota',
  guardianship: 'code-quota',
};

/** Keyed, since a million guesses would find the code from a plain hash; bound to all that it is good for. */
const hashOf = (cipher: Cipher, { phone, purpose, context }: Omit<CodeRequest, 'now'>, code: string) =>
  cipher.blindIndex('one-time-code', JSON.stringify([phone, purpose, context, code]));

/**
 * Sends a code of six digits through the outbox, in the caller's transaction. Only the newest code of a context
 * counts. Whether one more may be sent is decided by one statement, so that requests in parallel keep the limits.
 * What the gateway did not take does not count, and a newer code of the context takes its place.
 */
export async function sendCode(writer: CodeWriter, request: CodeRequest): Promise<CodeSent> {
  const { tx, cipher, rules = codeRules() } = writer;
  const { phone, purpose, context, now } = request;
  const phoneIndex = cipher.blindIndex('phone', phone);
  const fixed = writer.fixedCode?.(phone);
  const messageId = newId();
  if (fixed === undefined) {
    const refused =
      (await countSending(tx, cipher.blindIndex(QUOTAS[purpose], phone), [messageId], rules, now)) ??
      (await countSending(tx, cipher.blindIndex('code-quota-total', phone), [], totalOf(rules), now));
    if (refused) {
      const live = await liveCode(tx, phoneIndex, request);
      return { ...refused, ...(live && { expiresAt: live.expiresAt, delivery: live.delivery }) };
    }
  }
  const code = fixed ?? String(randomInt(1_000_000)).padStart(6, '0');
  const expiresAt = later(now, rules.lifetime);
  // A gateway that comes back delivers the code that counts, not all that were asked for meanwhile.
  const [older] = await tx.query<{ message_id: string | null }>(
    `select message_id from one_time_codes where context = $1 and purpose = $2 and phone_index = $3 for update`,
    [context, purpose, phoneIndex],
  );
  if (older?.message_id) await withdraw(tx, older.message_id, now);
  await tx.query(
    `insert into one_time_codes (context, purpose, phone_index, code_hash, sent_at, expires_at, message_id)
     values ($1, $2, $3, $4, $5, $6, $7)
     on conflict (context, purpose, phone_index) do update
     set code_hash = excluded.code_hash, failures = 0, sent_at = excluded.sent_at,
       expires_at = excluded.expires_at, spent_at = null, message_id = excluded.message_id`,
    [context, purpose, phoneIndex, hashOf(cipher, request, code), now, expiresAt, messageId],
  );
  const text = (request.message ?? (request.locale === 'en' ? en : chinese).codeMessage)
    .replace('{code}', code)
    .replace('{minutes}', String(Math.round(rules.lifetime / 60)));
  const message = { channel: 'sms', to: phone, text, kind: `code_${purpose}`, now, expiresAt } as const;
  await post(tx, cipher, { id: messageId, ...message });
  const resendAt = later(now, fixed === undefined ? rules.resend : 0);
  return { sent: true, resendAt, expiresAt, delivery: 'waiting' };
}

/**
 * Nobody's phone rings all day, whoever is behind it. Two quotas can be used up by others (`code-quota` and
 * `code-quota-new-phone`); the total leaves room for the owner beyond them. It knows no wait between two,
 * and counts what no gateway took as well: each code is good for some guesses.
 */
const totalOf = (rules: CodeRules): CodeRules => ({
  ...rules,
  perWindow: Math.max(rules.total, 3 * rules.perWindow),
  resend: -rules.window,
});

/**
 * Counts one sending, or says why there may be none now. The same statement looks at what became of the earlier
 * `messages`: what the gateway did not take leaves the limit free, and once it is given up the pause, too, and is taken
 * out of the count for good.
 */
async function countSending(
  tx: Queryable,
  phoneIndex: Buffer,
  messages: readonly string[],
  { resend, perWindow, window }: CodeRules,
  now: Date,
): Promise<Omit<CodeSent, 'expiresAt'> | undefined> {
  const windowEnded = later(now, -window);
  const counted = await tx.query(
    `insert into code_quotas as q (phone_index, window_start, sent, last_sent_at, pending)
     values ($1, $2, 1, $2, $6::uuid[])
     on conflict (phone_index) do update set
       window_start = case when q.window_start <= $3 then $2 else q.window_start end,
       sent = case when q.window_start <= $3 then 1 else q.sent + 1 - (
         select count(*) from outbox where id = any(q.pending) and given_up_at is not null and sent_at is null) end,
       last_sent_at = $2,
       pending = case when q.window_start <= $3 then $6::uuid[] else array(
         select message from unnest(q.pending) message
         where coalesce((select sealed is not null from outbox where id = message), true)) || $6::uuid[] end
     where (q.last_sent_at <= $4 or (
         select given_up_at is not null from outbox where id = q.pending[cardinality(q.pending)]))
       and (q.window_start <= $3 or $5 > q.sent - (
         select count(*) from outbox
         where id = any(q.pending) and sent_at is null and (failed_at is not null or given_up_at is not null)))
     returning 1`,
    [phoneIndex, now, windowEnded, later(now, -resend), perWindow, messages],
  );
  if (counted.length > 0) return undefined;
  const [quota] = await tx.query<{ window_start: Date; last_sent_at: Date; full: boolean }>(
    `select window_start, last_sent_at, window_start > $2 and $3 <= sent - (
       select count(*) from outbox
       where id = any(pending) and sent_at is null and (failed_at is not null or given_up_at is not null)) as full
     from code_quotas where phone_index = $1`,
    [phoneIndex, windowEnded, perWindow],
  );
  const soon = later(quota?.last_sent_at ?? now, resend);
  if (quota?.full) {
    const nextDay = later(quota.window_start, window);
    return { sent: false, reason: 'daily_limit', resendAt: nextDay > soon ? nextDay : soon };
  }
  return { sent: false, reason: 'too_soon', resendAt: soon };
}

async function liveCode(
  tx: Queryable,
  phoneIndex: Buffer,
  { context, purpose, now }: CodeRequest,
): Promise<LiveCode | undefined> {
  const [live] = await tx.query<{ sent_at: Date; expires_at: Date; delivery: Delivery }>(
    `select code.sent_at, code.expires_at, case
       when message.sent_at is not null then 'sent'
       when message.failed_at is not null or message.given_up_at is not null then 'failing'
       else 'waiting' end as delivery
     from one_time_codes code left join outbox message on message.id = code.message_id
     where context = $1 and purpose = $2 and phone_index = $3 and spent_at is null and code.expires_at > $4
       and failures < $5`,
    [context, purpose, phoneIndex, now, FAILURES_MAX],
  );
  return live && { sentAt: live.sent_at, expiresAt: live.expires_at, delivery: live.delivery };
}

/** The newest code of a context, if it still is good for anything: a page need not send another then. */
export const currentCode = (
  db: Queryable,
  cipher: Cipher,
  request: CodeRequest,
): Promise<LiveCode | undefined> => liveCode(db, cipher.blindIndex('phone', request.phone), request);

/**
 * Uses up a code. Decided by one statement: of any number of requests with the right code one gets `ok`.
 *
 * **Commit whatever the answer**: a wrong entry is counted in the same statement, and rolling back would give
 * unlimited guesses.
 *
 * @returns `wrong` also when no code was sent in this context to this phone; `spent` when it was used or when
 *   too many wrong entries ended it.
 */
export async function redeemCode(
  { tx, cipher }: Pick<CodeWriter, 'tx' | 'cipher'>,
  answer: Omit<CodeRequest, 'locale' | 'message'> & { code: string },
): Promise<'ok' | 'wrong' | 'expired' | 'spent'> {
  const { phone, purpose, context, now } = answer;
  const phoneIndex = cipher.blindIndex('phone', phone);
  const code = answer.code.normalize('NFKC').replace(/\s/g, '');
  const [tried] = await tx.query<{ ok: boolean }>(
    `update one_time_codes
     set spent_at = case when code_hash = $4 then $5::timestamptz end,
       failures = failures + case when code_hash = $4 then 0 else 1 end
     where context = $1 and purpose = $2 and phone_index = $3
       and spent_at is null and expires_at > $5 and failures < $6
     returning spent_at is not null as ok`,
    [context, purpose, phoneIndex, hashOf(cipher, answer, code), now, FAILURES_MAX],
  );
  if (tried) return tried.ok ? 'ok' : 'wrong';
  const [known] = await tx.query<{ spent: boolean }>(
    `select spent_at is not null or failures >= $4 as spent from one_time_codes
     where context = $1 and purpose = $2 and phone_index = $3`,
    [context, purpose, phoneIndex, FAILURES_MAX],
  );
  if (!known) return 'wrong';
  return known.spent ? 'spent' : 'expired';
}
