import { randomBytes } from 'node:crypto';
import type { Queryable } from '../platform/database.ts';
import { lifetimes } from '../platform/lifetimes.ts';

export type ChallengePurpose = 'enrol' | 'login';

/**
 * A challenge for one ceremony in one browser session.
 *
 * @param context the interaction or session that it belongs to; an answer from elsewhere is refused.
 * @returns the challenge, base64url (as in `clientDataJSON`).
 */
export async function issueChallenge(
  db: Queryable,
  input: { purpose: ChallengePurpose; context: string; citizenId?: string | undefined; now: Date },
): Promise<string> {
  const challenge = randomBytes(32).toString('base64url');
  await db.query(
    `insert into passkey_challenges (challenge, purpose, context, citizen_id, expires_at)
     values ($1, $2, $3, $4, $5)`,
    [
      challenge,
      input.purpose,
      input.context,
      input.citizenId ?? null,
      new Date(input.now.getTime() + lifetimes.passkeyChallenge * 1000),
    ],
  );
  return challenge;
}

/** The challenge that an authenticator says it answers; nothing is verified yet. */
function claimedChallenge(clientDataJSON: string): string {
  try {
    const data: unknown = JSON.parse(Buffer.from(clientDataJSON, 'base64url').toString());
    const challenge = typeof data === 'object' && data !== null && 'challenge' in data ? data.challenge : '';
    return typeof challenge === 'string' ? challenge : '';
  } catch {
    return '';
  }
}

/**
 * Uses up the challenge that an answer names, in one statement: the second answer finds none. It is gone even if
 * the answer then turns out wrong, provided that the caller commits.
 */
export async function takeChallenge(
  db: Queryable,
  input: { purpose: ChallengePurpose; context: string; clientDataJSON: string; now: Date },
): Promise<{ challenge: string; citizenId?: string } | undefined> {
  const challenge = claimedChallenge(input.clientDataJSON);
  const [row] = await db.query<{ citizen_id: string | null }>(
    `delete from passkey_challenges
     where challenge = $1 and purpose = $2 and context = $3 and expires_at > $4 returning citizen_id`,
    [challenge, input.purpose, input.context, input.now],
  );
  return row && { challenge, ...(row.citizen_id && { citizenId: row.citizen_id }) };
}
