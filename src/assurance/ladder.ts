import { acrOf, LEVELS, type Level, minLevel, reaches } from './level.ts';
import {
  type EvidenceMethod,
  type LadderPolicy,
  ladderPolicy,
  PROOF_METHODS,
  type ProofMethod,
} from './policy.ts';

/** A source of truth vouched for the citizen. Never changed; an ending is a row of its own. */
export interface Evidence {
  method: EvidenceMethod;
  source: string;
  transactionId: string;
  at: Date;
  expiresAt?: Date;
  endedAt?: Date;
}

/** A credential was consumed or a live check was passed. */
export interface Proof {
  id: string;
  method: ProofMethod;
  at: Date;
  /** What the credential is good for at most: the account's level when it was enrolled. */
  boundLevel: Level;
  /** The interaction in which it was made; a password and its second factor share one. */
  interactionUid?: string;
  evidenceId?: string;
  /** Passkeys: the authenticator verified the person (PIN, finger), not only a touch. */
  userVerified?: boolean;
  /** Passkeys: the key never leaves its device (true) or is synchronised (false). */
  hardware?: boolean;
}

/** An upper limit for a while, set by recovery. */
export interface LevelCap {
  level: Level;
  until: Date;
}

/** Which proofs count: `max_age` and `prompt=login` narrow it, a refresh looks at the issuing proofs only. */
export interface ProofWindow {
  /** Only proofs made at this time or later. */
  since?: Date;
  /** Only proofs made at this time or earlier. */
  until?: Date;
  /** Only proofs made in this interaction (or one of these). */
  interactionUid?: string | readonly string[];
}

/** Everything the ladder looks at. */
export interface Facts {
  evidence: readonly Evidence[];
  proofs: readonly Proof[];
  cap?: LevelCap | undefined;
  at: Date;
  window?: ProofWindow | undefined;
  /** Looks for no more than this level: what decides a lower level that is reported instead of the achieved one. */
  atMost?: Level | undefined;
}

export interface Standing {
  /** What the evidence gives. */
  accountLevel: Level;
  /** The achieved level: the lower of the account's and the session's. */
  level: Level;
  acr: string;
  /** Of the proofs that count for the achieved level (RFC 8176). */
  amr: string[];
  /** Time of the proof that decides the level; `undefined` without a complete login. */
  authTime: Date | undefined;
  /** First instant at which the achieved level no longer holds, as far as is known now. */
  endsAt?: Date;
  /** Ids of the proofs that count. */
  proofIds: string[];
  /** Highest level for which the login itself is complete and fresh; `anonymous` asks for a login. */
  loginLevel: Level;
  /** Highest level that the credentials of a login that is fresh enough for it are good for. */
  boundLevel: Level;
}

interface Login {
  at: number;
  boundLevel: Level;
  proofs: readonly Proof[];
}

const NEVER = Number.POSITIVE_INFINITY;
const STEPS = ['basic', 'intermediate', 'advanced'] as const;
const latest = (times: readonly number[]): number => Math.max(Number.NEGATIVE_INFINITY, ...times);
const asDate = (time: number): { endsAt?: Date } => (Number.isFinite(time) ? { endsAt: new Date(time) } : {});

/** When evidence made now by `method` expires. */
export function evidenceExpiry(method: EvidenceMethod, at: Date, policy: LadderPolicy = ladderPolicy): Date {
  return new Date(at.getTime() + policy.evidenceLifetimeSeconds[method] * 1000);
}

/** For each level, the instant at which the evidence stops giving it (−∞: it does not give it). */
function evidenceEnds(evidence: readonly Evidence[], policy: LadderPolicy): Record<Level, number> {
  const ends: Record<Level, number> = {
    anonymous: NEVER,
    basic: NEVER,
    intermediate: NEVER,
    advanced: NEVER,
  };
  let end = NEVER;
  for (const level of STEPS) {
    for (const group of policy.levels[level].account) {
      const lasting = evidence
        .filter((item) => group.includes(item.method))
        .map((item) => Math.min(item.expiresAt?.getTime() ?? NEVER, item.endedAt?.getTime() ?? NEVER));
      end = Math.min(end, latest(lasting));
    }
    ends[level] = end;
  }
  return ends;
}

