import type { Day } from './civil-day.ts';

/*
 * Plain data in and out of the engine. Instants are milliseconds since 1970, days civil days in UTC+8.
 */

export type Colour = 'GREY' | 'GREEN' | 'YELLOW' | 'RED';
export type Level = 'anonymous' | 'basic' | 'intermediate' | 'advanced';

/** One row of evidence. `at` is the end of the exposure. */
export interface Evidence {
  id: string;
  type: string;
  source: string;
  at: number;
  purpose?: string | undefined;
  status?: 'active' | 'revoked' | undefined;
  /** A case that left hospital. */
  dischargedAt?: number | undefined;
  /** Whether the carrier confirmed that the phone is this citizen's. */
  phoneOwnerVerified?: boolean | undefined;
  appealAt?: number | undefined;
  appealDecision?: 'upheld' | 'rejected' | undefined;
  /** When a peer took its row back. */
  supersededBy?: number | undefined;
}

export interface Checkin {
  at: number;
  /** Degrees Celsius. */
  temp?: number | undefined;
  symptoms: readonly string[];
  /** The day that the citizen says it is about. */
  forDay?: Day | undefined;
}

export interface Release {
  at: number;
  source: string;
}

export interface Override {
  id: string;
  colour: 'GREEN' | 'YELLOW' | 'RED';
  purpose?: string | undefined;
  approver1?: string | undefined;
  approver2?: string | undefined;
  orgType?: string | undefined;
  evidenceId?: string | undefined;
  from?: number | undefined;
  to?: number | undefined;
}

export interface HealthInput {
  /** The account level ever reached. */
  level: Level;
  /** Whether a declaration was ever made. */
  declaration: boolean;
  evidence: readonly Evidence[];
  checkins: readonly Checkin[];
  release: readonly Release[];
  overrides: readonly Override[];
  staleSources: readonly string[];
  /** Days on which we could not take check-ins. */
  outageDays: readonly Day[];
}

/** Why a row did not count (`D9xx`), or what the engine reckoned with. Enough to explain any colour. */
export interface TraceEntry {
  code: string;
  /** The evidence or override that it is about. */
  id?: string;
  /** An instant: until when a clock runs, or an override holds. */
  until?: string;
  /** Consecutive healthy days so far. */
  days?: number;
}

export interface Verdict {
  colour: Colour;
  reasons: string[];
  /** The earliest instant at which this colour can end, in milliseconds. */
  earliestExit: number | undefined;
  trace: TraceEntry[];
}
