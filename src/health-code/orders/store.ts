import type { Queryable } from '../../platform/database.ts';

export type OrderColour = 'GREEN' | 'YELLOW' | 'RED';
export type OrderState = 'requested' | 'approved' | 'refused' | 'withdrawn';

/** An order that sets the colour of some people for a while. */
export interface Order {
  id: string;
  colour: OrderColour;
  organisation: string;
  evidenceId: string;
  reason: string;
  from: Date;
  to: Date;
  people: number;
  approver1: string;
  approver2: string | undefined;
  state: OrderState;
  requestedAt: Date;
  decidedAt: Date | undefined;
  withdrawnAt: Date | undefined;
}

interface Row {
  id: string;
  colour: OrderColour;
  organisation: string;
  evidence_id: string;
  reason: string;
  valid_from: Date;
  valid_to: Date;
  people: number;
  approver1: string;
  approver2: string | null;
  state: OrderState;
  requested_at: Date;
  decided_at: Date | null;
  withdrawn_at: Date | null;
}

const COLUMNS = `id, colour, organisation, evidence_id, reason, valid_from, valid_to, people, approver1, approver2,
  state, requested_at, decided_at, withdrawn_at`;

const orderOf = (row: Row): Order => ({
  id: row.id,
  colour: row.colour,
  organisation: row.organisation,
  evidenceId: row.evidence_id,
  reason: row.reason,
  from: row.valid_from,
  to: row.valid_to,
  people: row.people,
  approver1: row.approver1,
  approver2: row.approver2 ?? undefined,
  state: row.state,
  requestedAt: row.requested_at,
  decidedAt: row.decided_at ?? undefined,
  withdrawnAt: row.withdrawn_at ?? undefined,
});

/** Orders, newest first. */
export async function readOrders(db: Queryable, limit = 50): Promise<Order[]> {
  const rows = await db.query<Row>(
    `select ${COLUMNS} from health_orders order by requested_at desc, id limit $1`,
    [limit],
  );
  return rows.map(orderOf);
}

export async function readOrder(db: Queryable, id: string): Promise<Order | undefined> {
  const [row] = await db.query<Row>(`select ${COLUMNS} from health_orders where id = $1`, [id]);
  return row && orderOf(row);
}

/** The orders that hold for somebody now: what the citizen may know of them. */
export async function ordersAbout(
  db: Queryable,
  subject: Buffer,
  now: Date,
): Promise<Pick<Order, 'id' | 'colour' | 'organisation' | 'evidenceId' | 'reason' | 'to'>[]> {
  const rows = await db.query<Row>(
    `select o.id, o.colour, o.organisation, o.evidence_id, o.reason, o.valid_to
     from health_order_subjects s join health_orders o on o.id = s.order_id and o.state = 'approved'
     where s.subject = $1 and s.lifted_at is null and o.valid_from <= $2 and o.valid_to > $2
     order by o.valid_to`,
    [subject, now],
  );
  return rows.map(({ id, colour, organisation, evidence_id, reason, valid_to }) => ({
    id,
    colour,
    organisation,
    evidenceId: evidence_id,
    reason,
    to: valid_to,
  }));
}

/** Those whom an order touches and who have a code. */
export async function citizensOf(db: Queryable, orderId: string, limit?: number): Promise<string[]> {
  const rows = await db.query<{ citizen_id: string }>(
    `select p.citizen_id from health_order_subjects s join health_people p on p.subject = s.subject
     where s.order_id = $1 order by p.citizen_id limit $2`,
    [orderId, limit ?? null],
  );
  return rows.map(({ citizen_id }) => citizen_id);
}
