import { z } from 'zod';
import { parseDay } from '../engine/civil-day.ts';
import { isSensible } from '../engine/instant.ts';

/** Version of the formats, as `docs/standard/exchange.md` describes them. */
export const SCHEMA = 'health-exchange-1';

/** Everything that was red or yellow at that moment, or what changed since the file before. */
export type Kind = 'F' | 'D';

const issuer = z.string().regex(/^\d{6}$/);
const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/);
const day = z.string().refine((text) => parseDay(text) !== undefined);
const when = z.iso.datetime({ offset: true }).refine((text) => isSensible(Date.parse(text)));
const instant = when.transform((text) => new Date(text));

/** What stands beside a file. */
export const manifestSchema = z.strictObject({
  schema: z.literal(SCHEMA),
  issuer,
  /** Business day in China. */
  bizDate: day,
  /** Counts the files of one issuer in one business day from 1. */
  seq: z.int().min(1).max(9_999),
  kind: z.enum(['F', 'D']),
  /** Month whose key made the pseudonyms. */
  month: z.string().regex(/^\d{4}-\d{2}$/),
  rows: z.int().nonnegative(),
  /** Of the compressed file. */
  digest,
  /** Of the file that the issuer made before this one. */
  prevDigest: digest.nullable(),
  createdAt: when,
});
export type Manifest = z.infer<typeof manifestSchema>;

/** One person in a file. */
export const rowSchema = z.strictObject({
  /** Pseudonym of the month, base64url of 32 bytes. */
  pid: z
    .string()
    .regex(/^[A-Za-z0-9_-]{43}$/)
    .transform((text): Buffer => Buffer.from(text, 'base64url')),
  /** Kind of document that the pseudonym is made of. */
  idt: z.enum(['resident_id', 'residence_permit', 'foreign_permanent_resident', 'passport']),
  /** Colour. */
  c: z.enum(['RED', 'YELLOW']),
  /** Reason codes. */
  rs: z.array(z.string().regex(/^[A-Z]\d{3}$/)).max(20),
  /** Since when, and until when at the earliest. */
  ef: instant,
  et: instant.nullable(),
  /** Version of the issuer's rule set. */
  v: z.string().min(1).max(40),
  /** Added, changed, or taken back. */
  op: z.enum(['A', 'U', 'R']),
});
export type Row = z.infer<typeof rowSchema>;

/** A row as it is written. */
export const lineOf = (row: Row): string =>
  `${JSON.stringify({
    ...row,
    pid: row.pid.toString('base64url'),
    ef: row.ef.toISOString(),
    et: row.et?.toISOString() ?? null,
  })}\n`;

/** `HC_390000_20261123_0001_F.jsonl.gz` */
export const nameOf = ({
  issuer,
  bizDate,
  seq,
  kind,
}: Pick<Manifest, 'issuer' | 'bizDate' | 'seq' | 'kind'>) =>
  `HC_${issuer}_${bizDate.replaceAll('-', '')}_${String(seq).padStart(4, '0')}_${kind}.jsonl.gz`;

export const NAME = /^HC_\d{6}_\d{8}_\d{4}_[FD]\.jsonl\.gz$/;

/** Why a whole file is refused. */
export type Refusal =
  | 'bad_signature'
  | 'bad_manifest'
  | 'wrong_issuer'
  | 'gap'
  | 'unknown_month'
  | 'digest_differs'
  | 'row_count_differs'
  | 'bad_row'
  | 'truncated'
  | 'row_in_future'
  | 'made_in_future';

/** The file or its manifest cannot be taken; nothing of it was. */
export class FileRefused extends Error {
  override readonly name = 'FileRefused';
  readonly reason: Refusal;
  /** The name of the file, once it is known. */
  file: string | undefined;
  constructor(reason: Refusal, options?: ErrorOptions) {
    super(`file refused: ${reason}`, options);
    this.reason = reason;
  }
}

/** What is known of the last file that was accepted. */
export type Last = Pick<Manifest, 'bizDate' | 'seq' | 'digest'> & { createdAt: Date };

/**
 * Whether a file may come after the last one. What changed rests on the file before it: the chain of digests shows a
 * gap even over a change of day. A full file rests on nothing, so that one that is newer begins the chain anew: what
 * was missed, spoilt or lost before it no longer matters.
 *
 * @throws FileRefused `gap`
 */
export function requireNext(manifest: Manifest, last: Last | undefined): void {
  if (manifest.kind === 'F' && (last === undefined || new Date(manifest.createdAt) > last.createdAt)) return;
  if (last === undefined) throw new FileRefused('gap');
  const sameDay = manifest.bizDate === last.bizDate;
  const inOrder = sameDay
    ? manifest.seq === last.seq + 1
    : manifest.bizDate > last.bizDate && manifest.seq === 1;
  if (!inOrder || manifest.prevDigest !== last.digest) throw new FileRefused('gap');
}
