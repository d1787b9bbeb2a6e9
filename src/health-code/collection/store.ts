import type { CopyIn, Database, Queryable } from '../../platform/database.ts';
import { healthSettings } from '../settings.ts';
import type { Chunk } from './chunk.ts';
import { type Feed, noteFreshness } from './feeds.ts';
import type { Reason, Row } from './row.ts';
import type { Target } from './sources.ts';

const STAGING = `
  create temp table if not exists health_staging (
    line integer, target text, late boolean, subject bytea, type text, reference text, version integer,
    at timestamptz, revoked_at timestamptz, discharged_at timestamptz, superseded_at timestamptz,
    phone_owner_verified boolean, place text, temp smallint, in_time text[]
  ) on commit delete rows`;
const COPY = 'copy health_staging from stdin';
// A plan is kept and meets batches of one row and of thousands. One made for thousands would read whole tables for one;
// looking each row up by its index is right for both.
const LOOK_UP = `
  select set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)`;

const instant = (at: number | undefined) => (at === undefined ? '\\N' : new Date(at).toISOString());
const plain = (value: string | number | boolean | undefined) => (value === undefined ? '\\N' : String(value));

/** One row in COPY's text format. Its texts hold nothing that would need escaping: `row.ts` saw to that. */
const copyLine = (row: Row, late: boolean): string =>
  `${row.line}\t${row.target}\t${late}\t\\\\x${row.subject}\t${row.type}\t${row.reference}\t${row.version}\t${instant(row.at)}\t${instant(row.revokedAt)}\t${instant(row.dischargedAt)}\t${instant(row.supersededBy)}\t${plain(row.phoneOwnerVerified)}\t${plain(row.place)}\t${plain(row.temp)}\t{${row.inTime.join()}}\n`;

/** Text in pieces of some tens of kilobytes. @param late only to be compared with what is known. */
function* copyText(rows: Iterable<Row>, late: boolean): Generator<string> {
  let piece = '';
  for (const row of rows) {
    piece += copyLine(row, late);
    if (piece.length > 65_536) {
      yield piece;
      piece = '';
    }
  }
  if (piece !== '') yield piece;
}

interface Table {
  name: string;
  /** Columns that a higher version replaces. */
  content: string[];
  /** Columns of the table, and what they get. */
  columns: Record<string, string>;
  /** What becomes of other columns when another version comes. */
  joined: Record<string, string>;
  /** Whether the row that comes takes the place of what is known. */
  takes: string;
  /** When one that does not changes something all the same. */
  news: string;
  /** Whether what it says may change a colour. */
  colours: boolean;
  /** Whether a row of it counts for nothing, because it came too late. */
  late: string;
}

const HIGHER = 'excluded.version > e.version';
/** What a row asserts, and what counts as told in time: see `row.ts` and migration 202611240010. */
const asserted = (of: string) => `${of}.type || case when ${of}.phone_owner_verified then '+' else '' end`;
const inTime = (of: string) => `coalesce(${of}.in_time, array[${asserted(of)}])`;
const counts = (of: string) => `(${asserted(of)} = any (${inTime('e')} || ${inTime('excluded')}))`;
/** As in `chunk.ts`: what came too late of the newer one is not told in time by an older one that comes after it. */
const OUTDATED = `(e.late and excluded.version <= e.version and excluded.revoked_at is null
  and ${asserted('e')} = any (${inTime('excluded')}))`;
/** What an appeal took out of account is not brought back under another name by what comes too late to be news. */
const REVIVES = `(e.appeal_decision is not distinct from 'upheld' and excluded.type <> e.type
  and ${asserted('excluded')} <> all (${inTime('excluded')}))`;
/** The higher version, but none that comes late with another assertion. */
const TAKES = `case when ${OUTDATED} or ${REVIVES} then false
  when ${counts('e')} = ${counts('excluded')} then ${HIGHER} else ${counts('excluded')} end`;
const addsNothing = `(${OUTDATED} or ${inTime('excluded')} <@ ${inTime('e')})`;
/** An appeal is about what was asserted then. Another assertion counts anew, and may be appealed against anew. */
const unlessAnother = (column: string) =>
  `case when ${TAKES} and excluded.type <> e.type then null else e.${column} end`;

// The same row gets the same id, whenever and in whatever order it comes.
const ID = `substring(encode(sha256(convert_to($1 || ' ' || $2 || '/' || s.reference, 'UTF8')), 'hex') for 32)::uuid`;

const TABLES: Record<Target, Table> = {
  evidence: {
    name: 'health_evidence',
    content: ['type', 'at', 'discharged_at', 'superseded_at', 'phone_owner_verified'],
    columns: { id: ID, purpose: `'${healthSettings.purpose}'`, in_time: 's.in_time' },
    joined: {
      in_time: `case when ${addsNothing} then ${inTime('e')} else ${inTime('e')} || excluded.in_time end`,
      appeal_at: unlessAnother('appeal_at'),
      appeal_decision: unlessAnother('appeal_decision'),
    },
    takes: TAKES,
    news: `or not ${addsNothing}`,
    colours: true,
    late: 'e.late',
  },
  release: {
    name: 'health_releases',
    content: ['at'],
    columns: { id: ID },
    joined: {},
    takes: HIGHER,
    news: '',
    colours: true,
    late: 'false',
  },
  movement: {
    name: 'health_movements',
    content: ['type', 'at', 'place', 'temp'],
    columns: {},
    joined: {},
    takes: HIGHER,
    news: '',
    colours: false,
    late: 'false',
  },
};

