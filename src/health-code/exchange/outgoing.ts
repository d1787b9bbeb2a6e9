import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { record } from '../../audit/log.ts';
import type { Database, Queryable } from '../../platform/database.ts';
import { dayOf, formatDay, parseDay } from '../engine/civil-day.ts';
import type { RuleSet } from '../engine/rule-set.ts';
import { healthSettings } from '../settings.ts';
import { type Kind, lineOf, type Manifest, nameOf, type Row, SCHEMA } from './file.ts';
import { monthOf } from './pid.ts';

const BATCH = 2_000;
const PART_BYTES = 256 * 1024;

interface OwnFile {
  name: string;
  business_day: string;
  seq: number;
  kind: Kind;
  digest: string;
  prev_digest: string | null;
  row_count: number;
  month: string;
  created_at: Date;
}

const COLUMNS = `name, business_day::text, seq, kind, digest, prev_digest, row_count, month, created_at`;

const manifestOf = (issuer: string, file: OwnFile): Manifest => ({
  schema: SCHEMA,
  issuer,
  bizDate: file.business_day,
  seq: file.seq,
  kind: file.kind,
  month: file.month,
  rows: file.row_count,
  digest: file.digest,
  prevDigest: file.prev_digest,
  createdAt: file.created_at.toISOString(),
});

/** The reasons that rest on nothing but what another province said: telling them back would keep them alive for ever. */
const secondHand = (rules: RuleSet): string[] => [
  rules.red.unproven,
  ...Object.values(rules.types)
    .filter(({ sources }) => sources.every((source) => source === 'peer'))
    .map(({ code }) => code),
];

/**
 * Makes the file of a business day, once: a full one when there was none yet, when the month's key changed, when the
 * last one is some days old or a peer asked for one; else what changed since the last. Rows are streamed; what was
 * told is kept in the same transaction.
 *
 * @param options.rules those in force; `again` makes another one.
 * @returns its manifest; undefined when there is one of that day already, and no full one is asked for.
 */
export async function makeFile(
  db: Database,
  options: { issuer: string; rules: RuleSet; again?: boolean; now: Date },
): Promise<Manifest | undefined> {
  const { issuer, now } = options;
  const month = monthOf(now);
  const businessDay = formatDay(dayOf(now.getTime()));
  return db.transaction(async (tx) => {
    await tx.query('lock table health_own_files in share row exclusive mode');
    const [last] = await tx.query<OwnFile>(
      `select ${COLUMNS} from health_own_files order by business_day desc, seq desc limit 1`,
    );
    const { full, kind } = await nextOf(tx, { last, month, businessDay });
    if (last?.business_day === businessDay && !options.again && !full) return undefined;
    const seq = last?.business_day === businessDay ? last.seq + 1 : 1;
    const name = nameOf({ issuer, bizDate: businessDay, seq, kind });
    await compare(tx, { month, rules: options.rules });
    const { rows, digest } = await write(tx, name, kind);
    await remember(tx);
    const [file] = await tx.query<OwnFile>(
      `insert into health_own_files (name, business_day, seq, kind, digest, prev_digest, row_count, month, created_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning ${COLUMNS}`,
      [name, businessDay, seq, kind, digest, last?.digest ?? null, rows, month, now],
    );
    if (kind === 'F') await tx.query('delete from health_full_wanted');
    await record(tx, { type: 'health.file_made', actor: 'system', at: now });
    return manifestOf(issuer, file!);
  });
}

/**
 * Which kind the next file is, and whether it is made at once although there is one of the day. More than one full
 * file a day is made for nobody.
 */
async function nextOf(
  tx: Queryable,
  { last, month, businessDay }: { last: OwnFile | undefined; month: string; businessDay: string },
): Promise<{ kind: Kind; full: boolean }> {
  const [row] = await tx.query<{ last_full: string | null; wanted: boolean }>(
    `select max(business_day)::text as last_full, exists (select from health_full_wanted) as wanted
     from health_own_files where kind = 'F'`,
  );
  const lastFull = parseDay(row?.last_full ?? '');
  const age = lastFull === undefined ? Number.POSITIVE_INFINITY : parseDay(businessDay)! - lastFull;
  const wanted = row?.wanted === true && age > 0;
  const old = age >= healthSettings.exchange.fullEveryDays;
  return { kind: wanted || old || last?.month !== month ? 'F' : 'D', full: wanted };
}

/** Notes that a peer cannot go on with what it has of ours. */
export async function wantFull(db: Queryable, issuer: string, now: Date): Promise<void> {
  await db.query(
    `insert into health_full_wanted (issuer, asked_at) values ($1, $2)
     on conflict (issuer) do nothing`,
    [issuer, now],
  );
}

/**
 * Puts what is to be told into a temporary table, each with what became of it since the last file. While a person
 * keeps their colour its beginning stays the same, however often the reasons change. That a source was late when somebody
 * was decided is no reason for their colour, and nothing to tell.
 */
