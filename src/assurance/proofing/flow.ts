import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { record } from '../../audit/log.ts';
import { AuthorityUnavailable } from '../../authorities/ask.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Database, Queryable } from '../../platform/database.ts';
import { tryEach } from '../../platform/each.ts';
import { newId } from '../../platform/id.ts';
import { Problem } from '../../platform/problem.ts';
import { adjudicate, type RefusalReason } from './adjudicate.ts';
import type { Answer } from './answer.ts';
import type { FieldRefusal, Form, ProofingMethod, Subject } from './method.ts';
import type { Failures } from './offer.ts';
import { evidenceOf, type ProofingMethodId, proofingPolicy } from './policy.ts';
import {
  countFailures,
  decideProofing,
  findProofing,
  holdProofing,
  insertProofing,
  listProofings,
  type Origin,
  type Proofing,
  takeAwaited,
} from './store.ts';
import { winEvidence } from './win.ts';

export interface ProofingDeps {
  db: Database;
  methods: Record<ProofingMethodId, ProofingMethod>;
  now: Clock;
  /** Absolute address that authorities send browsers back to. */
  returnTo: string;
  /**
   * Seconds within which a started check can be completed (`proofing` of `config/lifetimes.json`), where the policy
   * gives the method no longer time.
   */
  openSeconds: number;
  /** The citizen to compare with, opened. @returns `undefined` for nobody. */
  readSubject(citizenId: string): Promise<Subject | undefined>;
  /** Slows down who tries too often; throws a Problem. */
  limit?(citizenId: string): Promise<void>;
  /** Before a live check the register is asked again; throws a Problem when the person has died. */
  confirmAlive?(citizenId: string): Promise<void>;
  /** Tells a citizen who has left of a decision, in the transaction that makes it. */
  tellLate?: TellLate;
}

export type TellLate = (
  tx: Queryable,
  decision: {
    citizenId: string;
    method: ProofingMethodId;
    outcome: Extract<ProofingOutcome, { outcome: 'accepted' | 'refused' }>;
    now: Date;
  },
) => Promise<void>;

export type ProofingOutcome =
  | { outcome: 'accepted' }
  | { outcome: 'refused'; reason: RefusalReason }
  /** The authority has not decided yet. */
  | { outcome: 'pending' }
  /** The authority cannot be reached; nothing is decided. */
  | { outcome: 'unavailable' };

export type StartResult =
  | { kind: 'redirect'; redirectTo: string }
  | { kind: 'invalid'; fields: Record<string, FieldRefusal> }
  | ({ kind: 'result' } & ProofingOutcome);

/** What the browser's own cookie becomes before it is compared or stored. */
export const browserHashOf = (cookie: string): Buffer => createHash('sha256').update(cookie).digest();
const stateHashOf = browserHashOf;

/** Audit words for reasons that are finer than the log needs. */
export const AUDIT_REASONS = {
  authority_failed: 'failed',
  blocked: 'failed',
  cancelled: 'cancelled',
  name_mismatch: 'mismatch',
  id_mismatch: 'mismatch',
  not_live: 'not_live',
  stale: 'expired',
  untrusted_source: 'failed',
  duplicate_reference: 'replay',
} as const satisfies Record<RefusalReason, string>;

/**
 * Sets out on a check: asks the authority for its page, or, for a form, for its answer.
 *
 * @param input.browserHash `browserHashOf` a cookie of this browser; the result counts for this one only.
 * @throws Problem from `limit` and `confirmAlive`; `proofing_unknown` 404 for a citizen who is not there.
 */