/** $1 source, $2 client, $3 now. Rows go in in one order, so that two streams never wait for each other in a ring. */
function upsertStatement(target: Target): string {
  const { name, content, columns, joined, takes, news, colours, late } = TABLES[target];
  const own = Object.keys(columns).map((column) => `${column}, `);
  const values = Object.values(columns).map((value) => `${value}, `);
  const newer = (column: string) =>
    `${column} = case when ${takes} then excluded.${column} else e.${column} end`;
  const upsert = `
    insert into ${name} as e (subject, source, reference, version, ${own.join('')}${content.join(', ')}, revoked_at, received_at)
    select s.subject, $1, $2 || '/' || s.reference, s.version, ${values.join('')}${content.map((column) => `s.${column}`).join(', ')},
      s.revoked_at, $3::timestamptz
    from health_staging s where s.target = '${target}' and not s.late
    order by s.subject, s.reference
    on conflict (subject, source, reference) do update set
      ${['version', ...content].map(newer).join(', ')},
      ${Object.entries(joined)
        .map(([column, value]) => `${column} = ${value}, `)
        .join('')}
      revoked_at = least(e.revoked_at, excluded.revoked_at)
    where ${takes} or excluded.revoked_at < coalesce(e.revoked_at, 'infinity') ${news}
    returning e.subject, ${late} as late`;
  if (!colours) return `with changed as (${upsert}) select count(*) as changed from changed`;
  return `
    with changed as (${upsert}),
      people as (
        select p.citizen_id from health_people p where p.subject in (select subject from changed)
        order by p.citizen_id for update
      ),
      marked as (
        update health_people p set next_eval_at = least(p.next_eval_at, $3::timestamptz) from people
        where p.citizen_id = people.citizen_id returning 1
      )
    select (select count(*) from changed where not late) as changed, (select count(*) from marked) as marked`;
}

/** The lines that did not get in: too late to be news, or different from what is known under their version. */
function refusedStatement(target: Target): string {
  const { name, content, late } = TABLES[target];
  const tuple = (of: string) => `(${content.map((column) => `${of}.${column}`).join(', ')})`;
  const differs = `s.version = e.version and ${tuple('s')} is distinct from ${tuple('e')}`;
  return `
    select s.line, s.late and (e.subject is null or ${late} or s.version > e.version) as late from health_staging s
    left join ${name} e on e.subject = s.subject and e.source = $1 and e.reference = $2 || '/' || s.reference
    where s.target = '${target}' and case
      when s.late then e.subject is null or ${late} or s.version > e.version or ${differs}
      else s.revoked_at is null and ${differs}
    end
    order by s.line`;
}

const TARGETS = Object.keys(TABLES) as Target[];
const UPSERT = Object.fromEntries(TARGETS.map((target) => [target, upsertStatement(target)]));
const REFUSED = Object.fromEntries(TARGETS.map((target) => [target, refusedStatement(target)]));

export interface Loaded {
  /** Rows that told us something new. */
  changed: number;
  refused: { line: number; reason: Reason }[];
}

/**
 * Loads a chunk: COPY into a temporary table, then one statement for each kind of row. Whoever it concerns is
 * due to be decided anew at once. Nothing is added twice, whatever was loaded before.
 */
export async function loadChunk(
  { tx, copyIn }: { tx: Queryable; copyIn: CopyIn },
  { clientId, source }: Feed,
  { rows, late }: Chunk,
  now: Date,
): Promise<Loaded> {
  await tx.query(STAGING);
  await tx.query(LOOK_UP);
  await copyIn(COPY, copyText(rows.values(), false));
  if (late.length > 0) await copyIn(COPY, copyText(late, true));
  const present = new Set([...rows.values(), ...late].map(({ target }) => target));
  const loaded: Loaded = { changed: 0, refused: [] };
  for (const target of TARGETS.filter((each) => present.has(each))) {
    const [count] = await tx.query<{ changed: number }>(UPSERT[target]!, [source, clientId, now]);
    loaded.changed += count?.changed ?? 0;
    // All new: nothing can have been in the way.
    if (present.size === 1 && late.length === 0 && count?.changed === rows.size) continue;
    const refused = await tx.query<{ line: number; late: boolean }>(REFUSED[target]!, [source, clientId]);
    // One that corrects and is late stands there twice.
    const verdicts = new Map<number, boolean>();
    for (const row of refused) verdicts.set(row.line, row.late || verdicts.get(row.line) === true);
    for (const [line, tooOld] of verdicts) {
      loaded.refused.push({ line, reason: tooOld ? 'too_old' : 'same_version_differs' });
    }
  }
  return loaded;
}

const DEADLOCK = '40P01';
const ATTEMPTS = 4;

/** The same in a transaction of its own, with the freshness of the feed; again where it lost a deadlock. */
export async function commitChunk(db: Database, feed: Feed, chunk: Chunk, now: Date): Promise<Loaded> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await db.transaction(async (tx, copyIn) => {
        const loaded = await loadChunk({ tx, copyIn }, feed, chunk, now);
        const { taken, watermark } = chunk;
        if (taken > 0) await noteFreshness(tx, feed, { now, watermark, kept: taken });
        return loaded;
      });
    } catch (error) {
      if ((error as { code?: string }).code !== DEADLOCK || attempt === ATTEMPTS) throw error;
    }
  }
}
