import type { KoaContextWithOIDC } from 'oidc-provider';
import { type Level, reaches } from '../assurance/level.ts';
import { recordAccess } from '../audit/access-log.ts';
import { record } from '../audit/log.ts';
import { e164 } from '../citizens/identifiers.ts';
import { type Citizen, readCitizen } from '../citizens/store.ts';
import { LEAST_LEVEL } from '../consents/claim-set.ts';
import { consentsGiven } from '../consents/store.ts';
import type { Clock } from '../platform/clock.ts';
import type { Database } from '../platform/database.ts';
import type { Cipher } from '../platform/field-encryption.ts';
import { isScope, type PersonalScope, SCOPE_CLAIMS, wantedSets } from './claim-sets.ts';
import { ownMetadata } from './own-metadata.ts';
import { releaseVerifiedClaims } from './release-verified-claims.ts';

export type ReleaseClaims = (
  ctx: KoaContextWithOIDC,
  asked: {
    accountId: string;
    /** What the access token is good for at this moment. */
    level: Level;
    scopes: string[];
    /** What the `claims` parameter asks of userinfo. */
    claims: Record<string, unknown>;
  },
) => Promise<Record<string, unknown>>;

/** Who asks for the health code, by `departments/client-metadata.ts`. */
export interface HealthAsker {
  id: string;
  purposes: readonly string[];
  claims_allowed: readonly string[];
}

/** The health code of this moment, with its own row in the access log; undefined when it may not be given. */
export type HealthClaimSource = (asked: {
  citizenId: string;
  client: HealthAsker;
  now: Date;
}) => Promise<object | undefined>;

export interface ReleaseDeps {
  healthClaim: HealthClaimSource;
  db: Database;
  cipher: Cipher;
  clock: Clock;
}

/**
 * What userinfo tells of a citizen: only sets that the client is entitled to and the citizen agrees to at
 * this moment, each with its row in the citizen's access log, or none of it.
 */
export function createReleaseClaims({ db, cipher, clock, healthClaim }: ReleaseDeps): ReleaseClaims {
  return async (ctx, { accountId, level, scopes, claims }) => {
    const client = ctx.oidc.client;
    if (client === undefined) return {};
    const own = ownMetadata(client);
    const { sets } = wantedSets({
      scopes,
      claims: Object.keys(claims),
      entitled: own.claimsAllowed,
      consent: 'implied',
    });
    if (sets.length === 0) return {};
    const clientId = client.clientId;
    const now = clock();
    const given = await consentsGiven(db, { citizenId: accountId, clientId, claimSets: sets });
    const released: Record<string, unknown> = {};
    if (given.includes('health_code')) {
      const asker = { id: clientId, purposes: own.purposes, claims_allowed: own.claimsAllowed };
      const claim = await healthClaim({ citizenId: accountId, client: asker, now });
      if (claim !== undefined) released.health_code = claim;
    }
    if (given.includes('verified_claims')) {
      const asker = { citizenId: accountId, clientId, entitled: own.claimsAllowed, level, now };
      const verified = await releaseVerifiedClaims(db, cipher, asker, claims.verified_claims);
      if (verified !== undefined) released.verified_claims = verified;
    }
    const personal = given.filter(
      (id) => isScope(id) && id !== 'health_code' && reaches(level, LEAST_LEVEL[id] ?? 'anonymous'),
    ) as PersonalScope[];
    if (personal.length === 0) return released;
    await db.transaction(async (tx) => {
      const citizen = await readCitizen(tx, cipher, accountId);
      if (citizen === undefined) return;
      for (const id of personal) {
        const values = personalValues(citizen, id);
        Object.assign(released, values);
        // A claim by itself is all that the library lets through of its set.
        const what = Object.keys(values).filter((name) => scopes.includes(id) || name in claims);
        if (what.length === 0) continue;
        await recordAccess(tx, { citizenId: accountId, clientId, what, purpose: id, at: now });
        await record(tx, {
          type: 'claims.released',
          citizenId: accountId,
          clientId,
          detail: { claimSet: id },
          at: now,
        });
      }
    });
    return released;
  };
}

function personalValues(citizen: Citizen, id: PersonalScope): Record<string, unknown> {
  const all: Record<string, unknown> = {
    name: citizen.name,
    preferred_username: citizen.username,
    birthdate: citizen.birthDate,
    gender: sexOf(citizen),
    phone_number: citizen.phone === undefined ? undefined : e164(citizen.phone),
    phone_number_verified: citizen.phone === undefined ? undefined : true,
    id_number: citizen.idNumber,
  };
  const values = SCOPE_CLAIMS[id].map((name): [string, unknown] => [name, all[name]]);
  return Object.fromEntries(values.filter(([, value]) => value !== undefined));
}

/** Only a resident ID number says it, in the last digit of its sequence (GB 11643 §5); nobody is asked. */
const sexOf = ({ documentType, idNumber }: Citizen): string | undefined =>
  documentType === 'resident_id' ? (Number(idNumber[16]) % 2 === 1 ? 'male' : 'female') : undefined;