export async function startProofing(
  deps: ProofingDeps,
  input: Origin & { citizenId: string; browserHash: Buffer; method: ProofingMethodId; form?: Form },
): Promise<StartResult> {
  const { citizenId, method, form = {} } = input;
  await deps.limit?.(citizenId);
  if (proofingPolicy.methods[method].live) await deps.confirmAlive?.(citizenId);
  const subject = await subjectOf(deps, citizenId);
  const state = randomBytes(32).toString('base64url');
  const now = deps.now();
  const started = await orUnavailable(
    deps.methods[method].start({
      subject,
      purpose: 'raise_level',
      state,
      returnTo: deps.returnTo,
      form,
      now,
    }),
  );
  if (started === undefined) return { kind: 'result', outcome: 'unavailable' };
  if (started.kind === 'invalid') return started;
  const proofing: Proofing = {
    stateHash: stateHashOf(state),
    id: newId(),
    citizenId,
    method,
    interactionUid: input.interactionUid,
    sessionUid: input.sessionUid,
    browserHash: input.browserHash,
    reference: started.kind === 'redirect' ? started.reference : started.answer.reference,
    status: 'started',
    startedAt: now,
  };
  const outcome = await deps.db.transaction(async (tx) => {
    const awaited = proofingPolicy.methods[method].awaitedForSeconds !== undefined;
    await insertProofing(tx, proofing, awaited ? askAgainAt(now) : undefined);
    await record(tx, {
      type: 'proofing.started',
      citizenId,
      sessionUid: input.sessionUid,
      detail: { method: evidenceOf(method) },
      at: now,
    });
    return started.kind === 'answer'
      ? settle(tx, { proofing, subject, answer: started.answer, now })
      : undefined;
  });
  if (started.kind === 'redirect') return { kind: 'redirect', redirectTo: started.redirectTo };
  return { kind: 'result', ...(outcome ?? { outcome: 'pending' }) };
}

/**
 * Takes a browser that comes back from an authority. What it brought is only a hint: the authority is asked
 * itself. May come twice, at once, and in another browser; the check is decided once.
 *
 * @returns `sameBrowser`: whether this browser set out on it. If not, tell the person to go back there.
 * @throws Problem `proofing_unknown` 404 for a state that nobody was given.
 */
export async function completeProofing(
  deps: ProofingDeps,
  brought: { state: string; reference?: string | undefined; browserHash: Buffer | undefined },
): Promise<{ proofing: Proofing; sameBrowser: boolean } & ProofingOutcome> {
  const proofing = await findProofing(deps.db, stateHashOf(brought.state));
  if (
    proofing === undefined ||
    !deps.methods[proofing.method].callback({ reference: brought.reference }, proofing)
  ) {
    throw new Problem('proofing_unknown', 404);
  }
  const sameBrowser =
    brought.browserHash !== undefined && timingSafeEqual(brought.browserHash, proofing.browserHash);
  return { proofing, sameBrowser, ...(await askAndDecide(deps, proofing)) };
}

/**
 * Looks again at the newest check that a browser set out on: for the waiting page, and for whoever completed it
 * in another browser and came back.
 *
 * @returns `undefined` when there is none.
 */
export async function continueProofing(
  deps: ProofingDeps,
  input: Origin & { citizenId: string; browserHash: Buffer },
): Promise<({ proofing: Proofing } & ProofingOutcome) | undefined> {
  const [proofing] = await listProofings(deps.db, input, input);
  return proofing && { proofing, ...(await askAndDecide(deps, proofing)) };
}

const askAgainAt = (now: Date): Date => new Date(now.getTime() + proofingPolicy.askAgainSeconds * 1000);

/**
 * Asks about checks that an officer decides in their own time, for citizens who have left: the evidence counts
 * whenever it is decided, and they are told. A job calls it.
 *
 * @returns how many were asked about; call again while it is `limit`.
 * @throws AggregateError with what went wrong for some, after all were tried.
 */
export async function decideLater(deps: ProofingDeps, { limit }: { limit: number }): Promise<number> {
  const now = deps.now();
  const due = await takeAwaited(deps.db, { now, again: askAgainAt(now), limit });
  await tryEach(due, 'some checks could not be decided', async (proofing) => {
    const subject = await deps.readSubject(proofing.citizenId);
    if (subject !== undefined) await askAndDecide(deps, proofing, deps.tellLate);
    else await deps.db.transaction((tx) => settle(tx, { proofing, subject, answer: undefined, now }));
  });
  return due.length;
}