async function compare(tx: Queryable, { month, rules }: { month: string; rules: RuleSet }): Promise<void> {
  await tx.query(
    `create temporary table telling (
       citizen_id uuid primary key, pid bytea not null, document_type text not null, colour text not null,
       reasons text[] not null, effective_from timestamptz not null, effective_to timestamptz,
       rule_set text not null, op text not null
     ) on commit drop`,
  );
  await tx.query(
    `insert into telling
     select p.citizen_id, q.pid, c.document_type, p.colour, d.reasons,
       case when t.colour = p.colour then t.effective_from else d.at end, d.earliest_exit, d.rule_set,
       case when t.citizen_id is null then 'A'
            when (t.pid, t.colour, t.reasons, t.effective_to, t.rule_set)
              is distinct from (q.pid, p.colour, d.reasons, d.earliest_exit, d.rule_set) then 'U'
            else '=' end
     from health_people p
     join (select citizen_id, id, at, array_remove(reasons, $3) as reasons, earliest_exit, rule_set from health_decisions) d
       on d.citizen_id = p.citizen_id and d.id = p.decision_id
     join health_pids q on q.citizen_id = p.citizen_id and q.month = $1
     join citizens c on c.id = p.citizen_id
     left join health_told t on t.citizen_id = p.citizen_id
     where p.colour in ('RED', 'YELLOW') and not d.reasons <@ $2::text[]`,
    [month, secondHand(rules), rules.degraded],
  );
  await tx.query(
    `insert into telling
     select citizen_id, pid, document_type, colour, reasons, effective_from, effective_to, rule_set, 'R'
     from health_told t where not exists (select from telling n where n.citizen_id = t.citizen_id)`,
  );
}

async function* linesOf(tx: Queryable, kind: Kind): AsyncGenerator<string> {
  let after = '00000000-0000-0000-0000-000000000000';
  for (;;) {
    const rows = await tx.query<{
      citizen_id: string;
      pid: Buffer;
      document_type: Row['idt'];
      colour: Row['c'];
      reasons: string[];
      effective_from: Date;
      effective_to: Date | null;
      rule_set: string;
      op: Row['op'] | '=';
    }>(
      `select * from telling where citizen_id > $1 and op = any ($2::text[]) order by citizen_id limit ${BATCH}`,
      [after, kind === 'F' ? ['A', 'U', '='] : ['A', 'U', 'R']],
    );
    for (const row of rows) {
      yield lineOf({
        pid: row.pid,
        idt: row.document_type,
        c: row.colour,
        rs: row.reasons,
        ef: row.effective_from,
        et: row.effective_to,
        v: row.rule_set,
        op: kind === 'F' || row.op === '=' ? 'A' : row.op,
      });
    }
    const last = rows.at(-1);
    if (last === undefined) return;
    after = last.citizen_id;
  }
}

/** Writes the file in parts, so that neither it nor its rows are ever whole in memory. */
async function write(tx: Queryable, name: string, kind: Kind): Promise<{ rows: number; digest: string }> {
  const hash = createHash('sha256');
  let rows = 0;
  let part = 0;
  let waiting: Uint8Array[] = [];
  let size = 0;
  const flush = async () => {
    await tx.query('insert into health_own_file_parts (name, part, bytes) values ($1, $2, $3)', [
      name,
      part,
      Buffer.concat(waiting),
    ]);
    part += 1;
    waiting = [];
    size = 0;
  };
  const counted = async function* () {
    for await (const line of linesOf(tx, kind)) {
      rows += 1;
      yield line;
    }
  };
  const zip = createGzip();
  await pipeline(Readable.from(counted()), zip, async (chunks) => {
    for await (const chunk of chunks as AsyncIterable<Buffer>) {
      hash.update(chunk);
      waiting.push(chunk);
      size += chunk.length;
      if (size >= PART_BYTES) await flush();
    }
  });
  await flush();
  return { rows, digest: `sha256:${hash.digest('hex')}` };
}

async function remember(tx: Queryable): Promise<void> {
  await tx.query(
    'delete from health_told t where exists (select from telling n where n.citizen_id = t.citizen_id)',
  );
  await tx.query(
    `insert into health_told
     select citizen_id, pid, document_type, colour, reasons, effective_from, effective_to, rule_set
     from telling where op <> 'R'`,
  );
}

/** The file that was made last. */
export async function newestOwnFile(
  db: Queryable,
): Promise<{ name: string; createdAt: Date; rows: number } | undefined> {
  const [file] = await db.query<Pick<OwnFile, 'name' | 'created_at' | 'row_count'>>(
    `select name, created_at, row_count from health_own_files order by business_day desc, seq desc limit 1`,
  );
  return file && { name: file.name, createdAt: file.created_at, rows: file.row_count };
}

const LISTED = 50;

/**
 * The files that follow one, oldest first, a page of them. Who has none, or one that is not here (any more), begins at
 * the newest full one.
 *
 * @param after name of the last file that the asker took.
 */
export async function listOwnFiles(
  db: Queryable,
  issuer: string,
  after: string | undefined,
): Promise<{ files: Manifest[]; known: boolean }> {
  const [at] = await db.query<{ day: string; seq: number }>(
    'select business_day::text as day, seq from health_own_files where name = $1',
    [after ?? ''],
  );
  const files =
    at === undefined
      ? await db.query<OwnFile>(
          `select ${COLUMNS} from health_own_files f,
             (select business_day as day, seq as number from health_own_files where kind = 'F'
              order by business_day desc, seq desc limit 1) begin
           where (f.business_day, f.seq) >= (begin.day, begin.number)
           order by f.business_day, f.seq limit ${LISTED}`,
        )
      : await db.query<OwnFile>(
          `select ${COLUMNS} from health_own_files
           where (business_day, seq) > ($1, $2) order by business_day, seq limit ${LISTED}`,
          [at.day, at.seq],
        );
  return { files: files.map((file) => manifestOf(issuer, file)), known: at !== undefined };
}

/** A file, part by part; undefined when there is none of that name. */
export async function readOwnFile(db: Queryable, name: string): Promise<AsyncIterable<Buffer> | undefined> {
  const [file] = await db.query('select 1 from health_own_files where name = $1', [name]);
  if (file === undefined) return undefined;
  return (async function* () {
    for (let part = 0; ; part += 1) {
      const [row] = await db.query<{ bytes: Buffer }>(
        'select bytes from health_own_file_parts where name = $1 and part = $2',
        [name, part],
      );
      if (row === undefined) return;
      yield row.bytes;
    }
  })();
}
