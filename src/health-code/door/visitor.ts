import type { DocumentType } from '../../citizens/identifiers.ts';
import type { Database } from '../../platform/database.ts';
import type { Cipher } from '../../platform/field-encryption.ts';
import type { Limits } from '../../platform/limits.ts';
import type { GreenAnswer } from '../exchange/green.ts';
import type { Visitor } from '../exchange/open.ts';
import { subjectOf } from '../people.ts';
import { recordScan } from './scans.ts';
import type { Venue } from './venues.ts';

/** What a door needs to ask other provinces about their people. */
export interface Visitors {
  /** The provinces that can be asked, by GB/T 2260. */
  provinces(): Promise<{ issuer: string; name: string }[]>;
  ask(visitor: Visitor): Promise<GreenAnswer | 'UNKNOWN'>;
  /** Province codes of documents known besides `config/provinces.json`. */
  extraProvinces: readonly string[];
}

/**
 * `unknown`: their province gave no answer in time, or knows no such code. It says nothing about the visitor; a
 * person looks.
 */
export type VisitorVerdict = 'green' | 'not_green' | 'unknown';
export const VISITOR_VERDICTS = ['green', 'not_green', 'unknown'] as const;

const VERDICT_OF = {
  GREEN: 'green',
  NOT_GREEN: 'not_green',
  NOT_FOUND: 'unknown',
  UNKNOWN: 'unknown',
} as const;

export interface VisitorAsked {
  venue: Pick<Venue, 'id' | 'deviceId'>;
  /** The province that knows them. */
  province: string;
  documentType: DocumentType;
  /** Normalised. */
  idNumber: string;
  now: Date;
}

/**
 * Asks a visitor's own province whether their code is green. Where it answers, the visit leaves a trace under a
 * name that nobody here can lead back to a person.
 *
 * @throws Problem `too_many_attempts` 429 for a device that asks about one person after another.
 */
export async function checkVisitor(
  {
    db,
    cipher,
    limits,
    visitors,
  }: { db: Database; cipher: Cipher; limits: Pick<Limits, 'consume'>; visitors: Visitors },
  { venue, province, documentType, idNumber, now }: VisitorAsked,
): Promise<VisitorVerdict> {
  await limits.consume('visitor', venue.deviceId);
  const verdict = VERDICT_OF[await visitors.ask({ issuer: province, documentType, idNumber })];
  if (verdict === 'unknown') return verdict;
  const who = `visitor ${province} ${subjectOf(cipher, idNumber).toString('hex')}`;
  await db.transaction((tx) => recordScan(tx, cipher, { venueId: venue.id, who, kind: 'visitor', at: now }));
  return verdict;
}