/** Whether a cap forbids `level` at `at`. It ends at its exact instant. */
const capped = (level: Level, at: Date, cap: LevelCap | undefined): boolean =>
  cap !== undefined && at.getTime() < cap.until.getTime() && !reaches(cap.level, level);

const highest = (holds: (level: Level) => boolean): Level =>
  LEVELS.findLast((level) => level === 'anonymous' || holds(level)) ?? 'anonymous';

/** The level of an account whose evidence ends then, at `at`. */
const levelUntil = (ends: Record<Level, number>, at: Date, cap: LevelCap | undefined): Level =>
  highest((step) => ends[step] > at.getTime() && !capped(step, at, cap));

/**
 * The account's level from its evidence, and when it ends for want of some.
 *
 * Evidence counts until the instant it expires or is ended, that instant excluded.
 */
export function accountLevel(
  evidence: readonly Evidence[],
  at: Date,
  cap?: LevelCap,
  policy: LadderPolicy = ladderPolicy,
): { level: Level; endsAt?: Date } {
  const ends = evidenceEnds(evidence, policy);
  const level = levelUntil(ends, at, cap);
  return { level, ...asDate(ends[level]) };
}

function inWindow({ since, until, interactionUid }: ProofWindow): (proof: Proof) => boolean {
  const uids = typeof interactionUid === 'string' ? [interactionUid] : interactionUid;
  return (proof) =>
    (since === undefined || proof.at.getTime() >= since.getTime()) &&
    (until === undefined || proof.at.getTime() <= until.getTime()) &&
    (uids === undefined || (proof.interactionUid !== undefined && uids.includes(proof.interactionUid)));
}

/** A touch without PIN or finger proves the device, not the person. */
const countsForLogin = (proof: Proof): boolean => proof.method !== 'passkey' || proof.userVerified === true;

/**
 * Every complete login among the proofs. The parts of one must come from one interaction: otherwise a
 * password typed by one person and a code read by another could meet in a session that both touched.
 */
function completeLogins(proofs: readonly Proof[], policy: LadderPolicy): Login[] {
  const usable = proofs.filter(countsForLogin);
  return policy.logins.flatMap(([first, second]) =>
    usable
      .filter((proof) => proof.method === first)
      .flatMap((proof): Login[] => {
        if (second === undefined) {
          return [{ at: proof.at.getTime(), boundLevel: proof.boundLevel, proofs: [proof] }];
        }
        return usable
          .filter((other) => other.method === second && other.interactionUid === proof.interactionUid)
          .filter((other) => other.interactionUid !== undefined)
          .map((other) => ({
            at: latest([proof.at.getTime(), other.at.getTime()]),
            boundLevel: minLevel(proof.boundLevel, other.boundLevel),
            proofs: [proof, other],
          }));
      }),
  );
}

/** Later first; the id settles what happened in the same millisecond, so that the order of rows never matters. */
const isLater = (a: Proof, b: Proof): boolean =>
  a.at.getTime() === b.at.getTime() ? a.id > b.id : a.at.getTime() > b.at.getTime();

const key = (login: Login): string => login.proofs.map((proof) => proof.id).join();
const isLaterLogin = (a: Login, b: Login): boolean => (a.at === b.at ? key(a) > key(b) : a.at > b.at);

/** The latest live check, by any method that gives the session its highest step. */
function latestLiveCheck(proofs: readonly Proof[], policy: LadderPolicy): Proof | undefined {
  const methods = policy.levels.advanced.account.flat() as string[];
  return proofs
    .filter((proof) => methods.includes(proof.method))
    .reduce<Proof | undefined>((a, b) => (a === undefined || isLater(b, a) ? b : a), undefined);
}

const needsLiveCheck = (level: Level, policy: LadderPolicy): boolean =>
  STEPS.some(
    (step) => reaches(level, step) && policy.levels[step].session.liveCheckWithinSeconds !== undefined,
  );

