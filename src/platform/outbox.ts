import type { Queryable } from './database.ts';
import type { Cipher } from './field-encryption.ts';
import { newId } from './id.ts';
import { lifetimes } from './lifetimes.ts';

export type Channel = 'sms' | 'mail';

export interface Message {
  /** Made by `newId`, for a caller that has to know it beforehand. */
  id?: string;
  channel: Channel;
  /** Phone number or address. Sealed in the database together with the text. */
  to: string;
  text: string;
  /** What the message is about, such as `login_code`; for counting, never personal. */
  kind: string;
  now: Date;
  /** After this the message is worthless and no longer tried; a code's own end, for instance. */
  expiresAt?: Date;
}

/** Hands one message to its gateway. `id` stays the same when a message is tried again. */
export type Send = (message: {
  id: string;
  channel: Channel;
  to: string;
  text: string;
}) => Promise<{ reference?: string } | undefined>;

const PURPOSE = 'outbox';
const BATCH = 10;
/** Longer than any gateway may take, so that a message in flight is not taken for an abandoned one. */
const CLAIM_SECONDS = 60;

const later = (now: Date, seconds: number) => new Date(now.getTime() + seconds * 1_000);

/** Seconds until the next try: 2, 8, 32, 128, then every 5 minutes. */
export const backOff = (attempts: number): number => Math.min(2 * 4 ** (attempts - 1), 300);

/** Puts a message into the outbox, in the caller's transaction. @returns the message's id. */
export async function post(tx: Queryable, cipher: Cipher, message: Message): Promise<string> {
  const { channel, to, text, kind, now } = message;
  const { id = newId() } = message;
  await tx.query(
    `insert into outbox (id, channel, kind, sealed, created_at, expires_at, due_at)
     values ($1, $2, $3, $4, $5, $6, $5)`,
    [
      id,
      channel,
      kind,
      cipher.sealShared(PURPOSE, id, JSON.stringify({ to, text })),
      now,
      message.expiresAt ?? later(now, lifetimes.outboxGiveUp),
    ],
  );
  return id;
}

/** Makes a message worthless that something newer replaces. One in the gateway's hands at this moment still arrives. */
export const withdraw = async (tx: Queryable, id: string, now: Date): Promise<void> =>
  void (await tx.query('update outbox set expires_at = $2 where id = $1 and sealed is not null', [id, now]));

interface Claimed {
  id: string;
  channel: Channel;
  sealed: Buffer;
  attempts: number;
  expires_at: Date;
}

/**
 * Sends what is due. Any number of processes may do so at once: each message is claimed by one statement, and
 * nobody else sees it until the claim ends. A process that dies between sending and marking leaves its message
 * to be sent again after the claim (at least once, never lost); gateways can tell by the message's id.
 *
 * @returns how many messages were sent.
 */
export async function deliver(db: Queryable, cipher: Cipher, send: Send, now: Date): Promise<number> {
  await giveUp(db, now);
  let sent = 0;
  for (;;) {
    const claimed = await db.query<Claimed>(
      `update outbox set due_at = $2, attempts = attempts + 1
       where id in (
         select id from outbox where sealed is not null and due_at <= $1 and expires_at > $1
         order by due_at limit $3 for update skip locked)
       returning id, channel, sealed, attempts, expires_at`,
      [now, later(now, CLAIM_SECONDS), BATCH],
    );
    const results = await Promise.all(claimed.map((message) => deliverOne(db, cipher, send, now, message)));
    sent += results.filter(Boolean).length;
    if (claimed.length < BATCH) return sent;
  }
}

async function deliverOne(db: Queryable, cipher: Cipher, send: Send, now: Date, claimed: Claimed) {
  const { id, channel, sealed, attempts } = claimed;
  try {
    const { to, text } = JSON.parse(cipher.unsealShared(PURPOSE, id, sealed)) as { to: string; text: string };
    const answer = await send({ id, channel, to, text });
    await db.query(
      'update outbox set sent_at = $2, sealed = null, reference = $3 where id = $1 and sealed is not null',
      [id, now, answer?.reference ?? null],
    );
    return true;
  } catch {
    // The gateway's own words may quote the receiver, so they are not kept, only that it failed.
    await db.query('update outbox set due_at = $2, failed_at = $3 where id = $1 and sealed is not null', [
      id,
      later(now, backOff(attempts)),
      now,
    ]);
    return false;
  }
}

/** What has become worthless is not tried again; the same index serves it. */
async function giveUp(db: Queryable, now: Date): Promise<void> {
  await db.query(
    `update outbox set given_up_at = $1, sealed = null
     where id in (
       select id from outbox where sealed is not null and due_at <= $1 and expires_at <= $1
       limit 1000 for update skip locked)`,
    [now],
  );
}

/** Deletes what was sent or given up long ago. @returns how many; call again while it is `batch`. */
export async function purgeOutbox(db: Queryable, now: Date, batch = 1_000): Promise<number> {
  const rows = await db.query(
    `delete from outbox where id in (
       select id from outbox where sealed is null and created_at < $1
       order by created_at limit $2 for update skip locked)
     returning 1`,
    [later(now, -lifetimes.outboxKeep), batch],
  );
  return rows.length;
}
