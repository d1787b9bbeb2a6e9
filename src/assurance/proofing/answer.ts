/** What an authority said about one check, whatever the method. */
export interface Answer {
  outcome: 'passed' | 'failed' | 'pending' | 'cancelled' | 'blocked';
  /** The authority's own word for a failure. For the log, never for a decision. */
  detail?: string;
  /** Whom the authority looked at. */
  name: string;
  idNumber: string;
  decidedAt: Date | undefined;
  /** Whether the person was there while it was decided. */
  live: boolean;
  /** The authority's transaction id. */
  reference: string;
  source: string;
}