/** When each level's demands on the age of login and live check stop being met. */
function freshness(loginAt: number, liveAt: number, policy: LadderPolicy, withLive: boolean) {
  const ends: Record<Level, number> = {
    anonymous: NEVER,
    basic: NEVER,
    intermediate: NEVER,
    advanced: NEVER,
  };
  let end = NEVER;
  for (const level of STEPS) {
    const { loginWithinSeconds, liveCheckWithinSeconds } = policy.levels[level].session;
    if (loginWithinSeconds !== undefined) end = Math.min(end, loginAt + loginWithinSeconds * 1000);
    if (withLive && liveCheckWithinSeconds !== undefined) {
      end = Math.min(end, liveAt + liveCheckWithinSeconds * 1000);
    }
    ends[level] = end;
  }
  return ends;
}

/** Names for `amr` (RFC 8176), without doubles; more than one factor adds `mfa`. */
function amrOf(proofs: readonly Proof[], policy: LadderPolicy): string[] {
  const ordered = proofs.toSorted(
    (a, b) => PROOF_METHODS.indexOf(a.method) - PROOF_METHODS.indexOf(b.method),
  );
  const names = ordered.flatMap((proof) => {
    const own = policy.amr[proof.method];
    if (proof.method !== 'passkey' || proof.hardware === undefined) return own;
    return [proof.hardware ? 'hwk' : 'swk', ...own];
  });
  const all = new Set(names);
  if (ordered.length > 1) all.add('mfa');
  return [...all];
}

/**
 * Where a session stands: the lower of what the evidence gives the account and what the proofs give the
 * session, with the `acr`, `amr` and `auth_time` that follow. Nothing else may produce these claims.
 *
 * The login that gives the highest level counts, the latest among equals. A login never gives more than the
 * lowest `boundLevel` of its credentials. Every limit ends at its exact instant.
 */
export function sessionStanding(facts: Facts, policy: LadderPolicy = ladderPolicy): Standing {
  const { at, cap, atMost = 'advanced' } = facts;
  const now = at.getTime();
  const proofs = facts.proofs.filter(inWindow(facts.window ?? {}));
  const accountEnds = evidenceEnds(facts.evidence, policy);
  const account = levelUntil(accountEnds, at, cap);
  const live = latestLiveCheck(proofs, policy);
  const liveAt = live?.at.getTime() ?? Number.NEGATIVE_INFINITY;

  const judged = completeLogins(proofs, policy).map((login) => {
    const ends = freshness(login.at, liveAt, policy, true);
    const loginEnds = freshness(login.at, liveAt, policy, false);
    const level = minLevel(
      account,
      atMost,
      login.boundLevel,
      highest((step) => ends[step] > now),
    );
    const loginLevel = highest((step) => loginEnds[step] > now);
    return { login, ends, level, loginLevel };
  });
  const best = judged.reduce<(typeof judged)[number] | undefined>((a, b) => {
    if (a === undefined) return b;
    if (a.level !== b.level) return reaches(a.level, b.level) ? a : b;
    return isLaterLogin(b.login, a.login) ? b : a;
  }, undefined);
  const level = best?.level ?? 'anonymous';
  const deciding = live !== undefined && needsLiveCheck(level, policy) ? live : undefined;
  const counting = best === undefined ? [] : [...best.login.proofs, ...(deciding ? [deciding] : [])];
  const sessionEnd = latest(
    judged.filter(({ login }) => reaches(login.boundLevel, level)).map(({ ends }) => ends[level]),
  );
  const authTime = deciding?.at.getTime() ?? best?.login.at;
  return {
    accountLevel: account,
    level,
    acr: acrOf(level),
    amr: amrOf(counting, policy),
    authTime: authTime === undefined ? undefined : new Date(authTime),
    ...(level === 'anonymous' ? {} : asDate(Math.min(accountEnds[level], sessionEnd))),
    proofIds: counting.map((proof) => proof.id),
    loginLevel: LEVELS.findLast((step) => judged.some((one) => one.loginLevel === step)) ?? 'anonymous',
    boundLevel:
      LEVELS.findLast((step) =>
        judged.some((one) => minLevel(one.login.boundLevel, one.loginLevel) === step),
      ) ?? 'anonymous',
  };
}
