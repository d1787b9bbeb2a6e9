import { record } from '../../audit/log.ts';
import { readGuardians } from '../../citizens/guardianship.ts';
import type { Queryable } from '../../platform/database.ts';
import type { Cipher } from '../../platform/field-encryption.ts';
import { withdrawAttestations } from './attest.ts';
import { revokePapersBy } from './paper.ts';

/**
 * Takes back what guardians made of a citizen's code, or keep of it on their phones, whose guardianship ended by
 * itself: nobody acts for the dead, nor for a child that came of age or got an account of its own. No act of anybody
 * marks that moment, so it is looked at whenever such a code is shown, listed or made.
 */
export async function endWithGuardians(
  tx: Queryable,
  cipher: Cipher,
  { citizenId, now }: { citizenId: string; now: Date },
): Promise<void> {
  const givers = await tx.query<{ id: string }>(
    `select issued_by as id from health_papers
     where citizen_id = $1 and issued_by <> $1 and revoked_at is null and expires_at > $2
     union
     select shown_by from health_attestations
     where citizen_id = $1 and shown_by <> $1 and not revoked and expires_at > $2`,
    [citizenId, now],
  );
  if (givers.length === 0) return;
  const acting = new Set(
    (await readGuardians(tx, cipher, citizenId, now)).map(({ guardianId }) => guardianId),
  );
  for (const { id } of givers) {
    if (acting.has(id)) continue;
    await withdrawAttestations(tx, { citizenId, shownBy: id });
    if ((await revokePapersBy(tx, { citizenId, issuedBy: id, now })) > 0)
      await record(tx, { type: 'health.paper_revoked', citizenId, actor: 'system', at: now });
  }
}
