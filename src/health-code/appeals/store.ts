import type { Queryable } from '../../platform/database.ts';
import type { Cipher } from '../../platform/field-encryption.ts';
import type { Colour } from '../engine/types.ts';

export type AppealState = 'open' | 'upheld' | 'rejected' | 'withdrawn';

/** An appeal, opened. */
export interface Appeal {
  id: string;
  citizenId: string;
  decisionId: string;
  text: string;
  answer: string | undefined;
  state: AppealState;
  filedAt: Date;
  dueAt: Date;
  claimedBy: string | undefined;
  claimedAt: Date | undefined;
  decidedAt: Date | undefined;
  /** The decision it is about, as long as that is kept. */
  colour: Colour | undefined;
  reasons: string[];
  decisionAt: Date | undefined;
}

interface Row {
  id: string;
  citizen_id: string;
  decision_id: string;
  body: Buffer;
  answer: Buffer | null;
  state: AppealState;
  filed_at: Date;
  due_at: Date;
  claimed_by: string | null;
  claimed_at: Date | null;
  decided_at: Date | null;
  colour: Colour | null;
  reasons: string[] | null;
  decision_at: Date | null;
}

const SEALED = { text: 'health_appeal', answer: 'health_appeal_answer' } as const;

export const sealAppeal = (
  cipher: Cipher,
  part: keyof typeof SEALED,
  citizenId: string,
  text: string,
): Buffer => cipher.sealShared(SEALED[part], citizenId, text);

const APPEAL = `
  select a.id, a.citizen_id, a.decision_id, a.body, a.answer, a.state, a.filed_at, a.due_at, a.claimed_by,
    a.claimed_at, a.decided_at, d.colour, d.reasons, d.at as decision_at
  from health_appeals a
  left join health_decisions d on d.citizen_id = a.citizen_id and d.id = a.decision_id`;

function open(cipher: Cipher, row: Row): Appeal {
  return {
    id: row.id,
    citizenId: row.citizen_id,
    decisionId: row.decision_id,
    text: cipher.unsealShared(SEALED.text, row.citizen_id, row.body),
    answer: row.answer ? cipher.unsealShared(SEALED.answer, row.citizen_id, row.answer) : undefined,
    state: row.state,
    filedAt: row.filed_at,
    dueAt: row.due_at,
    claimedBy: row.claimed_by ?? undefined,
    claimedAt: row.claimed_at ?? undefined,
    decidedAt: row.decided_at ?? undefined,
    colour: row.colour ?? undefined,
    reasons: row.reasons ?? [],
    decisionAt: row.decision_at ?? undefined,
  };
}

/** A citizen's appeals, newest first. */
export async function readAppeals(
  db: Queryable,
  cipher: Cipher,
  citizenId: string,
  limit = 50,
): Promise<Appeal[]> {
  const rows = await db.query<Row>(
    `${APPEAL} where a.citizen_id = $1 order by a.filed_at desc, a.id desc limit $2`,
    [citizenId, limit],
  );
  return rows.map((row) => open(cipher, row));
}

/** One appeal of a citizen; undefined for somebody else's. */
export async function readAppeal(
  db: Queryable,
  cipher: Cipher,
  citizenId: string,
  id: string,
): Promise<Appeal | undefined> {
  const [row] = await db.query<Row>(`${APPEAL} where a.citizen_id = $1 and a.id = $2`, [citizenId, id]);
  return row && open(cipher, row);
}

/** One appeal, for the officer. */
export async function findAppeal(db: Queryable, cipher: Cipher, id: string): Promise<Appeal | undefined> {
  const [row] = await db.query<Row>(`${APPEAL} where a.id = $1`, [id]);
  return row && open(cipher, row);
}

/** An appeal on the work list: nothing in it says whose it is. */
export interface WorkItem {
  id: string;
  filedAt: Date;
  dueAt: Date;
  claimedBy: string | undefined;
  claimedAt: Date | undefined;
  colour: Colour | undefined;
  reasons: string[];
}

