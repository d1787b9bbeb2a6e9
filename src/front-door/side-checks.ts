import { createHash } from 'node:crypto';
import type { EvidenceSource } from '../assurance/policy.ts';
import { adjudicate, type Verdict } from '../assurance/proofing/adjudicate.ts';
import { createMethods, type FieldRefusal, type Form } from '../assurance/proofing/method.ts';
import { type ProofingMethodId, proofingPolicy } from '../assurance/proofing/policy.ts';
import { redeemReference } from '../assurance/proofing/store.ts';
import type { RedirectCheckStart } from '../authorities/redirect-check.ts';
import type { DocumentType } from '../citizens/identifiers.ts';
import type { Queryable } from '../platform/database.ts';
import type { FrontDoorDeps } from './deps.ts';
import { newToken } from './ticket.ts';

/*
 * Checks of somebody who is not logged in: who recovers an account, or registers. There is no session to bind
 * them to; they are kept with the draft or recovery, and so belong to the browser that holds its ticket.
 */

/** An authority said yes. Kept, so that it is not asked again when a later step has to be tried again. */
export interface Confirmation {
  reference: string;
  source: EvidenceSource;
  /** ISO 8601 */
  at: string;
}

/** A check on an authority's own pages that has not come back. */
export interface PendingCheck {
  method: ProofingMethodId;
  reference: string;
  state: string;
  /** ISO 8601 */
  startedAt: string;
}

/** A check that is over. */
export interface EndedCheck {
  method: ProofingMethodId;
  outcome: 'passed' | 'failed' | 'cancelled';
  /** Of the check on an authority's pages: its way back leads here again when that page is loaded anew. */
  state?: string;
}

/** What has come of such checks so far; sealed with the draft or recovery that it is for. */
export interface SideChecks {
  /** What has been proved, in order. */
  proofs: ({ method: ProofingMethodId } & Confirmation)[];
  pending?: PendingCheck;
  /** How the latest check ended, for the page that the browser is sent to. */
  latest?: EndedCheck;
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

export type StartedCheck =
  | { kind: 'invalid'; fields: Record<string, FieldRefusal> }
  /** Keep what to wait for before the browser goes. */
  | { kind: 'redirect'; pending: PendingCheck; redirectTo: string }
  | { kind: 'verdict'; verdict: Verdict };

/** Sets out on such checks and asks how they went, by the same adjudicator as everywhere. */
export function sideChecks({ clock, ...deps }: Pick<FrontDoorDeps, 'clock' | 'cards' | 'redirectCheck'>) {
  const methods = createMethods(deps);

  return {
    fieldsOf: (method: ProofingMethodId): readonly string[] => methods[method].fields,

    /** @throws AuthorityUnavailable */
    async start(
      { name, idNumber }: SidePerson,
      how: {
        method: ProofingMethodId;
        purpose: RedirectCheckStart['purpose'];
        returnTo: string;
        form: Form;
      },
    ): Promise<StartedCheck> {
      const { method, ...rest } = how;
      const now = clock();
      const state = newToken();
      const citizen = { name, idNumber };
      const started = await methods[method].start({ subject: citizen, state, now, ...rest });
      if (started.kind === 'invalid') return started;
      if (started.kind === 'answer') {
        const { answer } = started;
        return { kind: 'verdict', verdict: adjudicate({ method, answer, citizen, startedAt: now, now }) };
      }
      const { reference, redirectTo } = started;
      return {
        kind: 'redirect',
        pending: { method, reference, state, startedAt: now.toISOString() },
        redirectTo,
      };
    },

    /** Asks the authority how a check went. @throws AuthorityUnavailable */
    async ask(citizen: SidePerson, { method, reference, startedAt }: PendingCheck): Promise<Verdict> {
      const answer = await methods[method].result(reference);
      return adjudicate({ method, answer, citizen, startedAt: new Date(startedAt), now: clock() });
    },

    /** Which check the state that a browser brings back belongs to: the one under way, or the one just over. */
    whichOf({ pending, latest }: SideChecks, state: unknown): 'pending' | 'over' | undefined {
      const isOf = (own?: string) => own !== undefined && digest(own) === digest(String(state));
      if (isOf(pending?.state)) return 'pending';
      return isOf(latest?.state) ? 'over' : undefined;
    },
  };
}

/**
 * Adds what a check proved, or counts that it proved nothing; one that the citizen cancelled does not count.
 * `checks` must be held until the transaction ends: the authority's reference is used up here, and who comes second
 * would find it used.
 */
export async function addVerdict(
  tx: Queryable,
  checks: SideChecks,
  { method, verdict, now }: { method: ProofingMethodId; verdict: Verdict; now: Date },
): Promise<{ accepted: boolean; checks: SideChecks }> {
  const { pending: over, latest: _before, ...settled } = checks;
  const ended = (outcome: EndedCheck['outcome']): EndedCheck => ({
    method,
    outcome,
    ...(over && { state: over.state }),
  });
  if (verdict.accepted) {
    const { source, transactionId: reference } = verdict.evidence;
    if (await redeemReference(tx, { source, reference, at: now })) {
      const proof = { method, source, reference, at: now.toISOString() };
      return {
        accepted: true,
        checks: { ...settled, latest: ended('passed'), proofs: [...checks.proofs, proof] },
      };
    }
  }
  if (!verdict.accepted && !verdict.pending && verdict.reason === 'cancelled') {
    return { accepted: false, checks: { ...settled, latest: ended('cancelled') } };
  }
  const failures = { ...checks.failures, [method]: (checks.failures[method] ?? 0) + 1 };
  return { accepted: false, checks: { ...settled, latest: ended('failed'), failures } };
}

// Compared by digest, so that the time tells nothing of where two states differ.
const digest = (text: string): string => createHash('sha256').update(text).digest('hex');
