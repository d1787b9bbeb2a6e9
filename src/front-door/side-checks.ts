import { createHash } from 'node:crypto';
import { adjudicate } from '../assurance/proofing/adjudicate.ts';
import type { Answer } from '../assurance/proofing/answer.ts';
import { createMethods, type FieldRefusal, type Form } from '../assurance/proofing/method.ts';
import { type ProofingMethodId, proofingPolicy } from '../assurance/proofing/policy.ts';
import { redeemReference } from '../assurance/proofing/store.ts';
import type { RedirectCheckStart } from '../authorities/redirect-check.ts';
import type { DocumentType } from '../citizens/identifiers.ts';
import type { Queryable } from '../platform/database.ts';
import type { FrontDoorDeps } from './deps.ts';
import type { Confirmation } from './registration/draft.ts';
import { newToken } from './ticket.ts';

/*
 * Checks of somebody who is not logged in: who recovers an account, or registers. There is no session to bind
 * them to; they are kept with the draft or recovery, and so belong to the browser that holds its ticket.
 */

/** What has come of such checks so far; sealed with the draft or recovery that it is for. */
export interface SideChecks {
  /** What has been proved, in order. */
  proofs: ({ method: ProofingMethodId } & Confirmation)[];
  /** A check on an authority's own pages that has not come back. */
  pending?: { method: ProofingMethodId; reference: string; state: string; startedAt: string };
  /** Tries that proved nothing; after two the page leads with the other ways. */
  failures: Partial<Record<ProofingMethodId, number>>;
}

export interface SidePerson {
  name: string;
  idNumber: string;
  documentType: DocumentType;
}

/**
 * The ways to offer, in order: none that has proved already, those that failed too often last.
 *
 * @param among `withoutLogin` of `config/proofing-methods.json`.
 */
export function offeredWays(
  { proofs, failures }: SideChecks,
  { documentType }: Pick<SidePerson, 'documentType'>,
  among: readonly ProofingMethodId[],
): { lead: ProofingMethodId[]; rest: ProofingMethodId[] } {
  const open = among
    .filter((method) => proofingPolicy.methods[method].documents.includes(documentType))
    .filter((method) => !proofs.some((proof) => proof.method === method));
  const tired = (method: ProofingMethodId): boolean =>
    (failures[method] ?? 0) >= proofingPolicy.leadWithOtherWaysAfterFailures;
  return { lead: open.filter((method) => !tired(method)), rest: open.filter(tired) };
}

/** Whether one of the proofs saw the person, and was not numbers alone. */
export const sawThePerson = ({ proofs }: SideChecks): boolean =>
  proofs.some(({ method }) => proofingPolicy.methods[method].proves === 'person');

export type SideOutcome =
  | { kind: 'invalid'; fields: Record<string, FieldRefusal> }
  /** The checks hold what to wait for; keep them before the browser goes. */
  | { kind: 'redirect'; checks: SideChecks; redirectTo: string }
  | { kind: 'pending' }
  | { kind: 'accepted'; checks: SideChecks }
  | { kind: 'refused'; checks: SideChecks };

/** Sets out on such checks and judges them, by the same adjudicator as everywhere. */
export function sideChecks({ clock, ...deps }: Pick<FrontDoorDeps, 'clock' | 'cards' | 'redirectCheck'>) {
  const methods = createMethods(deps);

  async function judge(
    db: Queryable,
    person: SidePerson,
    checks: SideChecks,
    { method, answer, startedAt }: { method: ProofingMethodId; answer: Answer; startedAt: Date },
  ): Promise<SideOutcome> {
    const now = clock();
    const verdict = adjudicate({ method, answer, citizen: person, startedAt, now });
    if (!verdict.accepted && verdict.pending) return { kind: 'pending' };
    const { pending: _over, ...settled } = checks;
    const accepted =
      verdict.accepted &&
      (await redeemReference(db, {
        source: verdict.evidence.source,
        reference: verdict.evidence.transactionId,
        at: now,
      }));
    if (!accepted) {
      const failures = { ...checks.failures, [method]: (checks.failures[method] ?? 0) + 1 };
      return { kind: 'refused', checks: { ...settled, failures } };
    }
    const { source, transactionId } = verdict.evidence;
    const proof = { method, source, reference: transactionId, at: now.toISOString() };
    return { kind: 'accepted', checks: { ...settled, proofs: [...checks.proofs, proof] } };
  }

  return {
    fieldsOf: (method: ProofingMethodId): readonly string[] => methods[method].fields,

    /** @throws AuthorityUnavailable */
    async start(
      db: Queryable,
      person: SidePerson,
      checks: SideChecks,
      how: {
        method: ProofingMethodId;
        purpose: RedirectCheckStart['purpose'];
        returnTo: string;
        form: Form;
      },
    ): Promise<SideOutcome> {
      const { method, ...rest } = how;
      const now = clock();
      const state = newToken();
      const { name, idNumber } = person;
      const started = await methods[method].start({ subject: { name, idNumber }, state, now, ...rest });
      if (started.kind === 'invalid') return started;
      if (started.kind === 'answer') {
        return judge(db, person, checks, { method, answer: started.answer, startedAt: now });
      }
      const { reference, redirectTo } = started;
      const pending = { method, reference, state, startedAt: now.toISOString() };
      return { kind: 'redirect', checks: { ...checks, pending }, redirectTo };
    },

    /**
     * Asks the authority how the check went that is under way.
     *
     * @returns nothing when none is. @throws AuthorityUnavailable
     */
    async settle(db: Queryable, person: SidePerson, checks: SideChecks): Promise<SideOutcome | undefined> {
      const { pending } = checks;
      if (!pending) return undefined;
      const answer = await methods[pending.method].result(pending.reference);
      return judge(db, person, checks, { ...pending, answer, startedAt: new Date(pending.startedAt) });
    },

    /** Whether the state that a browser brings back is that of the check under way. */
    isOwn: ({ pending }: SideChecks, state: unknown): boolean =>
      pending !== undefined && digest(pending.state) === digest(String(state)),
  };
}

// Compared by digest, so that the time tells nothing of where two states differ.
const digest = (text: string): string => createHash('sha256').update(text).digest('hex');
