import { createHash, randomBytes } from 'node:crypto';
import type { Queryable } from '../../platform/database.ts';
import { lifetimes } from '../../platform/lifetimes.ts';
import { decodeBase45, encodeBase45 } from '../wire/base45.js';

/** What begins a code that is looked up (kind A). */
export const ONLINE = 'HK1:';
const BYTES = 32;

/** A code as it is shown: random, worth a minute, good once. */
export interface ShownCode {
  code: string;
  expiresAt: Date;
}

/** The random bytes of a code with this beginning, or undefined for what is none. */
export function bytesOf(beginning: string, text: string): Uint8Array | undefined {
  if (!text.startsWith(beginning)) return undefined;
  const bytes = decodeBase45(text.slice(beginning.length));
  return bytes?.length === BYTES ? bytes : undefined;
}

/** A new code with this beginning, and what of it is kept. */
export function newCode(beginning: string): { code: string; hash: Buffer } {
  const bytes = randomBytes(BYTES);
  return { code: beginning + encodeBase45(bytes), hash: hashOf(bytes) };
}

export const hashOf = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();

/** Makes a code for a citizen: one statement, no other question asked. */
export async function issueOnline(
  db: Queryable,
  { citizenId, now }: { citizenId: string; now: Date },
): Promise<ShownCode> {
  const { code, hash } = newCode(ONLINE);
  const expiresAt = new Date(now.getTime() + lifetimes.healthCode * 1_000);
  await db.query('insert into health_codes (hash, citizen_id, expires_at) values ($1, $2, $3)', [
    hash,
    citizenId,
    expiresAt,
  ]);
  return { code, expiresAt };
}

/** For so long, in seconds, a door that got no answer gets the first one again. */
const ASKED_AGAIN = 20;

/** `asked_again`: the question that used the code up came once more. */
export type Redemption =
  | { outcome: 'redeemed' | 'asked_again' | 'shown_before' | 'expired'; citizenId: string }
  | { outcome: 'unknown' };

interface Row {
  citizen_id: string;
  won: boolean;
  again: boolean | null;
  redeemed_at: Date | null;
  expires_at: Date;
}

/**
 * Redeems a code for a venue. Of any number of redemptions, at once or one after the other, one statement lets
 * exactly the first win; the others are told that it was shown before. Only a door that repeats its question of a
 * moment ago, because the answer was lost, is answered as before: it alone knows the random name of that question.
 *
 * @param asked.request what the door calls its question, another one for each showing.
 */
export async function redeemOnline(
  tx: Queryable,
  { code, venueId, request, now }: { code: string; venueId: string; request?: string | undefined; now: Date },
): Promise<Redemption> {
  const bytes = bytesOf(ONLINE, code);
  if (!bytes) return { outcome: 'unknown' };
  const asked = request === undefined ? null : hashOf(Buffer.from(request));
  const since = new Date(now.getTime() - ASKED_AGAIN * 1_000);
  const ask = async () => {
    const [row] = await tx.query<Row>(
      `with won as (
         update health_codes set redeemed_at = $2, venue_id = $3, asked = $4
         where hash = $1 and redeemed_at is null and expires_at > $2
         returning hash)
       select c.citizen_id, c.redeemed_at, c.expires_at, exists (select from won) as won,
         c.venue_id = $3 and c.asked = $4 and c.redeemed_at >= $5 as again
       from health_codes c where c.hash = $1`,
      [hashOf(bytes), now, venueId, asked, since],
    );
    return row;
  };
  // Lost to another redemption under way, a statement still sees the code as it was before.
  const lost = (row: Row) => !row.won && row.redeemed_at === null && row.expires_at > now;
  let row = await ask();
  if (row && asked && lost(row)) row = await ask();
  if (!row) return { outcome: 'unknown' };
  const { citizen_id: citizenId } = row;
  if (row.won) return { outcome: 'redeemed', citizenId };
  if (row.again) return { outcome: 'asked_again', citizenId };
  return { outcome: row.redeemed_at !== null || lost(row) ? 'shown_before' : 'expired', citizenId };
}
