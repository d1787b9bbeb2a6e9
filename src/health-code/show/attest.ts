import { z } from 'zod';
import { record } from '../../audit/log.ts';
import { holdGuardianship } from '../../citizens/guardianship.ts';
import type { Database, Queryable } from '../../platform/database.ts';
import { lifetimes } from '../../platform/lifetimes.ts';
import { Problem } from '../../platform/problem.ts';
import { liveActivation } from '../activation.ts';
import { decideFor } from '../decide.ts';
import { nextChange } from '../engine/next-change.ts';
import { noteGuardianAct } from '../guardian-acts.ts';
import type { Holder } from '../people.ts';
import { healthSettings } from '../settings.ts';
import { COLOURS, type Colour, writeAttestation } from '../wire/attestation.js';
import { COORDINATE_BYTES, importPoint } from '../wire/cose.js';
import { fromBase64Url } from '../wire/jws.js';
import type { HealthKeys } from './keys.ts';

const coordinate = z
  .string()
  .regex(/^[A-Za-z0-9_-]{43}$/)
  .transform(fromBase64Url)
  .refine((bytes) => bytes.length === COORDINATE_BYTES);

/** The public key that a phone made, base64url. */
export const DeviceKey = z.object({ x: coordinate, y: coordinate });

/** What a phone needs to show codes without network. */
export interface Attested {
  attestation: Uint8Array;
  colour: Colour;
  expiresAt: Date;
}

/**
 * States a citizen's colour for a key of a phone: for a day at most, and never beyond the next instant at which
 * the colour can change by itself or the module's activation ends.
 *
 * @param shownBy on whose phone it will be: the citizen's own or a guardian's.
 * @throws Problem `health_no_code` 409 for somebody without a colour; `bad_request` 400 for what is no key;
 * `health_no_dependant` 404 for a guardianship that has ended.
 */
export async function attest(
  db: Database,
  keys: HealthKeys,
  {
    holder,
    shownBy,
    device,
    now,
  }: { holder: Holder; shownBy: string; device: z.infer<typeof DeviceKey>; now: Date },
): Promise<Attested> {
  if (!(await importPoint(device))) throw new Problem('bad_request', 400);
  const signer = await keys.signer(now);
  const { colour, expiresAt, status } = await db.transaction(async (tx) => {
    const { citizenId } = holder;
    if (
      shownBy !== citizenId &&
      !(await holdGuardianship(tx, { guardianId: shownBy, dependantId: citizenId }))
    )
      throw new Problem('health_no_dependant', 404);
    const activation = await liveActivation(tx, now);
    if (!activation) throw new Problem('health_off', 404);
    const decision = await decideFor(tx, holder.citizenId, now);
    const attested = COLOURS.find((each) => each === decision.colour);
    if (!attested) throw new Problem('health_no_code', 409);
    const until = Math.min(
      now.getTime() + lifetimes.healthOffline * 1_000,
      nextChange(decision.input, now.getTime(), decision.rules) ?? Number.POSITIVE_INFINITY,
      activation.to.getTime(),
    );
    const end = new Date(Math.floor(until / 1_000) * 1_000);
    const place = await takeStatus(tx, { holder, shownBy, colour: attested, now, expiresAt: end });
    if (shownBy !== citizenId) {
      await record(tx, { type: 'health.code_kept', citizenId, actor: `guardian:${shownBy}`, at: now });
      await noteGuardianAct(tx, { citizenId, by: shownBy, what: 'health_offline_code', now });
    }
    return { colour: attested, expiresAt: end, status: place };
  });
  const attestation = await writeAttestation(
    {
      colour,
      region: healthSettings.region,
      exp: expiresAt.getTime() / 1_000,
      status,
      name: holder.maskedName,
      lastTwo: holder.lastTwo.toUpperCase(),
      device,
    },
    { key: signer.key, kid: fromBase64Url(signer.kid) },
  );
  return { attestation, colour, expiresAt };
}

async function takeStatus(
  tx: Queryable,
  row: { holder: Holder; shownBy: string; colour: Colour; now: Date; expiresAt: Date },
): Promise<number> {
  const [taken] = await tx.query<{ status: number }>(
    `insert into health_attestations (citizen_id, status, shown_by, colour, issued_at, expires_at)
     values ($1, nextval('health_attestation_status'), $2, $3, $4, $5) returning status`,
    [row.holder.citizenId, row.shownBy, row.colour, row.now, row.expiresAt],
  );
  return taken!.status;
}

/**
 * Takes back what phones hold for a citizen, or of it only what one person's phones hold: for a phone that was
 * lost, or a guardianship that ended. Doors know at their next refresh.
 */
export async function withdrawAttestations(
  tx: Queryable,
  { citizenId, shownBy }: { citizenId: string; shownBy?: string },
): Promise<void> {
  await tx.query(
    `update health_attestations set revoked = true
     where citizen_id = $1 and not revoked and ($2::uuid is null or shown_by = $2)`,
    [citizenId, shownBy ?? null],
  );
}

/** Whose an attestation is, by its place in the status lists; undefined when it ended or was never made. */
export async function findAttested(
  db: Queryable,
  status: number,
  now: Date,
): Promise<{ citizenId: string; shownBy: string; revoked: boolean } | undefined> {
  const [row] = await db.query<{ citizen_id: string; shown_by: string; revoked: boolean }>(
    'select citizen_id, shown_by, revoked from health_attestations where status = $1 and expires_at > $2',
    [status, now],
  );
  return row && { citizenId: row.citizen_id, shownBy: row.shown_by, revoked: row.revoked };
}
