import type { Queryable } from '../../platform/database.ts';

interface AnswerKey {
  interactionUid: string;
  citizenId: string;
}

/** Keeps the answer of one page until the last one is answered. The latest answer to a page counts. */
export async function keepAnswer(
  tx: Queryable,
  answer: AnswerKey & { claimSets: readonly string[]; allowed: boolean; expiresAt: Date },
): Promise<void> {
  for (const claimSet of answer.claimSets) {
    await tx.query(
      `insert into consent_answers (interaction_uid, citizen_id, claim_set, allowed, expires_at)
       values ($1, $2, $3, $4, $5)
       on conflict (interaction_uid, citizen_id, claim_set)
       do update set allowed = excluded.allowed, expires_at = excluded.expires_at`,
      [answer.interactionUid, answer.citizenId, claimSet, answer.allowed, answer.expiresAt],
    );
  }
}

/** The answers given so far in this interaction: claim set → allowed. */
export async function readAnswers(db: Queryable, key: AnswerKey): Promise<Map<string, boolean>> {
  const rows = await db.query<{ claim_set: string; allowed: boolean }>(
    'select claim_set, allowed from consent_answers where interaction_uid = $1 and citizen_id = $2',
    [key.interactionUid, key.citizenId],
  );
  return new Map(rows.map(({ claim_set, allowed }) => [claim_set, allowed]));
}
