import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { record } from '../../audit/log.ts';
import type { Database, Queryable } from '../../platform/database.ts';
import { applyToPeople, joinAlone } from './apply.ts';
import { FileRefused, type Last, type Manifest, nameOf, type Row, requireNext, rowSchema } from './file.ts';

const BATCH = 1_000;
const LINE_MAX = 2_048;
/** A row that begins later than this after the file was made is a mistake of its issuer. */
const AHEAD_MS = 300_000;

/** The newest file of a peer that was accepted, by the time at which it was made. */
export async function lastAccepted(
  db: Queryable,
  issuer: string,
): Promise<(Last & { name: string }) | undefined> {
  const [row] = await db.query<{ name: string; day: string; seq: number; digest: string; created_at: Date }>(
    `select name, business_day::text as day, seq, digest, created_at from health_peer_files
     where issuer = $1 and state = 'accepted' order by created_at desc, business_day desc, seq desc limit 1`,
    [issuer],
  );
  return (
    row && {
      name: row.name,
      bizDate: row.day,
      seq: row.seq,
      digest: row.digest,
      createdAt: row.created_at,
    }
  );
}

/** What one peer tells is a source of its own, so that another one does not hide its silence. */
export const sourceOf = (issuer: string): string => `peer:${issuer}`;

/**
 * Takes a whole file or nothing of it. A refusal is kept by name with its reason.
 *
 * @param manifest as its signature says (`openManifest`); `body` the compressed file.
 * @returns whether it was taken: false for one that somebody else took meanwhile.
 * @throws FileRefused
 */
export async function acceptFile(
  db: Database,
  { manifest, body, now }: { manifest: Manifest; body: AsyncIterable<Uint8Array>; now: Date },
): Promise<boolean> {
  const name = nameOf(manifest);
  const createdAt = new Date(manifest.createdAt);
  try {
    return await db.transaction(async (tx) => {
      await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [
        `health_peer:${manifest.issuer}`,
      ]);
      const [known] = await tx.query(
        `select 1 from health_peer_files where issuer = $1 and name = $2 and digest = $3 and state = 'accepted'`,
        [manifest.issuer, name, manifest.digest],
      );
      if (known) return false;
      // Else no file of the right time would be newer than it.
      if (createdAt.getTime() > now.getTime() + AHEAD_MS) throw new FileRefused('made_in_future');
      requireNext(manifest, await lastAccepted(tx, manifest.issuer));
      await stage(tx, manifest, body);
      await supersede(tx, manifest, name, now);
      await joinAlone(tx);
      await applyToPeople(tx, { issuer: manifest.issuer, file: name }, now);
      await tx.query(
        `insert into health_sources (source, watermark, received_at) values ($3, $1, $2)
         on conflict (source) do update set received_at = excluded.received_at,
           watermark = greatest(health_sources.watermark, excluded.watermark)`,
        [createdAt, now, sourceOf(manifest.issuer)],
      );
      await settle(tx, manifest, 'accepted', undefined, now);
      return true;
    });
  } catch (error) {
    if (error instanceof FileRefused) await refuse(db, manifest, error, now);
    throw error;
  }
}

/** Keeps that a file was refused, and why; once, however often it is tried again. */
export async function refuse(
  db: Database,
  manifest: Manifest,
  refusal: FileRefused,
  now: Date,
): Promise<void> {
  refusal.file = nameOf(manifest);
  await db.transaction((tx) => settle(tx, manifest, 'rejected', refusal.reason, now));
}

async function settle(
  tx: Queryable,
  manifest: Manifest,
  state: 'accepted' | 'rejected',
  reason: string | undefined,
  now: Date,
): Promise<void> {
  const { issuer, bizDate, seq, kind, digest, rows, createdAt } = manifest;
  const again = await tx.query(
    `update health_peer_files set last_at = $5, times = times + 1
     where issuer = $1 and name = $2 and digest = $3 and state = 'rejected' and reason = $4 returning 1`,
    [issuer, nameOf(manifest), digest, reason ?? null, now],
  );
  if (again.length > 0) return;
  await tx.query(
    `insert into health_peer_files
       (issuer, name, state, reason, business_day, seq, kind, digest, row_count, created_at, received_at, last_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)
     on conflict (issuer, name, received_at) do update set state = excluded.state, reason = excluded.reason,
       digest = excluded.digest, created_at = excluded.created_at`,
    [
      issuer,
      nameOf(manifest),
      state,
      reason ?? null,
      bizDate,
      seq,
      kind,
      digest,
      rows,
      new Date(createdAt),
      now,
    ],
  );
  const type = state === 'accepted' ? 'health.file_accepted' : 'health.file_rejected';
  await record(tx, { type, actor: 'system', at: now });
}

