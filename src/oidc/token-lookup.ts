import { readStanding, type StandingRow, standingSql } from '../assurance/standing.ts';
import type { Queryable } from '../platform/database.ts';
import type { GrantRecord } from '../sessions/grant-store.ts';
import { type FoundToken, queryToken, tokenSql } from '../sessions/token-store.ts';
import { requestMemory } from './request-memory.ts';

// Visitors (`anon_…`) have no standing, and their account identifier is no UUID. `offset 0`: it is read once.
const CITIZEN = `
  select case when left(account_id, 5) <> 'anon_' then account_id::uuid end as citizen_id
    from (select t.payload->>'accountId' as account_id) a offset 0`;

const TOKEN_WITH_STANDING = tokenSql(
  ', st.*',
  `left join lateral (${CITIZEN}) c on true
    left join lateral (${standingSql('c.citizen_id', 'session_uid = t.session_uid')}) st on true`,
);

/**
 * Finds a token with its grant, its session and the standing of its subject in one round trip, and remembers
 * all of them for the rest of the request: the library asks for them one by one, and for an unnamed token once
 * for each kind.
 */
export function lookUpToken(db: Queryable, value: string, now: Date): Promise<FoundToken | undefined> {
  const memory = requestMemory();
  let looking = memory.tokens.get(value);
  if (looking === undefined) {
    looking = read(db, value, now);
    memory.tokens.set(value, looking);
  }
  return looking;
}

async function read(db: Queryable, value: string, now: Date): Promise<FoundToken | undefined> {
  const answer = await queryToken<StandingRow>(db, TOKEN_WITH_STANDING, value, now);
  if (answer === undefined) return undefined;
  const { found, row } = answer;
  const { token, grant, session } = found;
  const memory = requestMemory();
  if (token.grantId && grant) memory.grants.set(token.grantId, grant as unknown as GrantRecord);
  if (token.sessionUid && session) memory.sessionsByUid.set(token.sessionUid, session);
  if (typeof token.accountId === 'string') {
    const subject = { accountId: token.accountId, sessionUid: token.sessionUid };
    memory.facts.set(subjectKey(subject), Promise.resolve(readStanding(row)));
  }
  return found;
}

/** Under which the facts of a subject are remembered. */
export const subjectKey = ({
  accountId,
  sessionUid,
}: {
  accountId: string;
  sessionUid: string | undefined;
}): string => `${accountId} ${sessionUid ?? ''}`;
