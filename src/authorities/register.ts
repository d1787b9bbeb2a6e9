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
}

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
}

const answer = z.object({
  outcome: z.enum(['match', 'mismatch', 'unknown', 'deceased']),
  reference: z.string().min(1).max(128),
  source: z.enum(['police', 'entry_exit']),
});

/** @param baseUrl where `police/confirm` and `entry-exit/confirm` are. */
export function createRegister(baseUrl: string, fetch: Fetch, options?: AuthorityOptions): Register {
  return {
    confirm({ documentType, name, idNumber }) {
      const kind = documentType === 'resident_id' ? 'police' : 'entry_exit';
      const path = kind === 'police' ? 'police/confirm' : 'entry-exit/confirm';
      const url = at(baseUrl, path);
      return ask(fetch, { kind, url, body: { documentType, name, idNumber }, answer }, options);
    },
  };
}
