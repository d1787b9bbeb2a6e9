import { z } from 'zod';
import { type AuthorityOptions, ask, at, type Fetch } from './ask.ts';

/** The document types that a register answers for (GB/T 38962 document types, those in use here). */
export type RegisterDocumentType =
  | 'resident_id'
  | 'residence_permit'
  | 'foreign_permanent_resident'
  | 'passport';

export interface RegisterQuestion {
  documentType: RegisterDocumentType;
  name: string;
  /** Normalised document number. */
  idNumber: string;
  /** `YYYY-MM-DD`. The register confirms it with the rest: a passport's number does not tell how old somebody is. */
  birthDate?: string | undefined;
}

/** What the register says of somebody whom it confirmed before. */
export type RecheckAnswer = Omit<RegisterAnswer, 'outcome'> &
  (
    | { outcome: RegisterAnswer['outcome'] }
    /** The same person, with another name or a corrected number. */
    | { outcome: 'changed'; name: string; idNumber: string }
  );

export interface RegisterAnswer {
  outcome: 'match' | 'mismatch' | 'unknown' | 'deceased';
  /** The register's own transaction id. */
  reference: string;
  source: 'police' | 'entry_exit';
}

/** The register of a document: the police for resident IDs, entry-exit for everything else. */
export interface Register {
  /** @throws AuthorityUnavailable */
  confirm(question: RegisterQuestion): Promise<RegisterAnswer>;
  /**
   * Asks about somebody again.
   *
   * @param question.reference of an earlier confirmation: only whoever was told that name and number belong
   *   together is told what became of them.
   * @throws AuthorityUnavailable
   */
  recheck(question: RegisterQuestion & { reference: string }): Promise<RecheckAnswer>;
}

const outcome = z.enum(['match', 'mismatch', 'unknown', 'deceased']);
const told = {
  reference: z.string().min(1).max(128),
  source: z.enum(['police', 'entry_exit']),
};
const answer = z.object({ ...told, outcome });
const recheckAnswer = z.union([
  answer,
  z.object({
    ...told,
    outcome: z.literal('changed'),
    name: z.string().min(1).max(100),
    idNumber: z.string().min(1).max(40),
  }),
]);

/** @param baseUrl where `confirm` and `recheck` of `police` and `entry-exit` are. */
export function createRegister(baseUrl: string, fetch: Fetch, options?: AuthorityOptions): Register {
  const desk = (documentType: RegisterDocumentType, verb: 'confirm' | 'recheck') => {
    const kind = documentType === 'resident_id' ? ('police' as const) : ('entry_exit' as const);
    return { kind, url: at(baseUrl, `${kind === 'police' ? 'police' : 'entry-exit'}/${verb}`) };
  };
  return {
    confirm({ documentType, name, idNumber, birthDate }) {
      const body = { documentType, name, idNumber, birthDate };
      return ask(fetch, { ...desk(documentType, 'confirm'), body, answer }, options);
    },
    recheck({ documentType, name, idNumber, birthDate, reference }) {
      const body = { documentType, name, idNumber, birthDate, reference };
      return ask(fetch, { ...desk(documentType, 'recheck'), body, answer: recheckAnswer }, options);
    },
  };
}
