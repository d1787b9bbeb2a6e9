import { holdGuardianship } from '../../citizens/guardianship.ts';
import type { Queryable } from '../../platform/database.ts';
import type { Cipher } from '../../platform/field-encryption.ts';
import { newId } from '../../platform/id.ts';
import { lifetimes } from '../../platform/lifetimes.ts';
import { Problem } from '../../platform/problem.ts';
import { bytesOf, hashOf, newCode } from './online-code.ts';

/** What begins a code on paper: looked up like an online one, but good for months, and only with the document. */
export const PAPER = 'HK3:';
const PURPOSE = 'health_paper';
/** How many may be good at once: enough for a wallet, a bag and the door of the house. */
export const PAPERS_MAX = 5;

/** A paper code as its citizen's list shows it. */
export interface Paper {
  id: string;
  issuedAt: Date;
  /** The citizen, or the guardian who made it. */
  issuedBy: string;
  expiresAt: Date;
  revokedAt: Date | undefined;
}

interface Row {
  id: string;
  code: Buffer;
  issued_at: Date;
  issued_by: string;
  expires_at: Date;
  revoked_at: Date | null;
}

const paperOf = (row: Row): Paper => ({
  id: row.id,
  issuedAt: row.issued_at,
  issuedBy: row.issued_by,
  expiresAt: row.expires_at,
  revokedAt: row.revoked_at ?? undefined,
});

const COLUMNS = 'id, code, issued_at, issued_by, expires_at, revoked_at';

/**
 * Makes a paper code. @returns its id.
 * @param issuedBy the guardian who makes it, when it is not the citizen.
 * @throws Problem `health_no_dependant` 404 for a guardianship that has ended; `health_papers_many` 409 when the citizen
 * has {@link PAPERS_MAX} that are good.
 */
export async function issuePaper(
  tx: Queryable,
  cipher: Cipher,
  { citizenId, issuedBy, now }: { citizenId: string; issuedBy?: string | undefined; now: Date },
): Promise<string> {
  if (
    issuedBy !== undefined &&
    !(await holdGuardianship(tx, { guardianId: issuedBy, dependantId: citizenId }))
  )
    throw new Problem('health_no_dependant', 404);
  // One after the other: the limit counts.
  await tx.query('select 1 from health_people where citizen_id = $1 for update', [citizenId]);
  const id = newId();
  const { code, hash } = newCode(PAPER);
  const expiresAt = new Date(now.getTime() + lifetimes.healthPaper * 1_000);
  const rows = await tx.query(
    `insert into health_papers (citizen_id, id, hash, code, issued_at, expires_at, issued_by)
     select $1, $2, $3, $4, $5, $6, $8
     where (select count(*) from health_papers
            where citizen_id = $1 and revoked_at is null and expires_at > $5) < $7
     returning id`,
    [
      citizenId,
      id,
      hash,
      cipher.sealShared(PURPOSE, id, code),
      now,
      expiresAt,
      PAPERS_MAX,
      issuedBy ?? citizenId,
    ],
  );
  if (rows.length === 0) throw new Problem('health_papers_many', 409, { max: PAPERS_MAX });
  return id;
}

/** A citizen's paper codes, newest first. */
export async function listPapers(db: Queryable, citizenId: string): Promise<Paper[]> {
  const rows = await db.query<Row>(
    `select ${COLUMNS} from health_papers where citizen_id = $1 order by id desc limit 50`,
    [citizenId],
  );
  return rows.map(paperOf);
}

/**
 * A paper code that is still good, with the code itself for printing.
 *
 * @param issuedBy only if they made it: a guardian prints no papers but their own, which end with the guardianship.
 */
export async function readPaper(
  db: Queryable,
  cipher: Cipher,
  {
    citizenId,
    id,
    issuedBy,
    now,
  }: { citizenId: string; id: string; issuedBy?: string | undefined; now: Date },
): Promise<(Paper & { code: string }) | undefined> {
  const [row] = await db.query<Row>(
    `select ${COLUMNS} from health_papers
     where citizen_id = $1 and id = $2 and revoked_at is null and expires_at > $3
       and ($4::uuid is null or issued_by = $4)`,
    [citizenId, id, now, issuedBy ?? null],
  );
  return row && { ...paperOf(row), code: cipher.unsealShared(PURPOSE, id, row.code) };
}

/** Makes a paper code worthless at once. Returns whether it was good until now. */
export async function revokePaper(
  tx: Queryable,
  { citizenId, id, now }: { citizenId: string; id: string; now: Date },
): Promise<boolean> {
  const rows = await tx.query(
    `update health_papers set revoked_at = $3 where citizen_id = $1 and id = $2 and revoked_at is null
     returning id`,
    [citizenId, id, now],
  );
  return rows.length > 0;
}

/** Makes all papers worthless that a guardian made for a citizen: their guardianship ended. @returns how many. */
export async function revokePapersBy(
  tx: Queryable,
  { citizenId, issuedBy, now }: { citizenId: string; issuedBy: string; now: Date },
): Promise<number> {
  const rows = await tx.query(
    `update health_papers set revoked_at = $3
     where citizen_id = $1 and issued_by = $2 and revoked_at is null and expires_at > $3 returning id`,
    [citizenId, issuedBy, now],
  );
  return rows.length;
}

export type FoundPaper = { citizenId: string; issuedBy: string; state: 'good' | 'revoked' | 'expired' };

/** Whose a paper code is; undefined for one that was never made. */
export async function findPaper(db: Queryable, code: string, now: Date): Promise<FoundPaper | undefined> {
  const bytes = bytesOf(PAPER, code);
  if (!bytes) return undefined;
  const [row] = await db.query<Pick<Row, 'issued_by' | 'expires_at' | 'revoked_at'> & { citizen_id: string }>(
    'select citizen_id, issued_by, expires_at, revoked_at from health_papers where hash = $1',
    [hashOf(bytes)],
  );
  if (!row) return undefined;
  const state = row.revoked_at ? 'revoked' : row.expires_at > now ? 'good' : 'expired';
  return { citizenId: row.citizen_id, issuedBy: row.issued_by, state };
}
