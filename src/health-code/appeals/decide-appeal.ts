import { record } from '../../audit/log.ts';
import type { Queryable } from '../../platform/database.ts';
import type { Cipher } from '../../platform/field-encryption.ts';
import { Problem } from '../../platform/problem.ts';
import type { Decision } from '../assess.ts';
import { decideFor } from '../decide.ts';
import { noticeAppeal } from '../notices/store.ts';
import type { Officer } from '../officers/gate.ts';
import { requireOthersAppeal } from '../officers/own-case.ts';
import { healthSettings } from '../settings.ts';
import { sealAppeal } from './store.ts';

export type Outcome = 'upheld' | 'rejected';

/**
 * Takes an open appeal from the list, for a while. Of any number of officers one gets it; taking one's own again
 * renews it.
 *
 * @throws Problem 409 `health_appeal_taken` when somebody else has it, or nobody may have it any more;
 * `health_own_case` for an appeal that the officer, or their family, has a part in.
 */
export async function claimAppeal(
  tx: Queryable,
  { officer, id, now }: { officer: Pick<Officer, 'citizenId' | 'actor'>; id: string; now: Date },
): Promise<void> {
  const rows = await tx.query<{ citizen_id: string }>(
    `update health_appeals set claimed_by = $2, claimed_at = $3
     where id = $1 and state = 'open' and (claimed_by is null or claimed_by = $2 or claimed_at < $4)
     returning citizen_id`,
    [id, officer.citizenId, now, new Date(now.getTime() - healthSettings.appeals.claimHours * 3_600_000)],
  );
  const [claimed] = rows;
  if (!claimed) throw new Problem('health_appeal_taken', 409);
  await requireOthersAppeal(tx, { appealId: id, officerId: officer.citizenId });
  await record(tx, {
    type: 'health.appeal_claimed',
    citizenId: claimed.citizen_id,
    actor: officer.actor,
    at: now,
  });
}

/** Puts an appeal back on the list. Does nothing when somebody else has it. */
export async function releaseAppeal(
  tx: Queryable,
  { officer, id, now }: { officer: Pick<Officer, 'citizenId' | 'actor'>; id: string; now: Date },
): Promise<void> {
  const [row] = await tx.query<{ citizen_id: string }>(
    `update health_appeals set claimed_by = null, claimed_at = null
     where id = $1 and state = 'open' and claimed_by = $2 returning citizen_id`,
    [id, officer.citizenId],
  );
  if (!row) return;
  const { citizen_id: citizenId } = row;
  await record(tx, { type: 'health.appeal_released', citizenId, actor: officer.actor, at: now });
}

/**
 * Decides an appeal: upheld, what it is about no longer counts for this citizen; rejected, it counts. The colour
 * is decided anew with it.
 *
 * @param decided.answer what the citizen reads.
 * @throws Problem 409 `health_appeal_taken` when the officer does not hold it, `health_own_case` as `claimAppeal`.
 */
export async function decideAppeal(
  tx: Queryable,
  cipher: Cipher,
  decided: {
    officer: Pick<Officer, 'citizenId' | 'actor'>;
    id: string;
    outcome: Outcome;
    answer: string;
    now: Date;
  },
): Promise<Decision> {
  const { officer, id, outcome, answer, now } = decided;
  const [held] = await tx.query<{ citizen_id: string }>(
    `select citizen_id from health_appeals where id = $1 and state = 'open' and claimed_by = $2`,
    [id, officer.citizenId],
  );
  if (!held) throw new Problem('health_appeal_taken', 409);
  // Once more: who became a guardian after taking it is one too.
  await requireOthersAppeal(tx, { appealId: id, officerId: officer.citizenId });
  const { citizen_id: citizenId } = held;
  const [person] = await tx.query<{ subject: Buffer }>(
    'select subject from health_people where citizen_id = $1 for update',
    [citizenId],
  );
  if (!person) throw new Problem('health_no_person', 404);
  // What should have happened before now is decided first, as it was known then.
  await decideFor(tx, citizenId, now);
  const rows = await tx.query(
    `update health_appeals set state = $3, answer = $4, decided_by = $2, decided_at = $5
     where id = $1 and state = 'open' and claimed_by = $2 returning id`,
    [id, officer.citizenId, outcome, sealAppeal(cipher, 'answer', citizenId, answer), now],
  );
  if (rows.length === 0) throw new Problem('health_appeal_taken', 409);
  await tx.query(
    `update health_evidence e set appeal_decision = $4 from health_appeal_items i
     where i.citizen_id = $1 and i.appeal_id = $2 and i.kind = 'evidence' and e.subject = $3 and e.id = i.item_id
       and e.appeal_decision is distinct from 'upheld'
       -- What its source corrected into something else since is not what was appealed against.
       and e.appeal_at is not null`,
    [citizenId, id, person.subject, outcome],
  );
  if (outcome === 'upheld') await lift(tx, { citizenId, id, subject: person.subject, now });
  await record(tx, {
    type: 'health.appeal_decided',
    citizenId,
    actor: officer.actor,
    detail: { decision: outcome },
    at: now,
  });
  await noticeAppeal(tx, { citizenId, now });
  return decideFor(tx, citizenId, now);
}

/** What is no row of evidence, and stops to count all the same. */
async function lift(
  tx: Queryable,
  { citizenId, id, subject, now }: { citizenId: string; id: string; subject: Buffer; now: Date },
): Promise<void> {
  await tx.query(
    `insert into health_checkin_voids (citizen_id, checkin_id, appeal_id, at)
     select citizen_id, item_id, appeal_id, $3 from health_appeal_items
     where citizen_id = $1 and appeal_id = $2 and kind = 'checkin'
     on conflict (citizen_id, checkin_id) do nothing`,
    [citizenId, id, now],
  );
  const lifted = await tx.query(
    `update health_order_subjects s set lifted_at = $4 from health_appeal_items i
     where i.citizen_id = $1 and i.appeal_id = $2 and i.kind = 'order'
       and s.subject = $3 and s.order_id = i.item_id and s.lifted_at is null
     returning 1`,
    [citizenId, id, subject, now],
  );
  if (lifted.length > 0)
    await record(tx, { type: 'health.override_lifted', citizenId, actor: 'system', at: now });
}
