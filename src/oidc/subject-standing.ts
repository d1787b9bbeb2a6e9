import { type ProofWindow, type Standing, sessionStanding } from '../assurance/ladder.ts';
import type { Level } from '../assurance/level.ts';
import { type LoadedStanding, loadStanding } from '../assurance/standing.ts';
import type { Clock } from '../platform/clock.ts';
import type { Queryable } from '../platform/database.ts';
import { requestMemory } from './request-memory.ts';
import { subjectKey } from './token-lookup.ts';

const ANONYMOUS_PREFIX = 'anon_';

/** Account identifiers of visitors: they have no row anywhere. */
export const isAnonymous = (accountId: string | undefined): boolean =>
  accountId?.startsWith(ANONYMOUS_PREFIX) === true;
export const anonymousAccountId = (uuid: string): string => ANONYMOUS_PREFIX + uuid;

export interface Subject {
  accountId: string;
  sessionUid: string | undefined;
}

export interface Standings {
  /** Facts of a subject, read once a request. */
  facts(subject: Subject): Promise<LoadedStanding>;
  /** Where the subject stands now, counting only proofs in `window`, and looking for `atMost` a level. */
  standing(subject: Subject, window?: ProofWindow, atMost?: Level): Promise<Standing>;
}

export function createStandings(db: Queryable, clock: Clock): Standings {
  const facts = (subject: Subject): Promise<LoadedStanding> => {
    const { facts: known } = requestMemory();
    const key = subjectKey(subject);
    let loading = known.get(key);
    if (loading === undefined) {
      loading = loadStanding(db, { citizenId: subject.accountId, sessionUid: subject.sessionUid });
      known.set(key, loading);
    }
    return loading;
  };
  return {
    facts,
    async standing(subject, window, atMost) {
      const { evidence, proofs, cap } = await facts(subject);
      return sessionStanding({ evidence, proofs, cap, at: clock(), window, atMost });
    },
  };
}