/** How many appeals one page of the work list shows. */
const ON_A_PAGE = 50;
const PLACE = /^(\d{1,14})\.([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$/;

/**
 * A page of the open appeals that an officer holds or may take, the one that is due first before the others.
 *
 * @param wish.freeAfter a claim by somebody else from before this instant has ended; `after` what the page before gave
 *   as `next`.
 * @returns with `next` when there are more, and how many others hold.
 */
export async function workList(
  db: Queryable,
  wish: { officerId: string; freeAfter: Date; after?: string | undefined; limit?: number },
): Promise<{ items: WorkItem[]; next: string | undefined; taken: number }> {
  const { officerId, freeAfter, after = '', limit = ON_A_PAGE } = wish;
  const [, due = '0', id = '00000000-0000-0000-0000-000000000000'] = PLACE.exec(after) ?? [];
  const rows = await db.query<
    Pick<Row, 'id' | 'filed_at' | 'due_at' | 'claimed_by' | 'claimed_at' | 'colour' | 'reasons'>
  >(
    `select a.id, a.filed_at, a.due_at, a.claimed_by, a.claimed_at, d.colour, d.reasons
     from (select * from health_appeals where state = 'open' and (due_at, id) > ($1, $2)
             and (claimed_by is null or claimed_by = $3 or claimed_at < $4) order by due_at, id limit $5) a
     left join health_decisions d on d.citizen_id = a.citizen_id and d.id = a.decision_id
     order by a.due_at, a.id`,
    [new Date(Number(due)), id, officerId, freeAfter, limit + 1],
  );
  const [others] = await db.query<{ count: number }>(
    `select count(*) as count from health_appeals
     where state = 'open' and claimed_by <> $1 and claimed_at >= $2`,
    [officerId, freeAfter],
  );
  const items = rows.slice(0, limit).map((row) => ({
    id: row.id,
    filedAt: row.filed_at,
    dueAt: row.due_at,
    claimedBy: row.claimed_by ?? undefined,
    claimedAt: row.claimed_at ?? undefined,
    colour: row.colour ?? undefined,
    reasons: row.reasons ?? [],
  }));
  const last = rows.length > limit ? items.at(-1) : undefined;
  return { items, next: last && `${last.dueAt.getTime()}.${last.id}`, taken: others?.count ?? 0 };
}

/** How many appeals wait, and how many of them longer than they should. */
export async function countOpen(db: Queryable, now: Date): Promise<{ open: number; late: number }> {
  const [row] = await db.query<{ open: number; late: number }>(
    `select count(*) as open, count(*) filter (where due_at < $1) as late from health_appeals where state = 'open'`,
    [now],
  );
  return row ?? { open: 0, late: 0 };
}

/** What an appeal is about, as the officer weighs it. */
export interface AppealItem {
  kind: 'evidence' | 'checkin' | 'order';
  id: string;
  /** Type of evidence, or the order's colour. */
  type: string | undefined;
  source: string | undefined;
  at: Date | undefined;
  temp: number | undefined;
  symptoms: string[];
}

export async function readItems(
  db: Queryable,
  { citizenId, appealId, subject }: { citizenId: string; appealId: string; subject: Buffer },
): Promise<AppealItem[]> {
  const rows = await db.query<{
    kind: AppealItem['kind'];
    item_id: string;
    type: string | null;
    source: string | null;
    at: Date | null;
    temp: number | null;
    symptoms: string[] | null;
  }>(
    `select i.kind, i.item_id, coalesce(e.type, o.colour) as type, coalesce(e.source, o.organisation) as source,
       coalesce(e.at, c.at, o.valid_from) as at, c.temp, c.symptoms
     from health_appeal_items i
     left join health_evidence e on i.kind = 'evidence' and e.subject = $3 and e.id = i.item_id
     left join health_checkins c on i.kind = 'checkin' and c.citizen_id = i.citizen_id and c.id = i.item_id
     left join health_orders o on i.kind = 'order' and o.id = i.item_id
     where i.citizen_id = $1 and i.appeal_id = $2 order by 5, i.item_id`,
    [citizenId, appealId, subject],
  );
  return rows.map((row) => ({
    kind: row.kind,
    id: row.item_id,
    type: row.type ?? undefined,
    source: row.source ?? undefined,
    at: row.at ?? undefined,
    temp: row.temp === null ? undefined : row.temp / 10,
    symptoms: row.symptoms ?? [],
  }));
}