/** Reads the file into a temporary table while it arrives, and checks it whole. */
async function stage(tx: Queryable, manifest: Manifest, body: AsyncIterable<Uint8Array>): Promise<void> {
  await tx.query(
    `create temporary table told (
       pid bytea not null, colour text not null, reasons text not null, effective_from timestamptz not null,
       effective_to timestamptz, rule_set text not null, op text not null, primary key (pid)
     ) on commit drop`,
  );
  const hash = createHash('sha256');
  const latest = Date.parse(manifest.createdAt) + AHEAD_MS;
  let count = 0;
  let batch = new Map<string, Row>();
  for await (const line of linesOf(body, hash)) {
    count += 1;
    if (count > manifest.rows) throw new FileRefused('row_count_differs');
    const row = rowOf(line);
    if (row.ef.getTime() > latest) throw new FileRefused('row_in_future');
    const key = row.pid.toString('base64url');
    if (batch.has(key)) throw new FileRefused('bad_row');
    batch.set(key, row);
    if (batch.size >= BATCH) {
      await insert(tx, [...batch.values()]);
      batch = new Map();
    }
  }
  await insert(tx, [...batch.values()]);
  if (count !== manifest.rows) throw new FileRefused('row_count_differs');
  if (`sha256:${hash.digest('hex')}` !== manifest.digest) throw new FileRefused('digest_differs');
}

function rowOf(line: string): Row {
  try {
    return rowSchema.parse(JSON.parse(line));
  } catch (cause) {
    throw new FileRefused('bad_row', { cause });
  }
}

/** The lines of a compressed file; `hash` sees it as it came. */
async function* linesOf(
  body: AsyncIterable<Uint8Array>,
  hash: { update(bytes: Uint8Array): unknown },
): AsyncGenerator<string> {
  const tapped = async function* () {
    for await (const chunk of body) {
      hash.update(chunk);
      yield chunk;
    }
  };
  const source = Readable.from(tapped());
  const text = createGunzip();
  source.on('error', (error) => text.destroy(error));
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let rest = '';
  try {
    for await (const chunk of source.pipe(text)) {
      const lines = (rest + decoder.decode(chunk as Buffer, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      if (rest.length > LINE_MAX) throw new FileRefused('bad_row');
      yield* lines;
    }
    rest += decoder.decode();
  } catch (error) {
    if (error instanceof FileRefused || !isDamage(error)) throw error;
    throw new FileRefused('truncated', { cause: error });
  }
  if (rest !== '') yield rest;
}

/** The bytes are not what they should be, in contrast to a connection that ended. */
const isDamage = (error: unknown): boolean => {
  const code = (error as { code?: unknown }).code;
  return (typeof code === 'string' && code.startsWith('Z_')) || code === 'ERR_ENCODING_INVALID_ENCODED_DATA';
};

async function insert(tx: Queryable, rows: readonly Row[]): Promise<void> {
  if (rows.length === 0) return;
  const added = await tx.query(
    `insert into told
     select * from unnest($1::bytea[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::text[],
       $7::text[])
     on conflict do nothing returning 1`,
    [
      rows.map(({ pid }) => pid),
      rows.map(({ c }) => c),
      rows.map(({ rs }) => rs.join()),
      rows.map(({ ef }) => ef),
      rows.map(({ et }) => et),
      rows.map(({ v }) => v),
      rows.map(({ op }) => op),
    ],
  );
  if (added.length !== rows.length) throw new FileRefused('bad_row');
}

/**
 * Files what was told. Whatever of the issuer's it contradicts is superseded: in a full file all that it does not
 * list, in a delta all else about the people it lists.
 */
async function supersede(tx: Queryable, manifest: Manifest, name: string, now: Date): Promise<void> {
  const { issuer, kind, createdAt } = manifest;
  const at = new Date(createdAt);
  const goes = `update health_peer_rows r set superseded_at = $2, file = $3
    where r.issuer = $1 and r.superseded_at is null`;
  if (kind === 'F') {
    await tx.query(
      `${goes} and not exists (select from told t where t.pid = r.pid and t.colour = r.colour
         and t.effective_from = r.effective_from and t.op <> 'R')`,
      [issuer, at, name],
    );
  } else {
    await tx.query(
      `${goes} and r.pid in (select pid from told) and not exists (select from told t where t.pid = r.pid
         and t.colour = r.colour and t.effective_from = r.effective_from and t.op <> 'R')`,
      [issuer, at, name],
    );
  }
  await tx.query(
    `insert into health_peer_rows
       (pid, issuer, colour, effective_from, effective_to, reasons, rule_set, file, received_at)
     select pid, $1, colour, effective_from, effective_to, string_to_array(reasons, ','), rule_set, $2, $3
     from told where op <> 'R'
     on conflict (pid, issuer, colour, effective_from) do update set
       effective_to = excluded.effective_to, reasons = excluded.reasons, rule_set = excluded.rule_set,
       superseded_at = null, file = excluded.file`,
    [issuer, name, now],
  );
}