/** How the checks stand that a citizen set out on from one place in one browser. */
export async function proofingStatus(
  db: Queryable,
  input: Origin & { citizenId: string; browserHash: Buffer },
): Promise<{ latest: Proofing | undefined; failures: Failures; accepted: ProofingMethodId[] }> {
  const proofings = await listProofings(db, input, input);
  return {
    latest: proofings[0],
    failures: countFailures(proofings),
    accepted: proofings.filter(({ status }) => status === 'accepted').map(({ method }) => method),
  };
}

async function subjectOf(deps: ProofingDeps, citizenId: string): Promise<Subject> {
  const subject = await deps.readSubject(citizenId);
  if (subject === undefined) throw new Problem('proofing_unknown', 404);
  return subject;
}

async function orUnavailable<T>(asking: Promise<T>): Promise<T | undefined> {
  try {
    return await asking;
  } catch (error) {
    if (error instanceof AuthorityUnavailable) return undefined;
    throw error;
  }
}

const decided = ({ status, reason }: Proofing): ProofingOutcome =>
  status === 'accepted' ? { outcome: 'accepted' } : { outcome: 'refused', reason: reason ?? 'stale' };

/** @param tell where the citizen is not there to see it. */
async function askAndDecide(
  deps: ProofingDeps,
  proofing: Proofing,
  tell?: TellLate,
): Promise<ProofingOutcome> {
  if (proofing.status !== 'started') return decided(proofing);
  const now = deps.now();
  const subject = await subjectOf(deps, proofing.citizenId);
  const openSeconds = proofingPolicy.methods[proofing.method].awaitedForSeconds ?? deps.openSeconds;
  const expired = now.getTime() - proofing.startedAt.getTime() > openSeconds * 1000;
  const answer = expired
    ? undefined
    : await orUnavailable(deps.methods[proofing.method].result(proofing.reference));
  if (answer === undefined && !expired) return { outcome: 'unavailable' };
  const outcome = await deps.db.transaction((tx) => settle(tx, { proofing, subject, answer, now, tell }));
  if (outcome !== undefined) return outcome;
  const other = await findProofing(deps.db, proofing.stateHash);
  return other === undefined || other.status === 'started' ? { outcome: 'pending' } : decided(other);
}

/** @returns `undefined` when somebody else decided it meanwhile. */
async function settle(
  tx: Queryable,
  input: {
    proofing: Proofing;
    subject: Subject | undefined;
    answer: Answer | undefined;
    now: Date;
    tell?: TellLate | undefined;
  },
): Promise<ProofingOutcome | undefined> {
  const { proofing, subject, answer, now, tell } = input;
  const { citizenId, sessionUid, method, stateHash, startedAt } = proofing;
  const verdict = answer && subject && adjudicate({ method, answer, citizen: subject, startedAt, now });
  if (verdict?.accepted === false && verdict.pending) return { outcome: 'pending' };
  if (!(await holdProofing(tx, stateHash))) return undefined;
  const won = verdict?.accepted === true && (await winEvidence(tx, { proofing, verdict, now }));
  const audited = { citizenId, sessionUid, at: now };
  if (won) {
    await decideProofing(tx, stateHash, { status: 'accepted', at: now });
    const { source } = verdict.evidence;
    await record(tx, {
      type: 'proofing.accepted',
      ...audited,
      detail: { method: evidenceOf(method), source },
    });
    const outcome = { outcome: 'accepted' } as const;
    await tell?.(tx, { citizenId, method, outcome, now });
    return outcome;
  }
  const reason = refusalOf(verdict);
  await decideProofing(tx, stateHash, { status: 'refused', reason, at: now });
  await record(tx, {
    type: 'proofing.refused',
    ...audited,
    detail: { method: evidenceOf(method), reason: AUDIT_REASONS[reason] },
  });
  const outcome = { outcome: 'refused', reason } as const;
  await tell?.(tx, { citizenId, method, outcome, now });
  return outcome;
}

/** Why a verdict gave nothing: one that was accepted gives nothing when its reference was used before. */
export function refusalOf(verdict: ReturnType<typeof adjudicate> | undefined): RefusalReason {
  if (verdict === undefined) return 'stale';
  if (verdict.accepted) return 'duplicate_reference';
  return verdict.pending ? 'stale' : verdict.reason;
}
