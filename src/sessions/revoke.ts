import type { EventDetail } from '../audit/events.ts';
import { recordAll } from '../audit/log.ts';
import type { Queryable } from '../platform/database.ts';
import { type GrantOwner, isCitizen, revokeGrants } from './end.ts';

interface Why {
  reason: NonNullable<EventDetail<'grant.revoked'>['reason']>;
  now: Date;
}

async function report(tx: Queryable, owners: readonly GrantOwner[], { reason, now }: Why): Promise<void> {
  const events = owners
    .filter((owner): owner is GrantOwner & { account_id: string } => isCitizen(owner.account_id))
    .map(({ account_id: citizenId, client_id: clientId }) => ({
      type: 'grant.revoked' as const,
      citizenId,
      clientId,
      detail: { reason },
      at: now,
    }));
  await recordAll(tx, events);
}

/**
 * Ends grants for a reason of their own, with every code and token under them, and writes it into the log. Grants that
 * end with their session have no row: the end of the session is the cause.
 */
export async function withdrawGrants(tx: Queryable, grantIds: readonly string[], why: Why): Promise<void> {
  await report(tx, await revokeGrants(tx, grantIds), why);
}

/** Ends what one relying party holds of an account, in whichever session it was granted. */
export async function withdrawClientGrants(
  tx: Queryable,
  { accountId, clientId, ...why }: { accountId: string; clientId: string } & Why,
): Promise<void> {
  const grants = await tx.query<{ id: string }>(
    'select id from grants where account_id = $1 and client_id = $2',
    [accountId, clientId],
  );
  if (grants.length === 0) return;
  await withdrawGrants(
    tx,
    grants.map(({ id }) => id),
    why,
  );
}
