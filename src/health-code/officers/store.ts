import { record } from '../../audit/log.ts';
import type { Queryable } from '../../platform/database.ts';
import type { OrgType, Role } from './roles.ts';

/** A role that somebody has now. */
export interface Grant {
  citizenId: string;
  role: Role;
  organisation: string;
  orgType: OrgType;
  grantedAt: Date;
}

interface Row {
  citizen_id: string;
  role: Role;
  organisation: string;
  org_type: OrgType;
  granted_at: Date;
}

const grantOf = (row: Row): Grant => ({
  citizenId: row.citizen_id,
  role: row.role,
  organisation: row.organisation,
  orgType: row.org_type,
  grantedAt: row.granted_at,
});

/**
 * Gives a citizen a role, or the role another organisation.
 *
 * @returns whether anything changed.
 */
export async function grantRole(
  tx: Queryable,
  grant: Omit<Grant, 'grantedAt'> & { now: Date },
): Promise<boolean> {
  const { citizenId, role, organisation, orgType, now } = grant;
  const rows = await tx.query(
    `insert into health_officers as o (citizen_id, role, organisation, org_type, granted_at)
     values ($1, $2, $3, $4, $5)
     on conflict (citizen_id, role) do update set organisation = excluded.organisation,
       org_type = excluded.org_type, granted_at = excluded.granted_at, ended_at = null
     where o.ended_at is not null or (o.organisation, o.org_type) <> (excluded.organisation, excluded.org_type)
     returning role`,
    [citizenId, role, organisation, orgType, now],
  );
  if (rows.length > 0) {
    await record(tx, {
      type: 'health.officer_granted',
      citizenId,
      actor: 'system',
      detail: { role },
      at: now,
    });
  }
  return rows.length > 0;
}

/** Takes a role back at once. @returns whether there was one. */
export async function endRole(
  tx: Queryable,
  { citizenId, role, now }: { citizenId: string; role: Role; now: Date },
): Promise<boolean> {
  const rows = await tx.query(
    `update health_officers set ended_at = $3 where citizen_id = $1 and role = $2 and ended_at is null
     returning role`,
    [citizenId, role, now],
  );
  if (rows.length > 0) {
    await record(tx, { type: 'health.officer_ended', citizenId, actor: 'system', detail: { role }, at: now });
  }
  return rows.length > 0;
}

/** The roles that a citizen has now. Never cached: one that was taken back is gone with the next request. */
export async function rolesOf(db: Queryable, citizenId: string): Promise<Grant[]> {
  const rows = await db.query<Row>(
    `select citizen_id, role, organisation, org_type, granted_at from health_officers
     where citizen_id = $1 and ended_at is null order by role`,
    [citizenId],
  );
  return rows.map(grantOf);
}

/** Everybody who has a role, or any role. */
export async function officersWith(db: Queryable, role?: Role): Promise<Grant[]> {
  const rows = await db.query<Row>(
    `select citizen_id, role, organisation, org_type, granted_at from health_officers
     where ended_at is null and ($1::text is null or role = $1) order by role, granted_at, citizen_id`,
    [role ?? null],
  );
  return rows.map(grantOf);
}
