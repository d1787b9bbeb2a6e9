import { assertedBy, type Refusal, type Row } from './row.ts';

/** Rows that are loaded together: one for each thing that the source speaks of. */
export interface Chunk {
  rows: Map<string, Row>;
  /** Rows too old to be news, to be compared with what is known; those that correct are in `rows` too. */
  late: Row[];
  /** Lines that are in `rows`. */
  taken: number;
  /** The newest fact among them, in milliseconds. */
  watermark: number | undefined;
}

export const emptyChunk = (): Chunk => ({ rows: new Map(), late: [], taken: 0, watermark: undefined });

export const chunkSize = ({ rows, late }: Chunk): number => rows.size + late.length;

const CONTENT = [
  'type',
  'at',
  'dischargedAt',
  'supersededBy',
  'phoneOwnerVerified',
  'place',
  'temp',
] as const satisfies (keyof Row)[];

const sameContent = (a: Row, b: Row) => CONTENT.every((field) => a[field] === b[field]);

const earlier = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);

/**
 * What came too late of the newer one is not told in time by an older one that comes after it, and says the same or
 * that a case is open which is over: nobody was told of it before, and it is past (docs/decisions/0022).
 */
const outdated = (known: Row, row: Row): boolean =>
  !known.inTime.includes(assertedBy(known)) &&
  row.version <= known.version &&
  row.revokedAt === undefined &&
  row.inTime.includes(assertedBy(known));

/** Of two about the same thing the higher version, but none that comes late with another assertion. */
function joined(known: Row, row: Row): Row {
  if (outdated(known, row)) return known;
  const inTime = [...new Set([...known.inTime, ...row.inTime])];
  const counts = (each: Row) => inTime.includes(assertedBy(each));
  const higher = known.version >= row.version ? known : row;
  const taken = counts(known) === counts(row) ? higher : counts(known) ? known : row;
  taken.inTime = inTime;
  return taken;
}

/**
 * Adds a row. Of two about the same thing the higher version counts and a revocation stays, in whatever order
 * they come.
 *
 * @returns why it is refused: it says something else than an earlier row under the same version.
 */
export function addRow(chunk: Chunk, row: Row): Refusal | undefined {
  if (row.late) {
    chunk.late.push(row);
    // What is first of its name can correct nothing; a higher one stands in for what may come after it.
    if (row.version === 1) return undefined;
  }
  const key = `${row.target} ${row.subject} ${row.reference}`;
  const known = chunk.rows.get(key);
  const revokedAt = earlier(known?.revokedAt, row.revokedAt);
  if (known && known.version === row.version && revokedAt === undefined && !sameContent(known, row)) {
    return { reason: 'same_version_differs', field: 'version' };
  }
  const counts = known ? joined(known, row) : row;
  counts.revokedAt = revokedAt;
  chunk.rows.set(key, counts);
  if (row.late) return undefined;
  chunk.taken += 1;
  chunk.watermark = Math.max(chunk.watermark ?? row.at, row.at);
  return undefined;
}
