import { accountLevel } from '../assurance/ladder.ts';
import { type Level, reaches } from '../assurance/level.ts';
import { loadStanding } from '../assurance/standing.ts';
import { recordAccess } from '../audit/access-log.ts';
import { record } from '../audit/log.ts';
import { readCitizen } from '../citizens/store.ts';
import { LEAST_LEVEL } from '../consents/claim-set.ts';
import { consentsGiven } from '../consents/store.ts';
import type { Database, Queryable } from '../platform/database.ts';
import type { Cipher } from '../platform/field-encryption.ts';
import { claimsOf } from './claim-sets.ts';
import { claimNames, verifiedClaims } from './verified-claims.ts';
import type { Verifiable } from './verified-claims-metadata.ts';

interface Asker {
  citizenId: string;
  clientId: string;
  /** `claims_allowed` of the client. */
  entitled: readonly string[];
  /** What the access token is good for at this moment. */
  level: Level;
  now: Date;
}

/**
 * `verified_claims` for userinfo, with its row in the citizen's access log. The caller has checked that the client is
 * entitled to it and that the citizen agreed. That covers name and date of birth; the ID number and the phone go
 * inside only for a client that may have them anyway, from a citizen who agreed to that too.
 */
export async function releaseVerifiedClaims(
  db: Database,
  cipher: Cipher,
  asker: Asker,
  asked: unknown,
): Promise<object | undefined> {
  const { citizenId, clientId, now: at } = asker;
  return db.transaction(async (tx) => {
    const citizen = await readCitizen(tx, cipher, citizenId);
    if (citizen?.state !== 'active') return undefined;
    const { evidence, cap } = await loadStanding(tx, { citizenId });
    const facts = {
      citizen,
      evidence: evidence.filter(({ expiresAt }) => expiresAt === undefined || expiresAt > at),
      level: accountLevel(evidence, at, cap).level,
      releasable: await releasable(tx, asker),
      at,
    };
    const answer = verifiedClaims(facts, asked);
    if (answer === undefined) return undefined;
    const what = ['verified_claims', ...claimNames(answer)];
    await recordAccess(tx, { citizenId, clientId, what, purpose: 'verified_claims', at });
    const detail = { claimSet: 'verified_claims' } as const;
    await record(tx, { type: 'claims.released', citizenId, clientId, detail, at });
    return answer;
  });
}

async function releasable(tx: Queryable, asker: Asker): Promise<Set<Verifiable>> {
  const { citizenId, clientId, entitled, level } = asker;
  const more = (['identity', 'phone'] as const).filter((id) => entitled.includes(id));
  const claimSets = more.map((id) => ({ id, claims: claimsOf(id), separate: id === 'identity' }));
  const given = await consentsGiven(tx, { citizenId, clientId, claimSets });
  const claims = new Set<Verifiable>(['name', 'birthdate']);
  const may = (id: 'identity' | 'phone') =>
    given.includes(id) && reaches(level, LEAST_LEVEL[id] ?? 'anonymous');
  if (may('identity')) claims.add('id_number');
  if (may('phone')) claims.add('phone_number');
  return claims;
}
